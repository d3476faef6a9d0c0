// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_CALLER_H_
#define BROKER_SERVICE_CALLER_H_

#include <grpcpp/server_context.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bpmp/v1/types.pb.h"
#include "broker/backend/engine.h"
#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/service/connection_leases.h"
#include "broker/service/peer.h"
#include "broker/service/throttle.h"

namespace bpmp::service {

// What a VM's requests are held to; LimitsConfig with its defaults filled in.
struct Limits {
  uint32_t requests_per_second = 10'000;
  uint32_t burst = 4096;
  uint32_t max_outstanding = 64;
  absl::Duration request_timeout = absl::Seconds(1);
};

// One VM as its connections share it.
struct Endpoint {
  Endpoint(VmId id, std::string vm_name, absl::Duration grace_time, const Limits& vm_limits,
           const Clock* clock)
      : vm(id),
        name(std::move(vm_name)),
        grace(grace_time),
        limits(vm_limits),
        throttle(clock, vm_limits.requests_per_second, vm_limits.burst) {}

  const VmId vm;
  const std::string name;
  const absl::Duration grace;  // for a lost session whose process can't be watched
  const Limits limits;
  Throttle throttle;
  std::atomic<uint32_t> unary_outstanding{0};
};

// Who speaks on a connection: a VM, by a process.
struct Caller {
  std::shared_ptr<Endpoint> endpoint;
  std::shared_ptr<const Peer> peer;
  // Of the connections of this process; null where the broker can't see their ends (TCP).
  std::shared_ptr<ConnectionLeases> leases = nullptr;
};

// How long the votes of a call last: as its `lease` field says. FailedPrecondition where its
// connection can't have a lease, InvalidArgument for a value that this broker doesn't know.
absl::StatusOr<backend::LeaseId> LeaseFor(v1::Lease wanted, ConnectionLeases* leases,
                                          const grpc::CallbackServerContext& context);

// Who makes a call. On a VM's own socket always the same, whatever the call says; over TLS, whom
// the client's certificate names.
using CallerOf = std::function<absl::StatusOr<Caller>(const grpc::CallbackServerContext& context)>;

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_CALLER_H_
