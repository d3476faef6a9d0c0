// SPDX-License-Identifier: Apache-2.0
#include "broker/service/admin_service.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "broker/base/string_view.h"
#include "broker/core/core.h"
#include "broker/service/convert.h"
#include "broker/service/lookup.h"
#include "broker/service/patient_call.h"
#include "broker/service/status.h"
#include "broker/service/watch_reactor.h"

namespace bpmp::service {
namespace {

constexpr core::ResourceKind kKinds[] = {core::ResourceKind::kClock, core::ResourceKind::kDomain,
                                         core::ResourceKind::kReset,
                                         core::ResourceKind::kPcieController};

// A watch that could not begin.
class RefusedWatch final : public grpc::ServerWriteReactor<v1::Event> {
 public:
  explicit RefusedWatch(const absl::Status& status) { Finish(ToGrpc(status)); }
  void OnDone() override { delete this; }
};

void FillSession(const SessionInfo& info, v1::VmSession* session) {
  session->set_id(info.id);
  session->set_connected(info.connected);
  session->set_client(info.client);
  session->set_pid(info.pid);
  session->set_uid(info.uid);
  ToProto(info.since, session->mutable_since());
  session->set_requests(info.requests);
  session->set_throttled(info.throttled);
}

absl::Status NoSuchVm(const backend::Engine& engine, const std::string& name) {
  const absl::Status status = FindVm(engine, name).status();
  return status.ok() ? absl::NotFoundError(absl::StrCat("no vm '", name, "'")) : status;
}

}  // namespace

grpc::ServerUnaryReactor* FinishCall(grpc::CallbackServerContext* context,
                                     const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::GetServerStatus(
    grpc::CallbackServerContext* context, const v1::GetServerStatusRequest* /*request*/,
    v1::ServerStatus* response) {
  response->set_version(info_.version);
  response->set_backend(info_.backend);
  response->set_config_file(info_.config_file);
  ToProto(info_.started, response->mutable_started());
  response->set_backend_healthy(backend_healthy_.load());
  deps_.engine->Read([response](const core::Core& core) {
    response->set_firmware_tag(core.inventory().fw_tag);
    response->set_quarantined(static_cast<uint32_t>(core.Quarantined().size()));
    for (const core::Resource pin : core.FailedPins()) {
      response->add_failed_pins(
          absl::StrCat(ToAbsl(core::KindName(pin.kind)), " ", core.NameOf(pin)));
    }
    response->set_clocks(static_cast<uint32_t>(core.Resources(core::ResourceKind::kClock).size()));
    response->set_power_domains(
        static_cast<uint32_t>(core.Resources(core::ResourceKind::kDomain).size()));
  });
  FillPolicy(response);
  response->set_vms(static_cast<uint32_t>(deps_.vms->List().size()));
  response->set_sessions(static_cast<uint32_t>(deps_.sessions->connected()));
  const backend::Worker::Stats stats = deps_.engine->worker_stats();
  response->set_transfers_queued(static_cast<uint32_t>(stats.queued));
  response->set_transfers_running(static_cast<uint32_t>(stats.running));
  response->set_transfers_overdue(static_cast<uint32_t>(stats.overdue));
  response->set_last_event(deps_.events->last());
  return FinishCall(context, absl::OkStatus());
}

void AdminService::FillVm(const VmRegistry::Info& info, bool with_holds, v1::Vm* vm) const {
  std::vector<core::Resource> resources;
  deps_.engine->Read([&](const core::Core& core) {
    for (const core::VmStatus& status : core.Vms()) {
      if (status.vm == info.vm) ToProto(status, vm);
    }
    vm->set_free(core.IsFree(info.vm));
    if (!with_holds) return;
    for (const core::ResourceKind kind : kKinds) {
      const std::vector<core::Resource> some = core.Resources(kind);
      resources.insert(resources.end(), some.begin(), some.end());
    }
  });
  vm->set_name(info.config.name());
  vm->set_socket(info.socket);
  *vm->mutable_config() = info.config;
  if (const std::optional<SessionInfo> session = deps_.sessions->Find(info.vm)) {
    FillSession(*session, vm->mutable_session());
  }
  // The lock is taken for each resource anew, so that no VM waits for a whole list.
  for (const core::Resource resource : resources) {
    deps_.engine->Read([&](const core::Core& core) {
      const std::optional<core::ResourceStatus> status = core.Status(resource);
      if (!status.has_value() || !absl::c_linear_search(status->holders, info.vm)) return;
      ToProto(core, *status, vm->add_holds());
    });
  }
}

absl::Status AdminService::Define(const v1::DefineVmRequest& request,
                                  v1::DefineVmResponse* response) {
  const std::string& name = request.vm().name();
  if (name.empty()) {
    return absl::InvalidArgumentError("the vm has no name; give it one of [a-z0-9_.-]");
  }
  if (deps_.vms->Find(name).has_value()) {
    return absl::AlreadyExistsError(
        absl::StrCat("vm '", name, "' is defined already; delete it first to change it"));
  }
  std::vector<std::string> notes;
  if (absl::Status status = deps_.vms->Define(request.vm(), &notes); !status.ok()) return status;
  for (std::string& note : notes) response->add_notes(std::move(note));
  const std::optional<VmRegistry::Info> info = deps_.vms->Find(name);
  // Somebody may have deleted it meanwhile; it was defined all the same.
  if (info.has_value()) FillVm(*info, true, response->mutable_vm());
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* AdminService::DefineVm(grpc::CallbackServerContext* context,
                                                 const v1::DefineVmRequest* request,
                                                 v1::DefineVmResponse* response) {
  return FinishCall(context, Define(*request, response));
}

grpc::ServerUnaryReactor* AdminService::DeleteVm(grpc::CallbackServerContext* context,
                                                 const v1::DeleteVmRequest* request,
                                                 v1::DeleteVmResponse* /*response*/) {
  if (!deps_.vms->Find(request->name()).has_value()) {
    return FinishCall(context, NoSuchVm(*deps_.engine, request->name()));
  }
  const std::shared_ptr<PatientCall> call = PatientCall::Make();
  deps_.vms->Delete(request->name(), [call](const absl::Status& status) {
    call->Answer([&status] { return status; });
  });
  return call.get();
}

grpc::ServerUnaryReactor* AdminService::ListVms(grpc::CallbackServerContext* context,
                                                const v1::ListVmsRequest* /*request*/,
                                                v1::ListVmsResponse* response) {
  for (const VmRegistry::Info& info : deps_.vms->List()) {
    FillVm(info, false, response->add_vms());
  }
  return FinishCall(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* AdminService::GetVm(grpc::CallbackServerContext* context,
                                              const v1::GetVmRequest* request, v1::Vm* response) {
  const std::optional<VmRegistry::Info> info = deps_.vms->Find(request->name());
  if (!info.has_value()) return FinishCall(context, NoSuchVm(*deps_.engine, request->name()));
  FillVm(*info, true, response);
  return FinishCall(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* AdminService::ReleaseVm(grpc::CallbackServerContext* context,
                                                  const v1::ReleaseVmRequest* request,
                                                  v1::ReleaseVmResponse* response) {
  const absl::StatusOr<VmId> vm = FindVm(*deps_.engine, request->name());
  if (!vm.ok()) return FinishCall(context, vm.status());
  const std::shared_ptr<PatientCall> call = PatientCall::Make();
  deps_.engine->Release(*vm, [engine = deps_.engine, vm = *vm, response, call] {
    call->Answer([&] {
      engine->Read([&](const core::Core& core) {
        response->set_epoch(core.EpochOf(vm));
        for (const core::Resource resource : core.Quarantined()) {
          ToProto(resource, response->add_quarantined());
        }
      });
      return absl::OkStatus();
    });
  });
  return call.get();
}

grpc::ServerWriteReactor<v1::Event>* AdminService::Watch(grpc::CallbackServerContext* /*context*/,
                                                         const v1::WatchRequest* request) {
  absl::StatusOr<WatchFilter> filter = ToWatchFilter(*request, *deps_.engine);
  if (!filter.ok()) return new RefusedWatch(filter.status());
  return new WatchReactor(deps_.engine, deps_.events, *std::move(filter));
}

}  // namespace bpmp::service
