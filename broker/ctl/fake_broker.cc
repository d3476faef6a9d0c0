// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/fake_broker.h"

#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace bpmp::ctl {

class FakeBroker::GuestService final : public v1::Guest::Service {
 public:
  explicit GuestService(FakeBroker* broker) : broker_(broker) {}

  grpc::Status Session(
      grpc::ServerContext* /*context*/,
      grpc::ServerReaderWriter<v1::SessionResponse, v1::SessionRequest>* stream) override {
    v1::SessionRequest request;
    while (stream->Read(&request)) {
      grpc::Status end = broker_->Note("Session", request);
      v1::SessionResponse response;
      response.set_sequence(request.sequence());
      if (request.has_hello()) {
        response.mutable_welcome()->set_vm("net-vm");
        response.mutable_welcome()->set_session_id(7);
      } else if (request.has_request()) {
        *response.mutable_response() = broker_->guest(request.request());
      } else if (request.has_machine_reset()) {
        response.mutable_machine_reset_done()->set_epoch(3);
      } else {
        response.mutable_keep_alive();
      }
      if (response.response().error() == 1) {
        end = grpc::Status(grpc::StatusCode::ABORTED, "taken over by another session");
      }
      if (!end.ok()) {
        return end;
      }
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

 private:
  FakeBroker* const broker_;
};

// Sends the events one after the other.
class FakeBroker::EventWriter final : public grpc::ServerWriteReactor<v1::Event> {
 public:
  EventWriter(std::vector<v1::Event> events, bool stays, grpc::Status end)
      : events_(std::move(events)), stays_(stays), end_(std::move(end)) {
    Next();
  }

  void OnWriteDone(bool ok) override {
    if (ok) {
      Next();
    }
  }
  void OnCancel() override { End(grpc::Status::CANCELLED); }
  void OnDone() override { delete this; }

 private:
  void Next() {
    if (next_ < events_.size()) {
      StartWrite(&events_[next_++]);
    } else if (!stays_) {
      End(end_);
    }
  }
  void End(const grpc::Status& end) {
    if (!ended_.exchange(true)) {
      Finish(end);
    }
  }

  const std::vector<v1::Event> events_;
  const bool stays_;
  const grpc::Status end_;
  size_t next_ = 0;
  std::atomic<bool> ended_{false};
};

FakeBroker::FakeBroker() : guest_service_(std::make_unique<GuestService>(this)) {
  char folder[] = "/tmp/bpmpctl-test-XXXXXX";
  folder_ = ::mkdtemp(folder) == nullptr ? "" : folder;
  socket_ = folder_ + "/admin.sock";
  guest = [](const v1::MrqRequest&) { return v1::MrqResponse(); };
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket_, grpc::InsecureServerCredentials());
  builder.RegisterService(this);
  builder.RegisterService(guest_service_.get());
  server_ = builder.BuildAndStart();
}

FakeBroker::~FakeBroker() {
  server_->Shutdown();
  server_->Wait();
  ::unlink(socket_.c_str());
  ::rmdir(folder_.c_str());
}

std::vector<std::string> FakeBroker::asked() const {
  MutexLock lock(&mutex_);
  return asked_;
}

grpc::Status FakeBroker::Note(const char* method, const google::protobuf::Message& message) {
  MutexLock lock(&mutex_);
  asked_.push_back(std::string(method) + " " + message.ShortDebugString());
  return failure;
}

grpc::Status FakeBroker::GetServerStatus(grpc::ServerContext*, Ptr<v1::GetServerStatusRequest> in,
                                         v1::ServerStatus* out) {
  *out = status;
  return Note("GetServerStatus", *in);
}

grpc::Status FakeBroker::DefineVm(grpc::ServerContext*, Ptr<v1::DefineVmRequest> in,
                                  v1::DefineVmResponse* out) {
  out->mutable_vm()->set_name(in->vm().name());
  out->mutable_vm()->set_socket("/run/vms/" + in->vm().name() + ".sock");
  out->add_notes("clock pllp_out0 is shared");
  return Note("DefineVm", *in);
}

grpc::Status FakeBroker::ReloadPolicy(grpc::ServerContext*, Ptr<v1::ReloadPolicyRequest> in,
                                      v1::ReloadPolicyResponse* out) {
  *out = reloaded;
  return Note("ReloadPolicy", *in);
}

grpc::Status FakeBroker::CheckPolicy(grpc::ServerContext*, Ptr<v1::CheckPolicyRequest> in,
                                     v1::CheckPolicyResponse* out) {
  *out = checked;
  return Note("CheckPolicy", *in);
}

grpc::Status FakeBroker::SuggestPolicy(grpc::ServerContext*, Ptr<v1::SuggestPolicyRequest> in,
                                       v1::SuggestPolicyResponse* out) {
  *out = suggested;
  return Note("SuggestPolicy", *in);
}

grpc::Status FakeBroker::DeleteVm(grpc::ServerContext*, Ptr<v1::DeleteVmRequest> in,
                                  v1::DeleteVmResponse* /*out*/) {
  return Note("DeleteVm", *in);
}

grpc::Status FakeBroker::ListVms(grpc::ServerContext*, Ptr<v1::ListVmsRequest> in,
                                 v1::ListVmsResponse* out) {
  out->mutable_vms()->Add(vms.begin(), vms.end());
  return Note("ListVms", *in);
}

grpc::Status FakeBroker::GetVm(grpc::ServerContext*, Ptr<v1::GetVmRequest> in, v1::Vm* out) {
  for (const v1::Vm& vm : vms) {
    if (vm.name() == in->name()) {
      *out = vm;
      return Note("GetVm", *in);
    }
  }
  return {grpc::StatusCode::NOT_FOUND, "no vm '" + in->name() + "'"};
}

grpc::Status FakeBroker::ReleaseVm(grpc::ServerContext*, Ptr<v1::ReleaseVmRequest> in,
                                   v1::ReleaseVmResponse* out) {
  *out = released;
  return Note("ReleaseVm", *in);
}

grpc::Status FakeBroker::UpdateVm(grpc::ServerContext*, Ptr<v1::UpdateVmRequest> in,
                                  v1::UpdateVmResponse* out) {
  *out = updated;
  return Note("UpdateVm", *in);
}

grpc::Status FakeBroker::DrainVm(grpc::ServerContext*, Ptr<v1::DrainVmRequest> in,
                                 v1::DrainVmResponse* out) {
  *out->mutable_vm() = vms[0];
  return Note("DrainVm", *in);
}

grpc::Status FakeBroker::UndrainVm(grpc::ServerContext*, Ptr<v1::UndrainVmRequest> in,
                                   v1::UndrainVmResponse* out) {
  *out->mutable_vm() = vms[0];
  return Note("UndrainVm", *in);
}

grpc::Status FakeBroker::WaitReleased(grpc::ServerContext*, Ptr<v1::WaitReleasedRequest> in,
                                      v1::WaitReleasedResponse* out) {
  *out = free;
  grpc::Status noted = Note("WaitReleased", *in);
  return wait_ends ? noted : grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "");
}

grpc::Status FakeBroker::ListDevices(grpc::ServerContext*, Ptr<v1::ListDevicesRequest> in,
                                     v1::ListDevicesResponse* out) {
  *out = devices;
  return Note("ListDevices", *in);
}

grpc::Status FakeBroker::ListResources(grpc::ServerContext*, Ptr<v1::ListResourcesRequest> in,
                                       v1::ListResourcesResponse* out) {
  for (const v1::ResourceState& resource : resources) {
    const bool of_kind =
        in->kind() == v1::RESOURCE_KIND_UNSPECIFIED || in->kind() == resource.kind();
    const bool active = resource.holders_size() > 0 || !resource.quarantined_for().empty();
    if (of_kind && (!in->active_only() || active)) {
      *out->add_resources() = resource;
    }
  }
  return Note("ListResources", *in);
}

grpc::Status FakeBroker::Explain(grpc::ServerContext*, Ptr<v1::ExplainRequest> in,
                                 v1::ExplainResponse* out) {
  *out = explanation;
  return Note("Explain", *in);
}

grpc::Status FakeBroker::Pin(grpc::ServerContext*, Ptr<v1::PinRequest> in, v1::PinResponse* out) {
  *out->mutable_outcome() = outcome;
  for (v1::ResourceState& resource : resources) {
    // As a clock that can't have every rate.
    if (resource.id() == in->resource().id()) {
      resource.set_pinned_rate_hz(in->rate_hz() / 1'000'000 * 1'000'000);
    }
  }
  return Note("Pin", *in);
}

grpc::Status FakeBroker::Unpin(grpc::ServerContext*, Ptr<v1::UnpinRequest> in,
                               v1::UnpinResponse* out) {
  *out = unpinned;
  return Note("Unpin", *in);
}

grpc::Status FakeBroker::ClearQuarantine(grpc::ServerContext*, Ptr<v1::ClearQuarantineRequest> in,
                                         v1::ClearQuarantineResponse* /*out*/) {
  return Note("ClearQuarantine", *in);
}

grpc::Status FakeBroker::TransferAs(grpc::ServerContext*, Ptr<v1::TransferAsRequest> in,
                                    v1::TransferAsResponse* out) {
  *out = answer;
  return Note("TransferAs", *in);
}

grpc::ServerWriteReactor<v1::Event>* FakeBroker::Watch(grpc::CallbackServerContext*,
                                                       Ptr<v1::WatchRequest> in) {
  return new EventWriter(events, watch_stays, Note("Watch", *in));
}

v1::ResourceState MakeResource(v1::ResourceKind kind, uint32_t id, const std::string& name,
                               v1::GateState gate, const std::vector<std::string>& holders) {
  v1::ResourceState resource;
  resource.set_kind(kind);
  resource.set_id(id);
  resource.set_name(name);
  resource.set_gate(gate);
  for (const std::string& holder : holders) {
    resource.add_holders(holder);
  }
  return resource;
}

}  // namespace bpmp::ctl
