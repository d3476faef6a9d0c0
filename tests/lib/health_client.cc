// SPDX-License-Identifier: Apache-2.0
#include "tests/lib/health_client.h"

#include <google/protobuf/wrappers.pb.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <future>

#include "bpmp/v1/guest.grpc.pb.h"  // gRPC for messages in general

namespace bpmp::testing {

std::optional<int> HealthOf(const std::shared_ptr<grpc::Channel>& channel,
                            const std::string& service) {
  // grpc.health.v1's messages are not installed with gRPC; these are the same on the wire.
  grpc::TemplatedGenericStub<google::protobuf::StringValue, google::protobuf::Int32Value> stub(
      channel);
  grpc::ClientContext context;
  google::protobuf::StringValue request;
  request.set_value(service);
  google::protobuf::Int32Value response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                 [&](const grpc::Status& result) { done.set_value(result); });
  if (!done.get_future().get().ok()) return std::nullopt;
  return response.value();
}

}  // namespace bpmp::testing
