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

}  // namespace

grpc::ServerUnaryReactor* ResetsService::ListResets(grpc::CallbackServerContext* context,
                                                    const v1::ListResetsRequest* /*request*/,
                                                    v1::ListResetsResponse* response) {
  return caller_->Start(context, [response](std::unique_ptr<TypedCall> call) {
    List(*call, response);
    call->Finish(absl::OkStatus());
  });
}

grpc::ServerUnaryReactor* ResetsService::Drive(grpc::CallbackServerContext* context,
                                               mrq::ResetCmd command, const v1::ResourceRef& reset,
                                               v1::Outcome* outcome) {
  const auto make = [command](const TypedCall& /*call*/, uint32_t id) -> mrq::Request {
    return mrq::ResetRequest{command, ResetId(id)};
  };
  return caller_->Run(context, ResourceKind::kReset, reset, make, outcome);
}

grpc::ServerUnaryReactor* ResetsService::AssertReset(grpc::CallbackServerContext* context,
                                                     const v1::AssertResetRequest* request,
                                                     v1::AssertResetResponse* response) {
  return Drive(context, mrq::ResetCmd::kAssert, request->reset(), response->mutable_outcome());
}

grpc::ServerUnaryReactor* ResetsService::DeassertReset(grpc::CallbackServerContext* context,
                                                       const v1::DeassertResetRequest* request,
                                                       v1::DeassertResetResponse* response) {
  return Drive(context, mrq::ResetCmd::kDeassert, request->reset(), response->mutable_outcome());
}

grpc::ServerUnaryReactor* ResetsService::PulseReset(grpc::CallbackServerContext* context,
                                                    const v1::PulseResetRequest* request,
                                                    v1::PulseResetResponse* response) {
  return Drive(context, mrq::ResetCmd::kModule, request->reset(), response->mutable_outcome());
}

}  // namespace bpmp::service
