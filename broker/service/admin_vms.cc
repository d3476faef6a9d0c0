// SPDX-License-Identifier: Apache-2.0
// Admin: VMs that change while they run, and VMs that leave.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/base/status_macros.h"
#include "broker/core/core.h"
#include "broker/service/admin_service.h"
#include "broker/service/lookup.h"
#include "broker/service/patient_call.h"
#include "broker/service/policy_convert.h"

namespace bpmp::service {

template <typename Request, typename Response>
grpc::ServerUnaryReactor* AdminService::DoLater(absl::Status (AdminService::*action)(const Request&,
                                                                                     Response*),
                                                const Request* request, Response* response) {
  const std::shared_ptr<PatientCall> call = PatientCall::Make();
  policy_jobs_.Run([this, action, request = *request, response, call] {
    // Not in the call's own messages, which go when the client does.
    Response made;
    absl::Status status = (this->*action)(request, &made);
    call->Answer([&] {
      *response = std::move(made);
      return status;
    });
  });
  return call.get();
}

absl::Status AdminService::Update(const v1::UpdateVmRequest& request,
                                  v1::UpdateVmResponse* response) {
  // Its error says which VMs there are.
  BPMP_RETURN_IF_ERROR(FindVm(*deps_.engine, request.vm().name()).status());
  VmRegistry::ReloadOptions options;
  options.drop = request.votes() == v1::ReloadPolicyRequest::DROP;
  options.dry_run = request.dry_run();
  BPMP_ASSIGN_OR_RETURN(
      VmRegistry::Updated updated,
      deps_.vms->Update(request.vm(), request.has_before() ? &request.before() : nullptr, options));
  FillVm(updated.info, true, response->mutable_vm());
  for (std::string& note : updated.notes) response->add_notes(std::move(note));
  deps_.engine->Read([&](const core::Core& core) {
    ToProto(core, updated.difference, response->mutable_difference());
  });
  return absl::OkStatus();
}

absl::Status AdminService::Drain(const v1::DrainVmRequest& request, v1::DrainVmResponse* response) {
  BPMP_RETURN_IF_ERROR(FindVm(*deps_.engine, request.name()).status());
  BPMP_RETURN_IF_ERROR(
      deps_.vms->Drain(request.name(), request.session() == v1::DrainVmRequest::END));
  const std::optional<VmRegistry::Info> vm = deps_.vms->Find(request.name());
  if (vm.has_value()) FillVm(*vm, true, response->mutable_vm());
  return absl::OkStatus();
}

absl::Status AdminService::Undrain(const v1::UndrainVmRequest& request,
                                   v1::UndrainVmResponse* response) {
  BPMP_RETURN_IF_ERROR(FindVm(*deps_.engine, request.name()).status());
  BPMP_RETURN_IF_ERROR(deps_.vms->Undrain(request.name()));
  const std::optional<VmRegistry::Info> vm = deps_.vms->Find(request.name());
  if (vm.has_value()) FillVm(*vm, true, response->mutable_vm());
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* AdminService::UpdateVm(grpc::CallbackServerContext* /*context*/,
                                                 const v1::UpdateVmRequest* request,
                                                 v1::UpdateVmResponse* response) {
  return DoLater(&AdminService::Update, request, response);
}

grpc::ServerUnaryReactor* AdminService::DrainVm(grpc::CallbackServerContext* /*context*/,
                                                const v1::DrainVmRequest* request,
                                                v1::DrainVmResponse* response) {
  return DoLater(&AdminService::Drain, request, response);
}

grpc::ServerUnaryReactor* AdminService::UndrainVm(grpc::CallbackServerContext* /*context*/,
                                                  const v1::UndrainVmRequest* request,
                                                  v1::UndrainVmResponse* response) {
  return DoLater(&AdminService::Undrain, request, response);
}

grpc::ServerUnaryReactor* AdminService::WaitReleased(grpc::CallbackServerContext* context,
                                                     const v1::WaitReleasedRequest* request,
                                                     v1::WaitReleasedResponse* response) {
  const absl::StatusOr<VmId> vm = FindVm(*deps_.engine, request->name());
  if (!vm.ok()) return FinishCall(context, vm.status());
  return waits_.Start(*vm, response);
}

}  // namespace bpmp::service
