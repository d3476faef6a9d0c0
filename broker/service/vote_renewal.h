// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_VOTE_RENEWAL_H_
#define BROKER_SERVICE_VOTE_RENEWAL_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "bpmp/v1/guest.pb.h"
#include "broker/backend/engine.h"
#include "broker/base/ids.h"
#include "broker/mrq/types.h"

namespace bpmp::service {

// Asks again for the votes that a client says its guest holds, on behalf of the VM and as it would
// ask itself: the policy decides, observers count and see it, and what is refused stays refused.
// One request after the other, so that each has the whole of its time, however many there are.
//
// Thread-safe in that its steps follow each other through any threads. Keeps itself alive.
class VoteRenewal : public std::enable_shared_from_this<VoteRenewal> {
 public:
  static constexpr int kMaxClocks = 1024;
  static constexpr int kMaxDomains = 256;

  // Whether a Hello lists no more than that; else InvalidArgument.
  static absl::Status Check(const v1::Hello& hello);
  // Asks for what the Hello lists, domains first; `done` runs after the last answer, in any thread,
  // perhaps before this returns.
  static void Start(backend::Engine* engine, VmId vm, absl::Duration timeout,
                    const v1::Hello& hello, absl::AnyInvocable<void()> done);

 private:
  VoteRenewal(backend::Engine* engine, VmId vm, absl::Duration timeout, const v1::Hello& hello,
              absl::AnyInvocable<void()> done);

  // Asks until an answer has to be waited for. Not recursive, though most answers come at once.
  void Continue();
  // Of the two who know of a request, the one who asked and the one who was answered, the second
  // goes on.
  bool IsSecond() { return known_.fetch_add(1, std::memory_order_acq_rel) == 1; }

  backend::Engine* const engine_;
  const VmId vm_;
  const absl::Duration timeout_;
  std::vector<mrq::Request> requests_;
  size_t next_ = 0;
  std::atomic<int> known_{0};
  absl::AnyInvocable<void()> done_;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_VOTE_RENEWAL_H_
