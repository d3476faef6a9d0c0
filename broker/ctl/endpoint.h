// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_ENDPOINT_H_
#define BROKER_CTL_ENDPOINT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/status.h"

namespace bpmp::ctl {

// A socket of the broker, and whose it is for messages.
struct Endpoint {
  std::string path;
  std::string what;  // "the broker", "the broker's socket for net-vm"
};

// Where the admin socket is: `option` (--socket) if given, else $BPMP_BROKER_ADMIN, else the system
// broker's if it exists or we are root, else the user's own in $XDG_RUNTIME_DIR.
Endpoint AdminEndpoint(const std::string& option);

// A channel of gRPC to a Unix socket. Connects on first use. InvalidArgument for a path that is
// longer than a Unix socket's may be.
absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(const Endpoint& endpoint);

// A failed call as a status of this program (exit_code.h): what happened, to what, what to do next.
// Where nothing was reached, the socket is tried once more to learn why.
absl::Status ExplainFailure(const grpc::Status& status, const Endpoint& endpoint,
                            absl::Duration timeout);

// Why `path` can't be connected to, and what to do about it; empty when it can.
std::string DiagnoseSocket(const std::string& path);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_ENDPOINT_H_
