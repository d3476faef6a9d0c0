// SPDX-License-Identifier: Apache-2.0
#include "broker/service/server_common.h"

#include <grpc/impl/codegen/grpc_types.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace bpmp::service {
namespace {

// Switches of the whole process: every server that is built afterwards has health and reflection.
void EnableHealthAndReflection() {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    // Reflection's is thrown by the library's own initialisation; the call here keeps a linker that
    // drops unused libraries from dropping it.
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

// Takes reflection out again.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments* /*arguments*/) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    const auto is_reflection = [](const auto& plugin) {
      return plugin->name() == "proto_server_reflection";
    };
    plugins->erase(std::remove_if(plugins->begin(), plugins->end(), is_reflection), plugins->end());
  }
};

}  // namespace

void ConfigureGuestServer(grpc::ServerBuilder* builder) {
  EnableHealthAndReflection();
  builder->SetOption(std::make_unique<WithoutReflection>());
  builder->SetMaxReceiveMessageSize(kMaxGuestMessage);
  // No compression: the filters for it are left out of each call.
  builder->AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0);
  builder->AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 128);
  // The windows stay small instead of growing with the speed of a local socket.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  // A connection that nobody serves any more is found out: one whose process has ended while
  // another inherited the descriptor, or one whose machine is gone.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Clients may look after their side in the same way.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1'000);
}

void ConfigureAdminServer(grpc::ServerBuilder* builder) {
  EnableHealthAndReflection();
  builder->SetMaxReceiveMessageSize(kMaxAdminMessage);
}

void SetServing(grpc::Server* server, absl::Span<const std::string_view> services, bool serving) {
  for (const std::string_view service : services) {
    server->GetHealthCheckService()->SetServingStatus(std::string(service), serving);
  }
}

}  // namespace bpmp::service
