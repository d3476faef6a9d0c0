// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "broker/core/machine.h"
#include "broker/core/ops.h"
#include "broker/core/switch_request.h"
#include "broker/mrq/codec.h"

namespace bpmp::core {
namespace {

mrq::Request StateRequest(Resource resource) {
  if (resource.kind == ResourceKind::kClock) {
    mrq::ClkRequest request;
    request.cmd = mrq::ClkCmd::kIsEnabled;
    request.clock = ClockId(resource.id);
    return request;
  }
  mrq::PgRequest request;
  request.cmd = mrq::PgCmd::kGetState;
  request.domain = DomainId(resource.id);
  return request;
}

}  // namespace

void GateOp::Leave(Ticket ticket) {
  if (on_) {
    Op::Leave(ticket);
    return;
  }
  for (Waiter& waiter : waiters_) {
    if (waiter.ticket == ticket) waiter.ticket = Ticket();
  }
}

void GateOp::Begin(Machine& machine) { on_ ? BeginOn(machine) : BeginOff(machine); }

void GateOp::BeginOn(Machine& machine) {
  // What was allowed when it was asked may have changed while it waited.
  std::erase_if(waiters_, [&](const Waiter& waiter) {
    const Verdict verdict = machine.judge.Enable(waiter.vm, resource_);
    if (verdict.kind != Verdict::Kind::kRefuse) return false;
    machine.scheduler.Reply(waiter.ticket, mrq::Fail(verdict.error), verdict.reason);
    return true;
  });
  if (machine.ledger.At(resource_).SurelyOn()) return Succeed(machine);
  if (waiters_.empty()) {
    Done(true);
    return machine.scheduler.Finish(this);
  }
  before_ = machine.ledger.At(resource_).gate;
  machine.SetGate(resource_, GateState::kTurningOn);
  phase_ = Phase::kOn;
  machine.scheduler.Run(this, SwitchRequest(resource_, true));
}

void GateOp::BeginOff(Machine& machine) {
  for (const Waiter& waiter : waiters_) machine.DropVote(waiter.vm, resource_);
  const GateState gate = machine.ledger.At(resource_).gate;
  if (!machine.Unheld(resource_) || gate == GateState::kOff) return EndOff(machine, true);
  TurnOff(machine, Phase::kOff);
}

void GateOp::TurnOff(Machine& machine, Phase phase) {
  phase_ = phase;
  machine.SetGate(resource_, GateState::kTurningOff);
  machine.scheduler.Run(this, SwitchRequest(resource_, false));
}

void GateOp::Answer(Machine& machine, const Outcome& outcome) {
  switch (phase_) {
    case Phase::kOn:
      return AnswerOn(machine, outcome);
    case Phase::kOff:
      return AnswerOff(machine, outcome);
    case Phase::kOnReadBack:
    case Phase::kOffReadBack:
      return AnswerReadBack(machine, outcome);
    case Phase::kWaiting:
      break;
  }
}

void GateOp::AnswerOn(Machine& machine, const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::kLost) {
    phase_ = Phase::kOnReadBack;
    return machine.scheduler.Run(this, StateRequest(resource_));
  }
  if (outcome.kind == Outcome::Kind::kAnswered && outcome.response.ok()) {
    machine.SetGate(resource_, GateState::kOn);
    machine.NoteOurs(resource_);
    machine.Emit(EventKind::kEdge, vm(), resource_, 1);
    return Succeed(machine);
  }
  machine.SetGate(resource_, before_);
  if (outcome.kind == Outcome::Kind::kFailed) {
    return Fail(machine, outcome.failure, Reason::kBackendFailed);
  }
  Fail(machine, static_cast<mrq::Error>(-outcome.response.error), Reason::kFirmwareRefused);
}

void GateOp::AnswerOff(Machine& machine, const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::kLost) {
    phase_ = Phase::kOffReadBack;
    return machine.scheduler.Run(this, StateRequest(resource_));
  }
  const bool ok = outcome.kind == Outcome::Kind::kAnswered && outcome.response.ok();
  if (ok) {
    machine.SetGate(resource_, GateState::kOff);
    machine.Emit(EventKind::kEdge, vm(), resource_, 0);
  } else {
    const bool refused = outcome.kind == Outcome::Kind::kAnswered;
    machine.Emit(EventKind::kEdgeFailed, vm(), resource_, 0,
                 refused ? Reason::kFirmwareRefused : Reason::kBackendFailed,
                 refused ? outcome.response.error : mrq::Fail(outcome.failure).error);
    machine.Doubt(vm(), resource_);
  }
  EndOff(machine, ok);
}

void GateOp::AnswerReadBack(Machine& machine, const Outcome& outcome) {
  const auto state = mrq::ReadU32(outcome.response);
  const bool known =
      outcome.kind == Outcome::Kind::kAnswered && outcome.response.ok() && state.ok();
  const bool is_on = known && *state != 0;
  const bool wanted_on = phase_ == Phase::kOnReadBack;
  if (!known || (!wanted_on && is_on)) {
    machine.Doubt(vm(), resource_);
  } else {
    machine.SetGate(resource_, is_on ? GateState::kOn : GateState::kOff);
  }
  // Where the host may have it on too, that it is on doesn't say that it is on for us.
  const bool done =
      known && is_on == wanted_on && !(wanted_on && machine.ledger.At(resource_).foreign);
  if (done) machine.Emit(EventKind::kEdge, vm(), resource_, is_on ? 1 : 0);
  if (!wanted_on) return EndOff(machine, done);
  if (done) return Succeed(machine);
  Fail(machine, mrq::Error::kTimedOut, Reason::kTimedOut);
}

void GateOp::Succeed(Machine& machine) {
  machine.OnPowered(vm(), resource_);
  for (const Waiter& waiter : std::exchange(waiters_, {})) {
    machine.CommitVote(waiter.vm, resource_);
    machine.AnswerVote(waiter, resource_, Reason::kEdge);
  }
  // Everybody who wanted it has gone: what was turned on for them is turned off.
  if (machine.Unheld(resource_)) return TurnOff(machine, Phase::kOff);
  Done(true);
  machine.scheduler.Finish(this);
}

void GateOp::Fail(Machine& machine, mrq::Error error, Reason reason) {
  machine.Emit(EventKind::kEdgeFailed, vm(), resource_, 1, reason, mrq::Fail(error).error);
  ReplyAll(machine, mrq::Fail(error), reason);
  Done(false);
  machine.scheduler.Finish(this);
}

void GateOp::EndOff(Machine& machine, bool ok) {
  // All whose votes went, not only the one that the operation is for.
  std::vector<VmId> leaving = {vm()};
  for (const Waiter& waiter : waiters_) {
    if (!absl::c_linear_search(leaving, waiter.vm)) leaving.push_back(waiter.vm);
  }
  // The vote was its owner's, and is dropped; that the hardware still runs is the broker's affair.
  ReplyAll(machine, mrq::Ok(), ok ? Reason::kEdge : Reason::kFirmwareRefused);
  machine.scheduler.Finish(this);
  for (const VmId gone : leaving) machine.SettleResets(gone, resource_);
  if (ok) machine.Resettle(vm(), resource_);
  Done(ok);
}

}  // namespace bpmp::core
