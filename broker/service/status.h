// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_STATUS_H_
#define BROKER_SERVICE_STATUS_H_

#include <grpcpp/support/status.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"

namespace bpmp::service {

// gRPC sends a status in a header, and its clients take no more than 8 KiB of those, in which a
// byte that isn't printable ASCII takes three.
inline constexpr size_t kMaxStatusText = 2048;

// The one place where this tree's statuses become gRPC's. The codes have the same numbers. What is
// too long for a header ends with the last line that has room.
inline grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  std::string text(status.message());
  if (text.size() > kMaxStatusText) {
    const size_t line = text.rfind('\n', kMaxStatusText);
    const bool early = line == std::string::npos || line < kMaxStatusText / 2;
    text.resize(early ? kMaxStatusText : line);
    text += "\n(and more)";
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()), text);
}

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_STATUS_H_
