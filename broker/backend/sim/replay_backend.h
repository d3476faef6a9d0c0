// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_SIM_REPLAY_BACKEND_H_
#define BROKER_BACKEND_SIM_REPLAY_BACKEND_H_

#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/backend/sim/replay.h"
#include "broker/backend/stoppable_backend.h"
#include "broker/base/mutex.h"
#include "broker/mrq/types.h"

namespace bpmp::backend::sim {

// A backend that answers what a trace has (replay.h), at once. Thread-safe.
class ReplayBackend final : public StoppableBackend {
 public:
  // For a log: `bad` for a request that the trace never asked, the first kMaxSaid times, from the
  // thread that asks; at Shutdown() how much of the trace was replayed. No lock held. May be empty.
  using NoticeFn = std::function<void(bool bad, const std::string& text)>;
  ReplayBackend(Replay replay, NoticeFn on_notice);
  static constexpr uint64_t kMaxSaid = 20;

  absl::StatusOr<mrq::Response> Transfer(const mrq::Request& request, absl::Time deadline) override
      ABSL_LOCKS_EXCLUDED(mutex_);
  // From now on every call is Unavailable.
  void Shutdown() override ABSL_LOCKS_EXCLUDED(mutex_);

  Replay::Stats stats() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const NoticeFn on_notice_;
  mutable Mutex mutex_;
  Replay replay_ ABSL_GUARDED_BY(mutex_);
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace bpmp::backend::sim

#endif  // BROKER_BACKEND_SIM_REPLAY_BACKEND_H_
