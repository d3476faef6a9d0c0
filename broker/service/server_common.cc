// SPDX-License-Identifier: Apache-2.0
#include "broker/service/server_common.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace bpmp::service {
namespace {

// gRPC's own way to switch reflection on works only for builders made after it, and for all of
// them.
class ReflectionOption final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments* /*args*/) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->push_back(std::make_unique<grpc::reflection::ProtoServerReflectionPlugin>());
  }
};

}  // namespace

void ConfigureCommon(grpc::ServerBuilder* builder, int message_limit) {
  // A switch of the whole process, looked at when a server starts.
  static std::once_flag once;
  std::call_once(once, [] { grpc::EnableDefaultHealthCheckService(true); });
  builder->SetOption(std::make_unique<ReflectionOption>());
  builder->SetMaxReceiveMessageSize(message_limit);
}

void SetServing(grpc::Server* server, std::initializer_list<std::string_view> services,
                bool serving) {
  for (const std::string_view service : services) {
    server->GetHealthCheckService()->SetServingStatus(std::string(service), serving);
  }
}

}  // namespace bpmp::service
