// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_SERVER_COMMON_H_
#define BROKER_SERVICE_SERVER_COMMON_H_

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <string_view>

#include "absl/types/span.h"

namespace bpmp::service {

// The longest message that a server takes, in bytes. The data plane's have less than 200, the typed
// services' less than 1000; an admin's may define a VM with many grants.
inline constexpr int kMaxGuestMessage = 4096;
inline constexpr int kMaxAdminMessage = 1024 * 1024;

// What the servers that VMs talk to have in common: health, and bounds on what a peer can make the
// broker keep. No reflection (docs/adr/2026-11-25-reflection-on-the-admin-socket.md).
void ConfigureGuestServer(grpc::ServerBuilder* builder);

// What the servers of the admin API have in common: health, reflection, and a bound on messages.
void ConfigureAdminServer(grpc::ServerBuilder* builder);

// Sets the health of services by name; "" is the server as a whole. A name that was never set is
// unknown to the health service. Thread-safe. REQUIRES: a server configured by the above.
void SetServing(grpc::Server* server, absl::Span<const std::string_view> services, bool serving);

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_SERVER_COMMON_H_
