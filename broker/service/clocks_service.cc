// SPDX-License-Identifier: Apache-2.0
#include "broker/service/clocks_service.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/core/core.h"
#include "broker/mrq/codec.h"
#include "broker/service/convert.h"

namespace bpmp::service {
namespace {

using core::ResourceKind;

// The clock with that command; further arguments are zero.
TypedCaller::MakeRequest Clk(mrq::ClkCmd command) {
  return [command](const TypedCall& /*call*/, uint32_t id) -> mrq::Request {
    mrq::ClkRequest request;
    request.cmd = command;
    request.clock = ClockId(id);
    return request;
  };
}

// Under the engine's lock.
void FillClock(const core::Core& core, VmId vm, core::Resource resource, v1::Clock* clock) {
  const std::optional<core::ResourceStatus> status = core.Status(resource);
  if (!status.has_value()) return;
  const core::Access access = core.GrantOf(vm, resource).access;
  clock->set_id(resource.id);
  clock->set_name(status->name);
  clock->set_enabled(absl::c_linear_search(status->holders, vm));
  clock->set_rate_hz(status->rate_hz);
  if (status->parent.has_value()) clock->set_parent(status->parent->value());
  clock->set_access(ToProto(access));
  const core::ClockInfo* info = core.inventory().Find(ClockId(resource.id));
  if (access != core::Access::kExclusive || (info->flags & mrq::clk_flag::kHasMux) == 0) return;
  for (const ClockId parent : info->parents) {
    const core::Access of_parent = core.GrantOf(vm, core::Resource::Of(parent)).access;
    if (of_parent >= core::Access::kVote || parent == status->parent) {
      clock->add_parents(parent.value());
    }
  }
}

absl::Status List(const TypedCall& call, const v1::ListClocksRequest& request,
                  v1::ListClocksResponse* response) {
  uint32_t first = 0;
  if (request.page_size() < 0 ||
      (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &first))) {
    return absl::InvalidArgumentError(
        "page_size is below zero, or page_token is not from an earlier answer");
  }
  const int limit =
      request.page_size() == 0 ? std::numeric_limits<int>::max() : request.page_size();
  const std::vector<core::Resource> clocks = call.engine().Read(
      [](const core::Core& core) { return core.Resources(ResourceKind::kClock); });
  // The lock is taken for each clock anew, so that no VM waits for a whole list.
  for (const core::Resource clock : clocks) {
    if (clock.id < first) continue;
    call.engine().Read([&](const core::Core& core) {
      if (!call.Shows(core, clock)) return;
      if (response->clocks_size() == limit) {
        response->set_next_page_token(absl::StrCat(clock.id));
      } else {
        FillClock(core, call.vm(), clock, response->add_clocks());
      }
    });
    if (!response->next_page_token().empty()) break;
  }
  return absl::OkStatus();
}

// SetRate, SetRateRange and RoundRate differ in the command and its arguments only.
struct RateArguments {
  mrq::ClkCmd command = mrq::ClkCmd::kSetRate;
  int64_t rate_hz = 0;
  std::optional<int64_t> max_rate_hz;
};
template <typename Request, typename Response>
void Rate(TypedCaller& caller, UnaryCall* rpc, RateArguments arguments, const Request& request,
          Response* response) {
  const auto make = [arguments](const TypedCall& /*call*/,
                                uint32_t id) -> absl::StatusOr<mrq::Request> {
    const int64_t rate_hz = arguments.rate_hz;
    if (rate_hz <= 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("a rate is positive; this one is ", rate_hz, " Hz"));
    }
    if (arguments.max_rate_hz.value_or(rate_hz) < rate_hz) {
      return absl::InvalidArgumentError(
          absl::StrCat("a range has a highest rate not below its lowest; this one is ", rate_hz,
                       " to ", *arguments.max_rate_hz, " Hz"));
    }
    mrq::ClkRequest clk;
    clk.cmd = arguments.command;
    clk.clock = ClockId(id);
    clk.rate_hz = rate_hz;
    return clk;
  };
  caller.Run(
      rpc, ResourceKind::kClock, request.clock(), make, response->mutable_outcome(),
      [response](const TypedCall& /*call*/, core::Resource /*clock*/, const mrq::Response& answer) {
        response->set_rate_hz(mrq::ReadRate(answer).value_or(0));
      },
      {v1::LEASE_UNSPECIFIED, arguments.max_rate_hz});
}

}  // namespace

void ListClocks(TypedCaller& caller, UnaryCall* rpc, const v1::ListClocksRequest& request,
                v1::ListClocksResponse* response) {
  caller.Start(rpc, [&request, response](std::unique_ptr<TypedCall> call) {
    call->Finish(List(*call, request, response));
  });
}

void GetClock(TypedCaller& caller, UnaryCall* rpc, const v1::GetClockRequest& request,
              v1::GetClockResponse* response) {
  caller.Run(
      rpc, ResourceKind::kClock, request.clock(), Clk(mrq::ClkCmd::kGetRate),
      response->mutable_outcome(),
      [response](const TypedCall& call, core::Resource resource, const mrq::Response& answer) {
        v1::Clock* clock = response->mutable_clock();
        call.engine().Read(
            [&](const core::Core& core) { FillClock(core, call.vm(), resource, clock); });
        clock->set_rate_hz(mrq::ReadRate(answer).value_or(clock->rate_hz()));
      });
}

void EnableClock(TypedCaller& caller, UnaryCall* rpc, const v1::EnableClockRequest& request,
                 v1::EnableClockResponse* response) {
  caller.Run(rpc, ResourceKind::kClock, request.clock(), Clk(mrq::ClkCmd::kEnable),
             response->mutable_outcome(), nullptr, {request.lease(), std::nullopt});
}

void DisableClock(TypedCaller& caller, UnaryCall* rpc, const v1::DisableClockRequest& request,
                  v1::DisableClockResponse* response) {
  caller.Run(rpc, ResourceKind::kClock, request.clock(), Clk(mrq::ClkCmd::kDisable),
             response->mutable_outcome());
}

void SetRate(TypedCaller& caller, UnaryCall* rpc, const v1::SetRateRequest& request,
             v1::SetRateResponse* response) {
  Rate(caller, rpc, {mrq::ClkCmd::kSetRate, request.rate_hz(), std::nullopt}, request, response);
}

void SetRateRange(TypedCaller& caller, UnaryCall* rpc, const v1::SetRateRangeRequest& request,
                  v1::SetRateRangeResponse* response) {
  Rate(caller, rpc, {mrq::ClkCmd::kSetRate, request.min_rate_hz(), request.max_rate_hz()}, request,
       response);
}

void RoundRate(TypedCaller& caller, UnaryCall* rpc, const v1::RoundRateRequest& request,
               v1::RoundRateResponse* response) {
  Rate(caller, rpc, {mrq::ClkCmd::kRoundRate, request.rate_hz(), std::nullopt}, request, response);
}

void SetParent(TypedCaller& caller, UnaryCall* rpc, const v1::SetParentRequest& request,
               v1::SetParentResponse* response) {
  const auto make = [&request](const TypedCall& call, uint32_t id) -> absl::StatusOr<mrq::Request> {
    BPMP_ASSIGN_OR_RETURN(const core::Resource parent,
                          call.Find(ResourceKind::kClock, request.parent()));
    mrq::ClkRequest clk;
    clk.cmd = mrq::ClkCmd::kSetParent;
    clk.clock = ClockId(id);
    clk.parent = ClockId(parent.id);
    return clk;
  };
  caller.Run(rpc, ResourceKind::kClock, request.clock(), make, response->mutable_outcome());
}

}  // namespace bpmp::service
