// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/core/core.h"
#include "broker/core/names.h"
#include "broker/core/switch_request.h"
#include "broker/mrq/codec.h"
#include "broker/service/admin_service.h"
#include "broker/service/caller.h"
#include "broker/service/convert.h"
#include "broker/service/lookup.h"
#include "broker/service/patient_call.h"
#include "broker/service/typed_caller.h"

namespace bpmp::service {
namespace {

// Requests of the host, one after the other until one fails; then what was done is undone. The
// caller is answered with how the last one, or the one that failed, ended. They go on when the
// caller gives up.
class HostRequests : public std::enable_shared_from_this<HostRequests> {
 public:
  // `outcome` belongs to the call's messages.
  HostRequests(backend::Engine* engine, absl::Duration timeout, v1::Outcome* outcome,
               std::shared_ptr<PatientCall> call)
      : engine_(engine), timeout_(timeout), outcome_(outcome), call_(std::move(call)) {}

  void Start(std::vector<mrq::Request> steps, std::optional<mrq::Request> undo) {
    steps_ = std::move(steps);
    undo_ = std::move(undo);
    Next();
  }

 private:
  void Next() {
    Submit(steps_[step_],
           [self = shared_from_this()](const mrq::Response& response, core::Reason reason) {
             self->Answer(response.error, reason);
           });
  }

  void Answer(int32_t error, core::Reason reason) {
    if (error == 0 && step_ + 1 < steps_.size()) {
      ++step_;
      return Next();
    }
    std::string text =
        OutcomeReason(*engine_, {kHost, Ticket(), steps_[step_], std::nullopt}, error, reason);
    if (error == 0 || step_ == 0 || !undo_.has_value()) return Finish(error, std::move(text));
    Submit(*undo_, [self = shared_from_this(), error, text = std::move(text)](
                       const mrq::Response& /*response*/, core::Reason /*reason*/) mutable {
      self->Finish(error, std::move(text));
    });
  }

  void Finish(int32_t error, std::string reason) {
    call_->Answer([&] {
      ToProto(error, outcome_);
      outcome_->set_reason(std::move(reason));
      return absl::OkStatus();
    });
  }

  void Submit(const mrq::Request& request, backend::Engine::ReplyFn reply) {
    engine_->Submit(kHost, request, timeout_, std::move(reply));
  }

  backend::Engine* const engine_;
  const absl::Duration timeout_;
  v1::Outcome* const outcome_;
  const std::shared_ptr<PatientCall> call_;
  std::vector<mrq::Request> steps_;
  std::optional<mrq::Request> undo_;
  size_t step_ = 0;
};

mrq::Request Clk(mrq::ClkCmd command, uint32_t id, int64_t rate_hz) {
  mrq::ClkRequest request;
  request.cmd = command;
  request.clock = ClockId(id);
  request.rate_hz = rate_hz;
  return request;
}

absl::StatusOr<core::Resource> FindPinnable(const backend::Engine& engine,
                                            const v1::ResourceRef& ref) {
  BPMP_ASSIGN_OR_RETURN(const core::Resource resource,
                        FindResource(engine, ref, core::ResourceKind::kNone));
  if (resource.kind != core::ResourceKind::kClock && resource.kind != core::ResourceKind::kDomain) {
    return absl::InvalidArgumentError(absl::StrCat("a ", ToAbsl(core::KindName(resource.kind)),
                                                   " can't be pinned; clocks and power domains "
                                                   "can"));
  }
  return resource;
}

absl::Status CheckPinnedRate(const v1::PinRequest& request) {
  if (request.rate_hz() == 0) return absl::OkStatus();
  if (request.rate_hz() < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("a rate is positive; this one is ", request.rate_hz(), " Hz"));
  }
  if (request.resource().kind() != v1::RESOURCE_KIND_CLOCK) {
    return absl::InvalidArgumentError("only a clock has a rate");
  }
  return absl::OkStatus();
}

// What came of a frame, with the reason for a person.
void FillAnswer(const backend::Engine& engine, VmId vm, const v1::MrqRequest& frame,
                const mrq::Response& answer, core::Reason reason,
                v1::TransferAsResponse* response) {
  ToProto(answer, frame.rx_size(), response->mutable_response());
  response->set_reason(std::string(core::ReasonName(reason)));
  const absl::StatusOr<mrq::Request> decoded = mrq::DecodeRequest(
      frame.mrq(), {reinterpret_cast<const uint8_t*>(frame.tx().data()), frame.tx().size()});
  if (!decoded.ok()) {
    response->set_reason_text(std::string(decoded.status().message()));
  } else if (!answer.ok()) {
    response->set_reason_text(
        OutcomeReason(engine, {vm, Ticket(), *decoded, std::nullopt}, answer.error, reason));
  } else {
    response->set_reason_text(std::string(core::ReasonText(reason)));
  }
}

}  // namespace

grpc::ServerUnaryReactor* AdminService::Pin(grpc::CallbackServerContext* context,
                                            const v1::PinRequest* request,
                                            v1::PinResponse* response) {
  const absl::StatusOr<core::Resource> resource = FindPinnable(*deps_.engine, request->resource());
  if (!resource.ok()) return FinishCall(context, resource.status());
  if (absl::Status status = CheckPinnedRate(*request); !status.ok()) {
    return FinishCall(context, status);
  }
  std::vector<mrq::Request> steps = {core::SwitchRequest(*resource, true)};
  if (request->rate_hz() > 0) {
    steps.push_back(Clk(mrq::ClkCmd::kSetRate, resource->id, request->rate_hz()));
  }
  const bool was_pinned = deps_.engine->Read([&](const core::Core& core) {
    const std::optional<core::ResourceStatus> status = core.Status(*resource);
    return status.has_value() && status->pinned;
  });
  std::optional<mrq::Request> undo;
  if (!was_pinned) undo = core::SwitchRequest(*resource, false);
  const std::shared_ptr<PatientCall> call = PatientCall::Make();
  std::make_shared<HostRequests>(deps_.engine, TimeLeft(*context, absl::InfiniteDuration()),
                                 response->mutable_outcome(), call)
      ->Start(std::move(steps), std::move(undo));
  return call.get();
}

grpc::ServerUnaryReactor* AdminService::Unpin(grpc::CallbackServerContext* context,
                                              const v1::UnpinRequest* request,
                                              v1::UnpinResponse* response) {
  const absl::StatusOr<core::Resource> resource = FindPinnable(*deps_.engine, request->resource());
  if (!resource.ok()) return FinishCall(context, resource.status());
  deps_.engine->Read([&](const core::Core& core) {
    const std::optional<core::ResourceStatus> status = core.Status(*resource);
    if (!status.has_value()) return;
    for (const VmId vm : status->implied) response->add_reboot_to_see(core.NameOf(vm));
  });
  const std::shared_ptr<PatientCall> call = PatientCall::Make();
  std::make_shared<HostRequests>(deps_.engine, TimeLeft(*context, absl::InfiniteDuration()),
                                 response->mutable_outcome(), call)
      ->Start({core::SwitchRequest(*resource, false)}, std::nullopt);
  return call.get();
}

grpc::ServerUnaryReactor* AdminService::TransferAs(grpc::CallbackServerContext* context,
                                                   const v1::TransferAsRequest* request,
                                                   v1::TransferAsResponse* response) {
  const absl::StatusOr<VmId> vm = FindVm(*deps_.engine, request->vm());
  if (!vm.ok()) return FinishCall(context, vm.status());
  if (absl::Status status = CheckFrame(request->request()); !status.ok()) {
    return FinishCall(context, status);
  }
  // Over TLS the call's peer is an address, which no lease is of.
  const bool is_unix = absl::StartsWith(context->peer(), "fd:");
  const absl::StatusOr<backend::LeaseId> lease =
      LeaseFor(request->lease(), is_unix ? leases_.get() : nullptr, *context);
  if (!lease.ok()) return FinishCall(context, lease.status());
  const std::shared_ptr<PatientCall> call = PatientCall::Make();
  const v1::MrqRequest& frame = request->request();
  const absl::Span<const uint8_t> tx(reinterpret_cast<const uint8_t*>(frame.tx().data()),
                                     frame.tx().size());
  deps_.engine->SubmitBytes(
      *vm, frame.mrq(), tx, TimeLeft(*context, absl::InfiniteDuration()),
      [engine = deps_.engine, vm = *vm, request, response, call](const mrq::Response& answer,
                                                                 core::Reason reason) {
        call->Answer([&] {
          FillAnswer(*engine, vm, request->request(), answer, reason, response);
          return absl::OkStatus();
        });
      },
      *lease);
  return call.get();
}

}  // namespace bpmp::service
