// SPDX-License-Identifier: Apache-2.0
// What reads clocks, and what changes their rates and parents.
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "broker/core/requests.h"
#include "broker/mrq/codec.h"

namespace bpmp::core {

Decision Requests::Ask(Waiter waiter, const mrq::ClkRequest& request) {
  const Line line = machine_.ledger.lines().Of(request.clock);
  if (auto* tail = dynamic_cast<ReadOp*>(machine_.scheduler.Tail(line));
      tail != nullptr && tail->Asks(request)) {
    machine_.scheduler.Wait(tail, waiter);
    Decision decision;
    decision.kind = Decision::Kind::kWait;
    decision.reason = Reason::kInFlight;
    return decision;
  }
  return Start(waiter, std::make_unique<ReadOp>(waiter.vm, line, request));
}

Decision Requests::Read(Waiter waiter, const mrq::ClkRequest& request) {
  const Verdict verdict = machine_.judge.Read(waiter.vm, request.clock);
  if (verdict.kind == Verdict::Kind::kRefuse) {
    return Refuse(verdict, waiter, Resource::Of(request.clock), request);
  }
  if (const auto known = KnownForGood(waiter.vm, request)) {
    return ReplyWith(*known, Reason::kReadable);
  }
  return Ask(waiter, request);
}

std::optional<mrq::Response> Requests::KnownForGood(VmId vm, const mrq::ClkRequest& request) const {
  const ClockInfo& info = *machine_.inventory.Find(request.clock);
  if (request.cmd == mrq::ClkCmd::kGetRate) {
    // The host may want to hear the firmware.
    const bool known = vm != kHost && info.rate_is_fixed() && info.rate_hz > 0;
    return known ? std::optional(mrq::OkRate(info.rate_hz)) : std::nullopt;
  }
  if (request.cmd == mrq::ClkCmd::kGetParent) {
    const bool known = info.parent && info.parents.size() == 1;
    return known ? std::optional(mrq::OkU32(info.parent->value())) : std::nullopt;
  }
  const auto fmax = machine_.fmax_at_vmin.find(request.clock);
  return fmax == machine_.fmax_at_vmin.end() ? std::nullopt
                                             : std::optional(mrq::OkRate(fmax->second));
}

Decision Requests::RoundRate(Waiter waiter, const mrq::ClkRequest& request) {
  const Verdict verdict = machine_.judge.RoundRate(waiter.vm, request.clock, request.rate_hz);
  mrq::ClkRequest asked = request;
  switch (verdict.kind) {
    case Verdict::Kind::kRefuse:
      return Refuse(verdict, waiter, Resource::Of(request.clock), request);
    case Verdict::Kind::kSettled:
      if (verdict.value > 0) return ReplyWith(mrq::OkRate(verdict.value), verdict.reason);
      // The current rate isn't known since something above it moved.
      asked.cmd = mrq::ClkCmd::kGetRate;
      asked.rate_hz = 0;
      return Ask(waiter, asked);
    case Verdict::Kind::kProceed:
      asked.rate_hz = verdict.value;
      break;
  }
  return Ask(waiter, asked);
}

Decision Requests::AllInfo(Waiter waiter, const mrq::ClkRequest& request) {
  const Verdict verdict = machine_.judge.Read(waiter.vm, request.clock);
  // A hole: a guest asks for every id up to the highest, so this is no refusal to speak of.
  if (verdict.kind == Verdict::Kind::kRefuse) {
    return ReplyWith(mrq::Fail(verdict.error), verdict.reason);
  }
  const Line line = machine_.ledger.lines().Of(request.clock);
  if (machine_.scheduler.Pending(waiter.vm, line)) {
    return Start(waiter, std::make_unique<LaterOp>(waiter.vm, line, request));
  }
  return ReplyWith(mrq::OkClkInfo(machine_.ShowInfo(waiter.vm, request.clock)), Reason::kReadable);
}

Decision Requests::MaxClkId(Waiter, const mrq::ClkRequest&) {
  const auto count = static_cast<uint32_t>(machine_.inventory.clocks.size());
  return ReplyWith(mrq::OkU32(count == 0 ? 0 : count - 1), Reason::kLocal);
}

Decision Requests::SetRate(Waiter waiter, const mrq::ClkRequest& request) {
  return SetRateRange(waiter, request, std::nullopt);
}

Decision Requests::SetRateRange(Waiter waiter, const mrq::ClkRequest& request,
                                std::optional<int64_t> max_hz) {
  const ClockId clock = request.clock;
  const Verdict verdict = machine_.judge.SetRate(waiter.vm, clock, request.rate_hz, max_hz);
  if (verdict.kind == Verdict::Kind::kRefuse) {
    return Refuse(verdict, waiter, Resource::Of(clock), request);
  }
  if (verdict.kind == Verdict::Kind::kSettled &&
      !machine_.scheduler.Mutating(machine_.ledger.lines().Of(clock))) {
    machine_.CommitRateVote(waiter.vm, clock, {request.rate_hz, max_hz}, verdict.value);
    machine_.Claim(waiter.vm, clock);
    return ReplyWith(mrq::OkRate(verdict.value), verdict.reason);
  }
  RetuneOp::Target target;
  target.rate_hz = request.rate_hz;
  target.max_hz = max_hz;
  return Start(waiter, MakeRetune(machine_, waiter.vm, clock, target, RetuneOp::Cause::kRequest));
}

Decision Requests::SetParent(Waiter waiter, const mrq::ClkRequest& request) {
  const Verdict verdict = machine_.judge.SetParent(waiter.vm, request.clock, request.parent);
  if (verdict.kind == Verdict::Kind::kRefuse) {
    return Refuse(verdict, waiter, Resource::Of(request.clock), request);
  }
  if (verdict.kind == Verdict::Kind::kSettled &&
      !machine_.scheduler.Mutating(machine_.ledger.lines().Of(request.clock))) {
    machine_.Claim(waiter.vm, request.clock);
    return ReplyWith(mrq::OkU32(request.parent.value()), verdict.reason);
  }
  RetuneOp::Target target;
  target.reparent = true;
  target.parent = request.parent;
  return Start(waiter,
               MakeRetune(machine_, waiter.vm, request.clock, target, RetuneOp::Cause::kRequest));
}

}  // namespace bpmp::core
