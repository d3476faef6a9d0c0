// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_SELF_PROBE_H_
#define BROKER_SERVICE_SELF_PROBE_H_

#include <grpcpp/server.h>

#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "bpmp/v1/guest.grpc.pb.h"
#include "broker/service/guest_service.h"

namespace bpmp::service {

// The broker as a client of itself: asks it, through gRPC, what every VM may ask.
//
// A server without a port, which only this object has a channel to, offers the guest's data plane
// in the host's name. A probe is a unary Transfer of a PING: it passes gRPC's threads, the service,
// the limits and the core, and comes back the same way. The broker answers PING alone, so that the
// answer says nothing about the firmware.
//
// One thread makes it, asks, and shuts it down.
class SelfProbe {
 public:
  // Runs once, from any thread, with whether the right answer came in time.
  using Done = absl::AnyInvocable<void(bool answered)>;

  // What `deps` names is not owned and outlives the probe.
  explicit SelfProbe(const GuestDeps& deps);
  ~SelfProbe();
  SelfProbe(const SelfProbe&) = delete;
  SelfProbe& operator=(const SelfProbe&) = delete;

  // Never blocks. Where gRPC itself hangs, `done` may never run: whoever asks keeps the time.
  void Ask(absl::Duration timeout, Done done);
  // Ends what is under way; from now on `done` is told false at once. Idempotent.
  void Shutdown();

 private:
  struct Call;

  GuestService guest_;
  std::unique_ptr<grpc::Server> server_;  // null: gRPC could not start it
  std::unique_ptr<v1::Guest::Stub> stub_;
  uint32_t challenge_ = 0;  // of the last one
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_SELF_PROBE_H_
