// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_SERVER_COMMON_H_
#define BROKER_SERVICE_SERVER_COMMON_H_

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <initializer_list>
#include <string_view>

namespace bpmp::service {

// The longest message that a server takes, in bytes. A guest's requests have some hundred; an
// admin's may define a VM with many grants.
inline constexpr int kGuestMessageLimit = 64 * 1024;
inline constexpr int kAdminMessageLimit = 1024 * 1024;

// Health and reflection for every server that this process builds from now on. Thread-safe.
void EnableHealthAndReflection();

// What every server of the broker has: EnableHealthAndReflection(), and a bound on what a client
// may send. To be called before BuildAndStart(). Thread-safe.
void ConfigureCommon(grpc::ServerBuilder* builder, int message_limit = kGuestMessageLimit);

// Sets the health of services by name; "" is the server as a whole. A name that was never set is
// unknown to the health service. Thread-safe. REQUIRES: a server built after ConfigureCommon().
void SetServing(grpc::Server* server, std::initializer_list<std::string_view> services,
                bool serving);

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_SERVER_COMMON_H_
