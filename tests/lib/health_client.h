// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_LIB_HEALTH_CLIENT_H_
#define TESTS_LIB_HEALTH_CLIENT_H_

#include <grpcpp/channel.h>

#include <memory>
#include <optional>
#include <string>

namespace bpmp::testing {

// grpc.health.v1's answers.
enum Health { kUnknown = 0, kServing = 1, kNotServing = 2 };

// Asks for the health of a service. Absent: the server doesn't know it, or lets nobody ask.
std::optional<int> HealthOf(const std::shared_ptr<grpc::Channel>& channel,
                            const std::string& service);

}  // namespace bpmp::testing

#endif  // TESTS_LIB_HEALTH_CLIENT_H_
