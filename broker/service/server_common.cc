// SPDX-License-Identifier: Apache-2.0
#include "broker/service/server_common.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>

#include <mutex>
#include <string>

namespace bpmp::service {

void EnableHealthAndReflection() {
  // Switches of the whole process. Reflection's is thrown by the library's own initialisation; the
  // call here keeps a linker that drops unused libraries from dropping it.
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

void ConfigureCommon(grpc::ServerBuilder* builder, int message_limit) {
  EnableHealthAndReflection();
  builder->SetMaxReceiveMessageSize(message_limit);
}

void SetServing(grpc::Server* server, std::initializer_list<std::string_view> services,
                bool serving) {
  for (const std::string_view service : services) {
    server->GetHealthCheckService()->SetServingStatus(std::string(service), serving);
  }
}

}  // namespace bpmp::service
