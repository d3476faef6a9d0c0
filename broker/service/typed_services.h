// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_TYPED_SERVICES_H_
#define BROKER_SERVICE_TYPED_SERVICES_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server_builder.h>

#include <string_view>
#include <utility>

#include "broker/service/typed_caller.h"

namespace bpmp::service {

// The names under which a server for VMs tells its health: that of the whole and of each service.
inline constexpr std::string_view kGuestServices[] = {"", "bpmp.v1.Guest", "bpmp.v1.Clocks",
                                                      "bpmp.v1.Resets", "bpmp.v1.PowerDomains"};

// Clocks, Resets and PowerDomains, for one server: a VM's own, or one whose clients are told apart
// by their certificates. Answers every method that the server has not registered, those it doesn't
// know with UNIMPLEMENTED. Thread-safe. Outlives the server that it is registered with.
class TypedServices final : public grpc::CallbackGenericService {
 public:
  explicit TypedServices(TypedDeps deps) : caller_(std::move(deps)) {}

  void RegisterOn(grpc::ServerBuilder* builder) { builder->RegisterCallbackGenericService(this); }

  // Whether there is such a method, by its path: "/bpmp.v1.Clocks/GetClock".
  static bool Serves(std::string_view path);

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

 private:
  TypedCaller caller_;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_TYPED_SERVICES_H_
