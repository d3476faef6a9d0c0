// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_WAIT_RELEASED_H_
#define BROKER_SERVICE_WAIT_RELEASED_H_

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <memory>

#include "bpmp/v1/admin.pb.h"
#include "broker/backend/engine.h"
#include "broker/base/ids.h"

namespace bpmp::service {

// The calls of Admin.WaitReleased that wait. Each costs a place in the engine's list, until its VM
// is free, its client has gone or given up, or the broker stops. Thread-safe.
class ReleaseWaits {
 public:
  // At most so many wait at a time: an orchestrator needs one for each VM that it moves.
  static constexpr size_t kMax = 64;

  // Not owned; outlives the calls.
  explicit ReleaseWaits(backend::Engine* engine);
  // Stop().
  ~ReleaseWaits();
  ReleaseWaits(const ReleaseWaits&) = delete;
  ReleaseWaits& operator=(const ReleaseWaits&) = delete;

  // A call that is answered when `vm` is free. ResourceExhausted when too many wait.
  grpc::ServerUnaryReactor* Start(VmId vm, v1::WaitReleasedResponse* response);
  // Those that wait, and those to come, end as Unavailable: the broker is stopping. Idempotent.
  void Stop();
  size_t waiting() const;

 private:
  class Call;
  class Calls;

  backend::Engine* const engine_;
  // The calls' too: gRPC may be done with the last of them later.
  const std::shared_ptr<Calls> calls_;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_WAIT_RELEASED_H_
