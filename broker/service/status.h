// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_STATUS_H_
#define BROKER_SERVICE_STATUS_H_

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"

namespace bpmp::service {

// The one place where this tree's statuses become gRPC's. The codes have the same numbers.
inline grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()),
                      std::string(status.message()));
}

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_STATUS_H_
