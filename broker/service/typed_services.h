// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_TYPED_SERVICES_H_
#define BROKER_SERVICE_TYPED_SERVICES_H_

#include <grpcpp/server_builder.h>

#include <string_view>
#include <utility>

#include "broker/service/clocks_service.h"
#include "broker/service/power_domains_service.h"
#include "broker/service/resets_service.h"
#include "broker/service/typed_caller.h"

namespace bpmp::service {

// The names under which a server for VMs tells its health: that of the whole and of each service.
inline constexpr std::string_view kGuestServices[] = {"", "bpmp.v1.Guest", "bpmp.v1.Clocks",
                                                      "bpmp.v1.Resets", "bpmp.v1.PowerDomains"};

// Clocks, Resets and PowerDomains, for one server: a VM's own, or one whose clients are told apart
// by their certificates. Outlives the server that it is registered with.
class TypedServices {
 public:
  explicit TypedServices(TypedDeps deps) : caller_(std::move(deps)) {}

  void RegisterOn(grpc::ServerBuilder* builder) {
    builder->RegisterService(&clocks_);
    builder->RegisterService(&resets_);
    builder->RegisterService(&power_domains_);
  }

 private:
  TypedCaller caller_;
  ClocksService clocks_{&caller_};
  ResetsService resets_{&caller_};
  PowerDomainsService power_domains_{&caller_};
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_TYPED_SERVICES_H_
