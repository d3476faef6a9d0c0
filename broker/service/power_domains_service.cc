// SPDX-License-Identifier: Apache-2.0
#include "broker/service/power_domains_service.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/algorithm/container.h"
#include "broker/core/core.h"
#include "broker/service/convert.h"

namespace bpmp::service {

using core::ResourceKind;

namespace {

// The lock is taken for each domain anew, so that no VM waits for a whole list.
void List(const TypedCall& call, v1::ListPowerDomainsResponse* response) {
  const std::vector<core::Resource> domains = call.engine().Read(
      [](const core::Core& core) { return core.Resources(ResourceKind::kDomain); });
  for (const core::Resource resource : domains) {
    call.engine().Read([&](const core::Core& core) {
      const std::optional<core::ResourceStatus> status = core.Status(resource);
      if (!status.has_value() || !call.Shows(core, resource)) return;
      v1::PowerDomain* domain = response->add_power_domains();
      domain->set_id(resource.id);
      domain->set_name(status->name);
      domain->set_on(absl::c_linear_search(status->holders, call.vm()));
      domain->set_access(ToProto(core.GrantOf(call.vm(), resource).access));
    });
  }
}

void Set(TypedCaller& caller, UnaryCall* rpc, mrq::PgState state, const v1::ResourceRef& domain,
         v1::Outcome* outcome, v1::Lease lease) {
  const auto make = [state](const TypedCall& /*call*/, uint32_t id) -> mrq::Request {
    return mrq::PgRequest{mrq::PgCmd::kSetState, DomainId(id), static_cast<uint32_t>(state)};
  };
  caller.Run(rpc, ResourceKind::kDomain, domain, make, outcome, nullptr, {lease, std::nullopt});
}

}  // namespace

void ListPowerDomains(TypedCaller& caller, UnaryCall* rpc,
                      const v1::ListPowerDomainsRequest& /*request*/,
                      v1::ListPowerDomainsResponse* response) {
  caller.Start(rpc, [response](std::unique_ptr<TypedCall> call) {
    List(*call, response);
    call->Finish(absl::OkStatus());
  });
}

void PowerOn(TypedCaller& caller, UnaryCall* rpc, const v1::PowerOnRequest& request,
             v1::PowerOnResponse* response) {
  Set(caller, rpc, mrq::PgState::kOn, request.power_domain(), response->mutable_outcome(),
      request.lease());
}

void PowerOff(TypedCaller& caller, UnaryCall* rpc, const v1::PowerOffRequest& request,
              v1::PowerOffResponse* response) {
  Set(caller, rpc, mrq::PgState::kOff, request.power_domain(), response->mutable_outcome(),
      v1::LEASE_UNSPECIFIED);
}

}  // namespace bpmp::service
