// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_FAKE_BROKER_H_
#define BROKER_CTL_FAKE_BROKER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bpmp/v1/admin.grpc.pb.h"
#include "bpmp/v1/guest.grpc.pb.h"
#include "broker/base/mutex.h"
#include "grpcpp/server.h"

namespace bpmp::ctl {

// A broker for tests: a real gRPC server on a Unix socket whose answers the test sets before it
// calls, and which keeps what it was asked. Admin and Guest share the socket.
class FakeBroker final : public v1::Admin::WithCallbackMethod_Watch<v1::Admin::Service> {
 public:
  // Listens on a socket in a folder of its own, which goes with it.
  FakeBroker();
  ~FakeBroker() override;

  const std::string& socket() const { return socket_; }

  // What is answered. Set before use; not read under the lock.
  v1::ServerStatus status;
  std::vector<v1::Vm> vms;
  std::vector<v1::ResourceState> resources;
  v1::ListDevicesResponse devices;
  v1::ExplainResponse explanation;
  v1::TransferAsResponse answer;
  v1::ReleaseVmResponse released;
  v1::WaitReleasedResponse free;
  bool wait_ends = true;  // WaitReleased; otherwise it takes too long
  v1::UpdateVmResponse updated;
  v1::Outcome outcome;
  v1::UnpinResponse unpinned;
  v1::ReloadPolicyResponse reloaded;
  v1::CheckPolicyResponse checked;
  v1::SuggestPolicyResponse suggested;
  std::vector<v1::Event> events;
  bool watch_stays = false;  // the stream stays open after `events` until the client ends it
  // By the Guest service, for a request; the stream ends with ABORTED where the error is 1.
  std::function<v1::MrqResponse(const v1::MrqRequest&)> guest;
  // All calls answer this where it isn't OK.
  grpc::Status failure;

  // What was asked, as "Method text-of-the-message", oldest first.
  std::vector<std::string> asked() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  class GuestService;
  class EventWriter;
  template <typename T>
  using Ptr = const T*;

  grpc::Status Note(const char* method, const google::protobuf::Message& message)
      ABSL_LOCKS_EXCLUDED(mutex_);

  grpc::Status GetServerStatus(grpc::ServerContext*, Ptr<v1::GetServerStatusRequest>,
                               v1::ServerStatus*) override;
  grpc::Status DefineVm(grpc::ServerContext*, Ptr<v1::DefineVmRequest>,
                        v1::DefineVmResponse*) override;
  grpc::Status DeleteVm(grpc::ServerContext*, Ptr<v1::DeleteVmRequest>,
                        v1::DeleteVmResponse*) override;
  grpc::Status ListVms(grpc::ServerContext*, Ptr<v1::ListVmsRequest>,
                       v1::ListVmsResponse*) override;
  grpc::Status GetVm(grpc::ServerContext*, Ptr<v1::GetVmRequest>, v1::Vm*) override;
  grpc::Status ReleaseVm(grpc::ServerContext*, Ptr<v1::ReleaseVmRequest>,
                         v1::ReleaseVmResponse*) override;
  grpc::Status UpdateVm(grpc::ServerContext*, Ptr<v1::UpdateVmRequest>,
                        v1::UpdateVmResponse*) override;
  grpc::Status DrainVm(grpc::ServerContext*, Ptr<v1::DrainVmRequest>,
                       v1::DrainVmResponse*) override;
  grpc::Status UndrainVm(grpc::ServerContext*, Ptr<v1::UndrainVmRequest>,
                         v1::UndrainVmResponse*) override;
  grpc::Status WaitReleased(grpc::ServerContext*, Ptr<v1::WaitReleasedRequest>,
                            v1::WaitReleasedResponse*) override;
  grpc::Status ListDevices(grpc::ServerContext*, Ptr<v1::ListDevicesRequest>,
                           v1::ListDevicesResponse*) override;
  grpc::Status ListResources(grpc::ServerContext*, Ptr<v1::ListResourcesRequest>,
                             v1::ListResourcesResponse*) override;
  grpc::Status Explain(grpc::ServerContext*, Ptr<v1::ExplainRequest>,
                       v1::ExplainResponse*) override;
  grpc::Status Pin(grpc::ServerContext*, Ptr<v1::PinRequest>, v1::PinResponse*) override;
  grpc::Status Unpin(grpc::ServerContext*, Ptr<v1::UnpinRequest>, v1::UnpinResponse*) override;
  grpc::Status ClearQuarantine(grpc::ServerContext*, Ptr<v1::ClearQuarantineRequest>,
                               v1::ClearQuarantineResponse*) override;
  grpc::Status TransferAs(grpc::ServerContext*, Ptr<v1::TransferAsRequest>,
                          v1::TransferAsResponse*) override;
  grpc::Status ReloadPolicy(grpc::ServerContext*, Ptr<v1::ReloadPolicyRequest>,
                            v1::ReloadPolicyResponse*) override;
  grpc::Status CheckPolicy(grpc::ServerContext*, Ptr<v1::CheckPolicyRequest>,
                           v1::CheckPolicyResponse*) override;
  grpc::Status SuggestPolicy(grpc::ServerContext*, Ptr<v1::SuggestPolicyRequest>,
                             v1::SuggestPolicyResponse*) override;
  grpc::ServerWriteReactor<v1::Event>* Watch(grpc::CallbackServerContext*,
                                             Ptr<v1::WatchRequest>) override;

  std::string folder_;
  std::string socket_;
  std::unique_ptr<GuestService> guest_service_;
  std::unique_ptr<grpc::Server> server_;

  mutable Mutex mutex_;
  std::vector<std::string> asked_ ABSL_GUARDED_BY(mutex_);
};

// A clock, reset or power domain to answer with.
v1::ResourceState MakeResource(v1::ResourceKind kind, uint32_t id, const std::string& name,
                               v1::GateState gate, const std::vector<std::string>& holders);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_FAKE_BROKER_H_
