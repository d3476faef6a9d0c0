// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "broker/core/core.h"
#include "broker/service/admin_service.h"
#include "broker/service/convert.h"
#include "broker/service/lookup.h"
#include "broker/service/patient_call.h"
#include "broker/service/policy_convert.h"

namespace bpmp::service {

template <typename Request, typename Response>
grpc::ServerUnaryReactor* AdminService::LetControl(
    Response (PolicyControl::*action)(const Request&), grpc::CallbackServerContext* context,
    const Request* request, Response* response) {
  if (deps_.policy == nullptr) {
    return FinishCall(context, absl::FailedPreconditionError("this broker reads no configuration"));
  }
  const std::shared_ptr<PatientCall> call = PatientCall::Make();
  policy_jobs_.Run([policy = deps_.policy, action, request = *request, response, call] {
    Response made = (policy->*action)(request);
    call->Answer([&] {
      *response = std::move(made);
      return absl::OkStatus();
    });
  });
  return call.get();
}

grpc::ServerUnaryReactor* AdminService::ReloadPolicy(grpc::CallbackServerContext* context,
                                                     const v1::ReloadPolicyRequest* request,
                                                     v1::ReloadPolicyResponse* response) {
  return LetControl(&PolicyControl::Reload, context, request, response);
}

grpc::ServerUnaryReactor* AdminService::CheckPolicy(grpc::CallbackServerContext* context,
                                                    const v1::CheckPolicyRequest* request,
                                                    v1::CheckPolicyResponse* response) {
  return LetControl(&PolicyControl::Check, context, request, response);
}

grpc::ServerUnaryReactor* AdminService::SuggestPolicy(grpc::CallbackServerContext* context,
                                                      const v1::SuggestPolicyRequest* request,
                                                      v1::SuggestPolicyResponse* response) {
  const absl::StatusOr<VmId> vm = FindVm(*deps_.engine, request->vm());
  if (!vm.ok()) return FinishCall(context, vm.status());
  const std::optional<VmRegistry::Info> info = deps_.vms->Find(request->vm());
  if (!info.has_value()) {
    return FinishCall(context, absl::NotFoundError("the vm is being removed"));
  }
  const core::Suggestion suggestion =
      deps_.engine->Read([&](const core::Core& core) { return core.Suggest(*vm); });
  ToProto(suggestion, info->config, response);
  return FinishCall(context, absl::OkStatus());
}

void AdminService::FillPolicy(v1::ServerStatus* status) const {
  const VmRegistry::Generation generation = deps_.vms->generation();
  status->set_policy_generation(generation.number);
  ToProto(generation.since, status->mutable_policy_loaded());
  deps_.engine->Read([status](const core::Core& core) {
    for (const core::VmStatus& vm : core.Vms()) {
      if (vm.audit_only) status->add_audit_only(vm.name);
      if (vm.admission != core::Admission::kOpen) status->add_draining(vm.name);
    }
  });
}

}  // namespace bpmp::service
