// SPDX-License-Identifier: Apache-2.0
#include "broker/service/typed_caller.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/base/string_view.h"
#include "broker/core/names.h"
#include "broker/service/convert.h"
#include "broker/service/lookup.h"
#include "broker/service/status.h"

namespace bpmp::service {
namespace {

// Successes that are not what the caller may think.
constexpr core::Reason kWorthSaying[] = {core::Reason::kAlreadyVoted,  core::Reason::kOthersHold,
                                         core::Reason::kNoVote,        core::Reason::kCurrentRate,
                                         core::Reason::kCurrentParent, core::Reason::kRateLocked,
                                         core::Reason::kWanted};

absl::Status TooMany(const Endpoint& endpoint) {
  return absl::ResourceExhaustedError(absl::StrCat("vm ", endpoint.name, " has ",
                                                   endpoint.limits.max_outstanding,
                                                   " calls outstanding; wait for their answers"));
}

}  // namespace

std::string OutcomeReason(const backend::Engine& engine, const core::Call& asked, int32_t error,
                          core::Reason reason) {
  if (error == 0) {
    const bool say = std::find(std::begin(kWorthSaying), std::end(kWorthSaying), reason) !=
                     std::end(kWorthSaying);
    return std::string(say ? core::ReasonText(reason) : "");
  }
  // Things may have changed since the decision; then the explanation is not its own.
  const core::Explanation now = engine.Read([&](const core::Core& core) {
    return core.Explain(asked.vm, asked.request, asked.max_rate_hz);
  });
  return now.reason == reason && !now.text.empty() ? now.text
                                                   : std::string(core::ReasonText(reason));
}

absl::Duration TimeLeft(const grpc::CallbackServerContext& context, absl::Duration limit) {
  // No deadline is the far future, beyond what subtraction can hold.
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return limit;
  return std::clamp(absl::FromChrono(deadline) - absl::Now(), absl::ZeroDuration(), limit);
}

TypedCall::TypedCall(const TypedDeps* deps, Caller caller, UnaryCall* call)
    : deps_(deps), caller_(std::move(caller)), call_(call) {
  caller_.endpoint->unary_outstanding.fetch_add(1);
}

TypedCall::~TypedCall() { Finish(absl::UnavailableError("the broker is stopping")); }

void TypedCall::Finish(const absl::Status& status) {
  if (call_ == nullptr) return;
  // Before the client hears: one that waits for each answer never has two outstanding.
  caller_.endpoint->unary_outstanding.fetch_sub(1);
  std::exchange(call_, nullptr)->Answer(status);
}

bool TypedCall::Shows(const core::Core& core, core::Resource resource) const {
  return !Hides() || core.GrantOf(vm(), resource).access != core::Access::kNone;
}

absl::StatusOr<core::Resource> TypedCall::Find(core::ResourceKind kind,
                                               const v1::ResourceRef& ref) const {
  absl::StatusOr<core::Resource> found = FindResource(engine(), ref, kind);
  if (!Hides() || absl::IsInvalidArgument(found.status())) return found;
  // What is hidden and what doesn't exist must look the same, and no name may be suggested.
  if (found.ok() && engine().Read([&](const core::Core& core) { return Shows(core, *found); })) {
    return found;
  }
  return absl::NotFoundError(
      absl::StrCat("no ", ToAbsl(core::KindName(kind)), " '", WrittenAs(ref), "'"));
}

void TypedCaller::Start(UnaryCall* rpc, Work work) {
  absl::StatusOr<Caller> caller = deps_.caller_of(rpc->context());
  if (!caller.ok()) return rpc->Answer(caller.status());
  Endpoint& endpoint = *caller->endpoint;
  auto call = std::make_unique<TypedCall>(&deps_, *std::move(caller), rpc);
  if (endpoint.unary_outstanding.load() > endpoint.limits.max_outstanding) {
    return call->Finish(TooMany(endpoint));
  }
  const absl::Duration pause = endpoint.throttle.Take().pause;
  if (pause <= absl::ZeroDuration()) return work(std::move(call));
  deps_.acceptor->After(
      pause, [call = std::move(call), work = std::move(work)]() mutable { work(std::move(call)); });
}

void TypedCaller::Run(UnaryCall* rpc, core::ResourceKind kind, const v1::ResourceRef& ref,
                      MakeRequest make, v1::Outcome* outcome, Fill fill, TypedExtra extra) {
  Start(rpc, [this, kind, &ref, make = std::move(make), outcome, fill = std::move(fill),
              extra](std::unique_ptr<TypedCall> call) mutable {
    const absl::StatusOr<core::Resource> resource = call->Find(kind, ref);
    if (!resource.ok()) return call->Finish(resource.status());
    const absl::StatusOr<mrq::Request> request = make(*call, resource->id);
    if (!request.ok()) return call->Finish(request.status());
    const absl::StatusOr<backend::LeaseId> leased =
        LeaseFor(extra.lease, call->leases(), call->context());
    if (!leased.ok()) return call->Finish(leased.status());
    const core::Call asked = {call->vm(), Ticket(), *request, extra.max_rate_hz};
    Submit(std::move(call), *resource, asked, outcome, std::move(fill), *leased);
  });
}

void TypedCaller::Submit(std::unique_ptr<TypedCall> call, core::Resource resource,
                         const core::Call& asked, v1::Outcome* outcome, Fill fill,
                         backend::LeaseId lease) {
  const absl::Duration timeout = TimeLeft(call->context(), call->endpoint().limits.request_timeout);
  deps_.engine->Submit(
      asked, timeout,
      [call = std::move(call), resource, asked, outcome, fill = std::move(fill)](
          const mrq::Response& response, core::Reason reason) mutable {
        ToProto(response.error, outcome);
        outcome->set_reason(OutcomeReason(call->engine(), asked, response.error, reason));
        if (response.ok() && fill != nullptr) fill(*call, resource, response);
        call->Finish(absl::OkStatus());
      },
      lease);
}

}  // namespace bpmp::service
