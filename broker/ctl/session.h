// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_SESSION_H_
#define BROKER_CTL_SESSION_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bpmp/v1/guest.grpc.pb.h"
#include "broker/base/mutex.h"
#include "broker/ctl/endpoint.h"
#include "grpcpp/client_context.h"

namespace bpmp::ctl {

// A VM's Session stream as a real client has it: presence for as long as it lives, one request at a
// time. All but Cancel() is called from one thread; a thread of its own reads the stream.
class GuestSession {
 public:
  // Opens the stream, says Hello and waits for the Welcome. Unavailable, with the reason, where the
  // broker can't be reached; FailedPrecondition where it refuses, e.g. because another process has
  // the VM's session.
  static absl::StatusOr<std::unique_ptr<GuestSession>> Open(
      const Endpoint& endpoint, const std::shared_ptr<grpc::Channel>& channel,
      absl::Duration timeout);
  // Ends the stream.
  ~GuestSession();

  const v1::Welcome& welcome() const { return welcome_; }

  // Sends `request` under the next sequence number and waits for its answer. DeadlineExceeded when
  // none comes in time (a late one is dropped); otherwise the error that ended the stream.
  absl::StatusOr<v1::SessionResponse> Exchange(v1::SessionRequest request)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Readable once the stream has ended, for poll(). Owned by this.
  int ended_fd() const { return ended_fd_; }

  // Half-closes and waits for the end: OK when the broker ended it in order too.
  absl::Status Close();

  // Ends the stream at once. Any thread.
  void Cancel() { context_.TryCancel(); }

 private:
  GuestSession(Endpoint endpoint, absl::Duration timeout);

  absl::Status Start(const std::shared_ptr<grpc::Channel>& channel);
  void ReadLoop() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<v1::SessionResponse> WaitFor(uint64_t sequence) ABSL_LOCKS_EXCLUDED(mutex_);
  // Why the stream ended. Blocks until it has.
  absl::Status Finish();

  const Endpoint endpoint_;
  const absl::Duration timeout_;
  const int ended_fd_;
  std::unique_ptr<v1::Guest::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SessionRequest, v1::SessionResponse>> stream_;
  v1::Welcome welcome_;
  uint64_t last_sequence_ = 0;
  bool finished_ = false;
  absl::Status end_;
  std::thread reader_;

  Mutex mutex_;
  CondVar changed_;
  std::deque<v1::SessionResponse> responses_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_SESSION_H_
