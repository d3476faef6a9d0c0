// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "broker/base/string_view.h"
#include "broker/core/core.h"
#include "broker/core/names.h"
#include "broker/mrq/codec.h"
#include "broker/service/admin_service.h"
#include "broker/service/convert.h"
#include "broker/service/event_text.h"
#include "broker/service/lookup.h"

namespace bpmp::service {
namespace {

constexpr core::ResourceKind kKinds[] = {core::ResourceKind::kClock, core::ResourceKind::kDomain,
                                         core::ResourceKind::kReset,
                                         core::ResourceKind::kPcieController};

// Somebody holds it, or it is in a state that an operator should know of.
bool IsActive(const core::ResourceStatus& status) {
  const bool in_doubt = status.resource.kind != core::ResourceKind::kReset &&
                        status.gate == core::GateState::kUnknown;
  return !status.holders.empty() || !status.implied.empty() || status.residue || status.busy ||
         status.quarantined_for.has_value() || in_doubt;
}

// What the VM would be answered for bytes that are no request; as Engine::SubmitBytes.
void ExplainUndecodable(uint32_t mrq, const absl::Status& why, v1::ExplainResponse* response) {
  const int32_t error = -static_cast<int32_t>(mrq::ErrorFromStatus(why));
  response->set_error(error);
  response->set_error_name(std::string(mrq::ErrorName(error)));
  response->set_reason(std::string(core::ReasonName(backend::Engine::ReasonOfUndecodable(mrq))));
  response->set_text(std::string(why.message()));
  response->set_request(std::string(mrq::MrqName(mrq)));
}

}  // namespace

grpc::ServerUnaryReactor* AdminService::ListResources(grpc::CallbackServerContext* context,
                                                      const v1::ListResourcesRequest* request,
                                                      v1::ListResourcesResponse* response) {
  const core::ResourceKind wanted = FromProto(request->kind());
  if (!v1::ResourceKind_IsValid(request->kind())) {
    return FinishCall(context, absl::InvalidArgumentError(
                                   absl::StrCat("there is no resource kind ", request->kind())));
  }
  for (const core::ResourceKind kind : kKinds) {
    if (wanted != core::ResourceKind::kNone && wanted != kind) continue;
    const std::vector<core::Resource> resources =
        deps_.engine->Read([kind](const core::Core& core) { return core.Resources(kind); });
    // The lock is taken for each resource anew, so that no VM waits for a whole list.
    for (const core::Resource resource : resources) {
      deps_.engine->Read([&](const core::Core& core) {
        const std::optional<core::ResourceStatus> status = core.Status(resource);
        if (!status.has_value() || (request->active_only() && !IsActive(*status))) return;
        ToProto(core, *status, response->add_resources());
      });
    }
  }
  return FinishCall(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* AdminService::GetResource(grpc::CallbackServerContext* context,
                                                    const v1::GetResourceRequest* request,
                                                    v1::ResourceState* response) {
  const absl::StatusOr<core::Resource> resource =
      FindResource(*deps_.engine, request->resource(), core::ResourceKind::kNone);
  if (!resource.ok()) return FinishCall(context, resource.status());
  deps_.engine->Read([&](const core::Core& core) {
    const std::optional<core::ResourceStatus> status = core.Status(*resource);
    if (status.has_value()) ToProto(core, *status, response);
  });
  return FinishCall(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* AdminService::Explain(grpc::CallbackServerContext* context,
                                                const v1::ExplainRequest* request,
                                                v1::ExplainResponse* response) {
  const absl::StatusOr<VmId> vm = FindVm(*deps_.engine, request->vm());
  if (!vm.ok()) return FinishCall(context, vm.status());
  if (absl::Status status = CheckFrame(request->request()); !status.ok()) {
    return FinishCall(context, status);
  }
  const std::string& tx = request->request().tx();
  const absl::StatusOr<mrq::Request> decoded = mrq::DecodeRequest(
      request->request().mrq(),
      absl::Span<const uint8_t>(reinterpret_cast<const uint8_t*>(tx.data()), tx.size()));
  if (!decoded.ok()) {
    ExplainUndecodable(request->request().mrq(), decoded.status(), response);
    return FinishCall(context, absl::OkStatus());
  }
  deps_.engine->Read([&](const core::Core& core) {
    const core::Explanation explanation = core.Explain(*vm, *decoded);
    response->set_error(explanation.error);
    response->set_reason(std::string(core::ReasonName(explanation.reason)));
    response->set_text(explanation.text);
    for (const VmId other : explanation.others) response->add_others(core.NameOf(other));
    response->set_edge(explanation.edge);
    response->set_request(DescribeByName(core, *decoded));
  });
  if (response->error() != 0) {
    response->set_error_name(std::string(mrq::ErrorName(response->error())));
  }
  return FinishCall(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* AdminService::ClearQuarantine(grpc::CallbackServerContext* context,
                                                        const v1::ClearQuarantineRequest* request,
                                                        v1::ClearQuarantineResponse* /*response*/) {
  const absl::StatusOr<core::Resource> resource =
      FindResource(*deps_.engine, request->resource(), core::ResourceKind::kNone);
  if (!resource.ok()) return FinishCall(context, resource.status());
  absl::Status status = deps_.engine->ClearQuarantine(*resource);
  if (absl::IsNotFound(status)) {
    status = absl::FailedPreconditionError(absl::StrCat(ToAbsl(core::KindName(resource->kind)), " ",
                                                        WrittenAs(request->resource()),
                                                        " is not quarantined"));
  }
  return FinishCall(context, status);
}

}  // namespace bpmp::service
