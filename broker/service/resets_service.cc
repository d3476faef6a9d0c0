// SPDX-License-Identifier: Apache-2.0
#include "broker/service/resets_service.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "broker/core/core.h"
#include "broker/service/convert.h"

namespace bpmp::service {

using core::ResourceKind;

namespace {

// The lock is taken for each reset anew, so that no VM waits for a whole list.
void List(const TypedCall& call, v1::ListResetsResponse* response) {
  const std::vector<core::Resource> resets = call.engine().Read(
      [](const core::Core& core) { return core.Resources(ResourceKind::kReset); });
  for (const core::Resource resource : resets) {
    call.engine().Read([&](const core::Core& core) {
      if (core.GrantOf(call.vm(), resource).access != core::Access::kExclusive) return;
      const std::optional<core::ResourceStatus> status = core.Status(resource);
      if (!status.has_value()) return;
      v1::Reset* reset = response->add_resets();
      reset->set_id(resource.id);
      reset->set_name(status->name);
      reset->set_state(ToProto(status->reset));
      reset->set_shared(status->shared);
    });
  }
}

void Drive(TypedCaller& caller, UnaryCall* rpc, mrq::ResetCmd command, const v1::ResourceRef& reset,
           v1::Outcome* outcome) {
  const auto make = [command](const TypedCall& /*call*/, uint32_t id) -> mrq::Request {
    return mrq::ResetRequest{command, ResetId(id)};
  };
  caller.Run(rpc, ResourceKind::kReset, reset, make, outcome);
}

}  // namespace

void ListResets(TypedCaller& caller, UnaryCall* rpc, const v1::ListResetsRequest& /*request*/,
                v1::ListResetsResponse* response) {
  caller.Start(rpc, [response](std::unique_ptr<TypedCall> call) {
    List(*call, response);
    call->Finish(absl::OkStatus());
  });
}

void AssertReset(TypedCaller& caller, UnaryCall* rpc, const v1::AssertResetRequest& request,
                 v1::AssertResetResponse* response) {
  Drive(caller, rpc, mrq::ResetCmd::kAssert, request.reset(), response->mutable_outcome());
}

void DeassertReset(TypedCaller& caller, UnaryCall* rpc, const v1::DeassertResetRequest& request,
                   v1::DeassertResetResponse* response) {
  Drive(caller, rpc, mrq::ResetCmd::kDeassert, request.reset(), response->mutable_outcome());
}

void PulseReset(TypedCaller& caller, UnaryCall* rpc, const v1::PulseResetRequest& request,
                v1::PulseResetResponse* response) {
  Drive(caller, rpc, mrq::ResetCmd::kModule, request.reset(), response->mutable_outcome());
}

}  // namespace bpmp::service
