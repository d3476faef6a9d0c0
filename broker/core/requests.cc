// SPDX-License-Identifier: Apache-2.0
#include "broker/core/requests.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "broker/core/judged.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/commands.h"

namespace bpmp::core {
namespace {

// What QUERY_ABI confirms to every VM: what the broker answers.
constexpr std::array kAnsweredMrqs = {
    mrq::Mrq::kPing,     mrq::Mrq::kThreadedPing, mrq::Mrq::kReset,     mrq::Mrq::kClk,
    mrq::Mrq::kQueryAbi, mrq::Mrq::kPg,           mrq::Mrq::kQueryFwTag};
constexpr uint32_t kMaxPgCmd = static_cast<uint32_t>(mrq::PgCmd::kGetMaxId);

// The payload of an answer that is itself a status: 0, or the negative of an error.
mrq::Response StatusPayload(mrq::Error error) {
  return mrq::OkU32(static_cast<uint32_t>(-static_cast<int32_t>(error)));
}

}  // namespace

void Requests::NoteWouldDeny(VmId vm, const mrq::Request& request,
                             std::optional<int64_t> max_rate_hz) {
  const Machine& machine = machine_;
  const Judged strict =
      JudgeRequest(machine.strict_judge, machine.inventory, vm, request, max_rate_hz);
  if (!IsByPolicy(strict.verdict)) return;
  const Judged judged = JudgeRequest(machine.judge, machine.inventory, vm, request, max_rate_hz);
  if (judged.verdict.kind == Verdict::Kind::kRefuse) return;
  machine_.EmitWouldDeny(strict.verdict, vm, strict.resource, request);
}

Decision Requests::Decide(Waiter waiter, const mrq::Request& request,
                          std::optional<int64_t> max_rate_hz) {
  if (waiter.vm != kHost) machine_.requested.Note(waiter.vm, request);
  if (machine_.view.AuditOnly(waiter.vm)) NoteWouldDeny(waiter.vm, request, max_rate_hz);
  if (max_rate_hz) {
    const auto* clk = std::get_if<mrq::ClkRequest>(&request);
    if (clk != nullptr && clk->cmd == mrq::ClkCmd::kSetRate) {
      return SetRateRange(waiter, *clk, max_rate_hz);
    }
    Verdict verdict;
    verdict.error = mrq::Error::kInval;
    verdict.reason = Reason::kBadArgument;
    return Refuse(verdict, waiter, {}, request);
  }
  return std::visit([&](const auto& typed) { return On(waiter, typed); }, request);
}

Decision Requests::Refuse(const Verdict& verdict, Waiter waiter, Resource resource,
                          const mrq::Request& request) {
  machine_.EmitRefusal(verdict, waiter.vm, resource, mrq::MrqCode(request),
                       mrq::CommandCode(request));
  return ReplyWith(mrq::Fail(verdict.error), verdict.reason);
}

Decision Requests::Start(Waiter waiter, std::unique_ptr<Op> op) {
  const bool idle = std::all_of(op->lines().begin(), op->lines().end(),
                                [&](Line line) { return machine_.scheduler.Idle(line); });
  op->AddWaiter(waiter);
  machine_.scheduler.Start(std::move(op));
  Decision decision;
  decision.kind = idle ? Decision::Kind::kRun : Decision::Kind::kWait;
  decision.reason = idle ? Reason::kEdge : Reason::kInFlight;
  return decision;
}

// --- Answered by the broker ---------------------------------------------------------------------

Decision Requests::On(Waiter, const mrq::PingRequest& request) {
  return ReplyWith(mrq::OkU32(request.challenge << 1), Reason::kLocal);
}

Decision Requests::On(Waiter waiter, const mrq::QueryAbiRequest& request) {
  const auto asked = static_cast<mrq::Mrq>(request.mrq);
  const bool known =
      std::find(kAnsweredMrqs.begin(), kAnsweredMrqs.end(), asked) != kAnsweredMrqs.end() ||
      machine_.judge.OptedIn(waiter.vm, asked);
  return ReplyWith(StatusPayload(known ? mrq::Error::kOk : mrq::Error::kNoDev), Reason::kLocal);
}

Decision Requests::On(Waiter, const mrq::QueryFwTagRequest&) {
  return ReplyWith(mrq::OkFwTag(machine_.inventory.fw_tag), Reason::kLocal);
}

// --- Clocks -------------------------------------------------------------------------------------

Decision Requests::On(Waiter waiter, const mrq::ClkRequest& request) {
  using Handler = Decision (Requests::*)(Waiter, const mrq::ClkRequest&);
  constexpr std::array<std::pair<mrq::ClkCmd, Handler>, 11> kHandlers = {{
      {mrq::ClkCmd::kIsEnabled, &Requests::IsEnabled},
      {mrq::ClkCmd::kEnable, &Requests::EnableClock},
      {mrq::ClkCmd::kDisable, &Requests::DisableClock},
      {mrq::ClkCmd::kGetRate, &Requests::Read},
      {mrq::ClkCmd::kGetParent, &Requests::Read},
      {mrq::ClkCmd::kGetFmaxAtVmin, &Requests::Read},
      {mrq::ClkCmd::kSetRate, &Requests::SetRate},
      {mrq::ClkCmd::kRoundRate, &Requests::RoundRate},
      {mrq::ClkCmd::kSetParent, &Requests::SetParent},
      {mrq::ClkCmd::kGetAllInfo, &Requests::AllInfo},
      {mrq::ClkCmd::kGetMaxClkId, &Requests::MaxClkId},
  }};
  for (const auto& [cmd, handler] : kHandlers) {
    if (cmd == request.cmd) return (this->*handler)(waiter, request);
  }
  return ReplyWith(mrq::Fail(mrq::Error::kBadCmd), Reason::kBadArgument);
}

Decision Requests::IsEnabled(Waiter waiter, const mrq::ClkRequest& request) {
  const Verdict verdict = machine_.judge.IsEnabled(waiter.vm, request.clock);
  if (verdict.kind == Verdict::Kind::kRefuse) {
    return Refuse(verdict, waiter, Resource::Of(request.clock), request);
  }
  const Line line = machine_.ledger.lines().Of(request.clock);
  if (machine_.scheduler.Pending(waiter.vm, line)) {
    return Start(waiter, std::make_unique<LaterOp>(waiter.vm, line, request));
  }
  return ReplyWith(mrq::OkU32(static_cast<uint32_t>(verdict.value)), verdict.reason);
}

Decision Requests::EnableClock(Waiter waiter, const mrq::ClkRequest& request) {
  return Enable(waiter, Resource::Of(request.clock), request);
}

Decision Requests::DisableClock(Waiter waiter, const mrq::ClkRequest& request) {
  return Disable(waiter, Resource::Of(request.clock), request);
}

Decision Requests::Enable(Waiter waiter, Resource resource, const mrq::Request& request) {
  const Verdict verdict = machine_.judge.Enable(waiter.vm, resource);
  if (verdict.kind == Verdict::Kind::kRefuse) return Refuse(verdict, waiter, resource, request);
  const Line line = machine_.ledger.lines().Of(resource);
  Scheduler& scheduler = machine_.scheduler;
  if (verdict.reason == Reason::kAlreadyVoted && !scheduler.Pending(waiter.vm, line)) {
    return ReplyWith(mrq::Ok(), verdict.reason);
  }
  if (verdict.kind == Verdict::Kind::kSettled && !scheduler.Mutating(line)) {
    machine_.CommitVote(waiter.vm, resource);
    if (machine_.HasGrantPulses(waiter.vm, resource)) {
      Decision decision;
      decision.kind = Decision::Kind::kRun;
      machine_.AnswerVote(waiter, resource, verdict.reason);
      return decision;
    }
    return ReplyWith(mrq::Ok(), verdict.reason);
  }
  if (auto* tail = dynamic_cast<GateOp*>(scheduler.Tail(line));
      tail != nullptr && tail->JoinableOn()) {
    scheduler.Wait(tail, waiter);
    Decision decision;
    decision.kind = Decision::Kind::kWait;
    decision.reason = Reason::kInFlight;
    return decision;
  }
  return Start(waiter, std::make_unique<GateOp>(waiter.vm, line, resource, true));
}

Decision Requests::Disable(Waiter waiter, Resource resource, const mrq::Request& request) {
  const Verdict verdict = machine_.judge.Disable(waiter.vm, resource);
  if (verdict.kind == Verdict::Kind::kRefuse) return Refuse(verdict, waiter, resource, request);
  const Line line = machine_.ledger.lines().Of(resource);
  if (machine_.scheduler.Pending(waiter.vm, line)) {
    return Start(waiter, std::make_unique<GateOp>(waiter.vm, line, resource, false));
  }
  if (verdict.reason == Reason::kNoVote) {
    machine_.Emit(EventKind::kUnbalanced, waiter.vm, resource);
    return ReplyWith(mrq::Ok(), verdict.reason);
  }
  // Dropped now, whatever else goes on with the resource: a vote must never be stuck.
  machine_.DropVote(waiter.vm, resource);
  if (!machine_.Unheld(resource)) {
    machine_.SettleResets(waiter.vm, resource);
    machine_.Resettle(waiter.vm, resource);
    return ReplyWith(mrq::Ok(), verdict.reason);
  }
  return Start(waiter, std::make_unique<GateOp>(waiter.vm, line, resource, false));
}

// --- Resets -------------------------------------------------------------------------------------

Decision Requests::On(Waiter waiter, const mrq::ResetRequest& request) {
  if (request.cmd == mrq::ResetCmd::kGetMaxId) {
    return ReplyWith(mrq::OkU32(machine_.inventory.max_reset_id), Reason::kLocal);
  }
  const Resource resource = Resource::Of(request.reset);
  const Verdict verdict = machine_.judge.Reset(waiter.vm, request.cmd, request.reset);
  if (verdict.kind == Verdict::Kind::kRefuse) return Refuse(verdict, waiter, resource, request);
  const Line line = machine_.ledger.lines().Of(request.reset);
  if (verdict.kind == Verdict::Kind::kSettled && !machine_.scheduler.Mutating(line)) {
    SettleReset(machine_, waiter.vm, request.reset, request.cmd);
    return ReplyWith(mrq::Ok(), verdict.reason);
  }
  return Start(waiter, std::make_unique<ResetOp>(waiter.vm, line, request.reset, request.cmd,
                                                 ResetOp::Purpose::kRequest));
}

// --- Power domains ------------------------------------------------------------------------------

Decision Requests::On(Waiter waiter, const mrq::PgRequest& request) {
  switch (request.cmd) {
    case mrq::PgCmd::kQueryAbi:
      return ReplyWith(request.arg <= kMaxPgCmd ? mrq::Ok() : mrq::Fail(mrq::Error::kBadCmd),
                       Reason::kLocal);
    case mrq::PgCmd::kSetState:
      return SetState(waiter, request);
    case mrq::PgCmd::kGetState:
      return GetState(waiter, request);
    case mrq::PgCmd::kGetName:
      return GetName(waiter, request);
    case mrq::PgCmd::kGetMaxId: {
      const auto count = static_cast<uint32_t>(machine_.inventory.domains.size());
      return ReplyWith(mrq::OkU32(count == 0 ? 0 : count - 1), Reason::kLocal);
    }
  }
  return ReplyWith(mrq::Fail(mrq::Error::kInval), Reason::kBadArgument);
}

Decision Requests::SetState(Waiter waiter, const mrq::PgRequest& request) {
  const Resource resource = Resource::Of(request.domain);
  if (request.arg > static_cast<uint32_t>(mrq::PgState::kRunning)) {
    Verdict verdict;
    verdict.error = mrq::Error::kInval;
    verdict.reason = Reason::kBadArgument;
    return Refuse(verdict, waiter, resource, request);
  }
  return request.arg == static_cast<uint32_t>(mrq::PgState::kOff)
             ? Disable(waiter, resource, request)
             : Enable(waiter, resource, request);
}

Decision Requests::GetState(Waiter waiter, const mrq::PgRequest& request) {
  const Verdict verdict = machine_.judge.GetState(waiter.vm, request.domain);
  if (verdict.kind == Verdict::Kind::kRefuse) {
    return ReplyWith(mrq::Fail(verdict.error), verdict.reason);
  }
  const Line line = machine_.ledger.lines().Of(request.domain);
  if (machine_.scheduler.Pending(waiter.vm, line)) {
    return Start(waiter, std::make_unique<LaterOp>(waiter.vm, line, request));
  }
  return ReplyWith(mrq::OkU32(static_cast<uint32_t>(verdict.value)), verdict.reason);
}

Decision Requests::GetName(Waiter, const mrq::PgRequest& request) {
  const DomainInfo* domain = machine_.inventory.Find(request.domain);
  if (domain == nullptr) return ReplyWith(mrq::Fail(mrq::Error::kInval), Reason::kUnknownId);
  return ReplyWith(mrq::OkName(domain->name), Reason::kReadable);
}

}  // namespace bpmp::core
