// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_ADMIN_SERVICE_H_
#define BROKER_SERVICE_ADMIN_SERVICE_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "bpmp/v1/admin.grpc.pb.h"
#include "broker/backend/engine.h"
#include "broker/service/connection_leases.h"
#include "broker/service/event_log.h"
#include "broker/service/policy_control.h"
#include "broker/service/reaper.h"
#include "broker/service/sessions.h"
#include "broker/service/vm_registry.h"
#include "broker/service/wait_released.h"

namespace bpmp::service {

// What the admin API works with. None is owned; all outlive the servers.
struct AdminDeps {
  backend::Engine* engine = nullptr;
  VmRegistry* vms = nullptr;
  const SessionTable* sessions = nullptr;
  EventLog* events = nullptr;
  PolicyControl* policy = nullptr;  // null: there is no file to reload
};

// What the daemon knows of itself.
struct ServerInfo {
  std::string version;
  std::string backend;      // "sim", "kernel"
  std::string config_file;  // empty: built-in defaults
  absl::Time started;       // wall
};

// bpmp.v1.Admin. The RPCs are documented in admin.proto. Thread-safe; who may call is decided by
// the server's socket or credentials.
class AdminService final : public v1::Admin::CallbackService {
 public:
  // `leases` are those of the connections to the Unix socket.
  AdminService(AdminDeps deps, ServerInfo info, std::shared_ptr<ConnectionLeases> leases)
      : deps_(deps), info_(std::move(info)), leases_(std::move(leases)), waits_(deps.engine) {}

  // Whether the backend answered its last PING; shown by GetServerStatus. False at first.
  void SetBackendHealthy(bool healthy) { backend_healthy_.store(healthy); }

  // Tells who waits for a VM's release, now or later, that the broker is stopping.
  void EndWaits() { waits_.Stop(); }
  // How many wait.
  size_t waits() const { return waits_.waiting(); }

  // The broker and its VMs: admin_service.cc.
  grpc::ServerUnaryReactor* GetServerStatus(grpc::CallbackServerContext* context,
                                            const v1::GetServerStatusRequest* request,
                                            v1::ServerStatus* response) override;
  grpc::ServerUnaryReactor* DefineVm(grpc::CallbackServerContext* context,
                                     const v1::DefineVmRequest* request,
                                     v1::DefineVmResponse* response) override;
  grpc::ServerUnaryReactor* DeleteVm(grpc::CallbackServerContext* context,
                                     const v1::DeleteVmRequest* request,
                                     v1::DeleteVmResponse* response) override;
  grpc::ServerUnaryReactor* ListVms(grpc::CallbackServerContext* context,
                                    const v1::ListVmsRequest* request,
                                    v1::ListVmsResponse* response) override;
  grpc::ServerUnaryReactor* GetVm(grpc::CallbackServerContext* context,
                                  const v1::GetVmRequest* request, v1::Vm* response) override;
  grpc::ServerUnaryReactor* ReleaseVm(grpc::CallbackServerContext* context,
                                      const v1::ReleaseVmRequest* request,
                                      v1::ReleaseVmResponse* response) override;
  grpc::ServerWriteReactor<v1::Event>* Watch(grpc::CallbackServerContext* context,
                                             const v1::WatchRequest* request) override;

  // VMs that change and leave: admin_vms.cc.
  grpc::ServerUnaryReactor* UpdateVm(grpc::CallbackServerContext* context,
                                     const v1::UpdateVmRequest* request,
                                     v1::UpdateVmResponse* response) override;
  grpc::ServerUnaryReactor* DrainVm(grpc::CallbackServerContext* context,
                                    const v1::DrainVmRequest* request,
                                    v1::DrainVmResponse* response) override;
  grpc::ServerUnaryReactor* UndrainVm(grpc::CallbackServerContext* context,
                                      const v1::UndrainVmRequest* request,
                                      v1::UndrainVmResponse* response) override;
  grpc::ServerUnaryReactor* WaitReleased(grpc::CallbackServerContext* context,
                                         const v1::WaitReleasedRequest* request,
                                         v1::WaitReleasedResponse* response) override;

  grpc::ServerUnaryReactor* ListDevices(grpc::CallbackServerContext* context,
                                        const v1::ListDevicesRequest* request,
                                        v1::ListDevicesResponse* response) override;

  // Resources: admin_resources.cc.
  grpc::ServerUnaryReactor* ListResources(grpc::CallbackServerContext* context,
                                          const v1::ListResourcesRequest* request,
                                          v1::ListResourcesResponse* response) override;
  grpc::ServerUnaryReactor* GetResource(grpc::CallbackServerContext* context,
                                        const v1::GetResourceRequest* request,
                                        v1::ResourceState* response) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context,
                                    const v1::ExplainRequest* request,
                                    v1::ExplainResponse* response) override;
  grpc::ServerUnaryReactor* ClearQuarantine(grpc::CallbackServerContext* context,
                                            const v1::ClearQuarantineRequest* request,
                                            v1::ClearQuarantineResponse* response) override;

  // Requests of the host, or in a VM's name: admin_transfers.cc.
  grpc::ServerUnaryReactor* Pin(grpc::CallbackServerContext* context, const v1::PinRequest* request,
                                v1::PinResponse* response) override;
  grpc::ServerUnaryReactor* Unpin(grpc::CallbackServerContext* context,
                                  const v1::UnpinRequest* request,
                                  v1::UnpinResponse* response) override;
  grpc::ServerUnaryReactor* TransferAs(grpc::CallbackServerContext* context,
                                       const v1::TransferAsRequest* request,
                                       v1::TransferAsResponse* response) override;

  // The policy's life: admin_policy.cc.
  grpc::ServerUnaryReactor* ReloadPolicy(grpc::CallbackServerContext* context,
                                         const v1::ReloadPolicyRequest* request,
                                         v1::ReloadPolicyResponse* response) override;
  grpc::ServerUnaryReactor* CheckPolicy(grpc::CallbackServerContext* context,
                                        const v1::CheckPolicyRequest* request,
                                        v1::CheckPolicyResponse* response) override;
  grpc::ServerUnaryReactor* SuggestPolicy(grpc::CallbackServerContext* context,
                                          const v1::SuggestPolicyRequest* request,
                                          v1::SuggestPolicyResponse* response) override;

 private:
  // Files are read by the reaper: a call must not wait for a disk.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* LetControl(Response (PolicyControl::*action)(const Request&),
                                       grpc::CallbackServerContext* context, const Request* request,
                                       Response* response);
  // What may wait for another change of the policy is done by the reaper: a call must not.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* DoLater(absl::Status (AdminService::*action)(const Request&, Response*),
                                    const Request* request, Response* response);
  absl::Status Update(const v1::UpdateVmRequest& request, v1::UpdateVmResponse* response);
  absl::Status Drain(const v1::DrainVmRequest& request, v1::DrainVmResponse* response);
  absl::Status Undrain(const v1::UndrainVmRequest& request, v1::UndrainVmResponse* response);
  absl::Status Define(const v1::DefineVmRequest& request, v1::DefineVmResponse* response);
  void FillPolicy(v1::ServerStatus* status) const;
  void FillVm(const VmRegistry::Info& info, bool with_holds, v1::Vm* vm) const;

  const AdminDeps deps_;
  const ServerInfo info_;
  const std::shared_ptr<ConnectionLeases> leases_;
  std::atomic<bool> backend_healthy_{false};
  ReleaseWaits waits_;
  Reaper policy_jobs_;
};

// Answers a unary call that is complete.
grpc::ServerUnaryReactor* FinishCall(grpc::CallbackServerContext* context,
                                     const absl::Status& status);

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_ADMIN_SERVICE_H_
