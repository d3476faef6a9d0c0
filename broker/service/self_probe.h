// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_SELF_PROBE_H_
#define BROKER_SERVICE_SELF_PROBE_H_

#include <grpcpp/server.h>

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "bpmp/v1/guest.grpc.pb.h"
#include "broker/base/mutex.h"
#include "broker/service/guest_service.h"

namespace bpmp::service {

// The broker as a client of itself: asks it, through gRPC, what every VM may ask.
//
// A server without a port, which only this object has a connection to, offers the guest's data
// plane in the host's name. A probe is a unary Transfer of a PING: it passes a socket, gRPC's
// threads, the service, the limits and the core, and comes back the same way. The broker answers
// PING alone, so that the answer says nothing about the firmware.
//
// One thread makes it, asks, shuts it down and destroys it.
class SelfProbe {
 public:
  // Runs once, from any thread, with whether the right answer came in time.
  using Done = absl::AnyInvocable<void(bool answered)>;

  // What `deps` names is not owned and outlives the probe.
  explicit SelfProbe(const GuestDeps& deps);
  // Waits for what is under way. (A call owns a share of its channel, and whoever lets go of the
  // last one waits for gRPC's threads: one of these must not.)
  ~SelfProbe() ABSL_LOCKS_EXCLUDED(mutex_);
  SelfProbe(const SelfProbe&) = delete;
  SelfProbe& operator=(const SelfProbe&) = delete;

  // Never blocks. Where gRPC itself hangs, `done` may never run: whoever asks keeps the time.
  // REQUIRES: the `done` of the last one has been called.
  void Ask(absl::Duration timeout, Done done) ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends what is under way; from now on `done` is told false at once. Idempotent.
  void Shutdown();

 private:
  struct Call;

  // A connection, unless there is a good one.
  void Connect() ABSL_LOCKS_EXCLUDED(mutex_);
  void OnAnswer(const grpc::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);

  GuestService guest_;
  std::unique_ptr<grpc::Server> server_;   // null: gRPC could not start it
  std::unique_ptr<v1::Guest::Stub> stub_;  // null: not connected
  std::unique_ptr<Call> call_;             // the last one
  bool stopped_ = false;

  Mutex mutex_;
  CondVar idle_;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;  // `call_` is gRPC's
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;   // it failed: perhaps the connection did
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_SELF_PROBE_H_
