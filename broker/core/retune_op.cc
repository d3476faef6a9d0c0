// SPDX-License-Identifier: Apache-2.0
// The course of a rate or parent change, from its turn to its answer.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "broker/core/machine.h"
#include "broker/core/ops.h"
#include "broker/core/outcome.h"
#include "broker/mrq/codec.h"

namespace bpmp::core {
namespace {

std::vector<Line> LinesOf(const Machine& machine, ClockId clock, bool reparent) {
  std::vector<Line> lines;
  const auto family = reparent ? machine.tree.Subtree(clock) : machine.tree.Family(clock);
  lines.reserve(family.size());
  for (const ClockId member : family) lines.push_back(machine.ledger.lines().Of(member));
  return lines;
}

}  // namespace

std::unique_ptr<RetuneOp> MakeRetune(const Machine& machine, VmId vm, ClockId clock,
                                     RetuneOp::Target target, RetuneOp::Cause cause) {
  return std::make_unique<RetuneOp>(vm, LinesOf(machine, clock, target.reparent), clock, target,
                                    cause);
}

void RetuneOp::Begin(Machine& machine) {
  // The tree may have changed while it waited for its lines; all that it may move must be held.
  const std::vector<Line> needed = LinesOf(machine, clock_, target_.reparent);
  if (!std::includes(lines().begin(), lines().end(), needed.begin(), needed.end())) {
    auto again = std::make_unique<RetuneOp>(vm(), needed, clock_, target_, cause_);
    again->waiters() = std::exchange(waiters_, {});
    again->set_done(TakeDone());
    return machine.scheduler.Renew(this, std::move(again));
  }
  if (!StillWanted(machine)) return;
  if (target_.reparent) {
    Ask(machine, Phase::kOldParent, mrq::ClkCmd::kGetParent, clock_);
  } else {
    Ask(machine, Phase::kOldRate, mrq::ClkCmd::kGetRate, clock_);
  }
}

bool RetuneOp::StillWanted(Machine& machine) {
  bool wanted = true;
  switch (cause_) {
    case Cause::kRequest:
      if (!waiters_.empty()) return Judge(machine);
      wanted = false;
      break;
    case Cause::kAdjust:
      target_.rate_hz = machine.judge.WantedRate(clock_);
      wanted = target_.rate_hz != 0 && target_.rate_hz != machine.tree.Rate(clock_);
      break;
    case Cause::kRestore:
      wanted = machine.DebtDue(clock_);
      break;
  }
  // What feeds a clock that somebody relies on would move it for certain: not even tried.
  if (wanted && cause_ != Cause::kRequest) {
    if (const auto owner = machine.FeedsReliedOn(asker(), clock_)) {
      machine.blocked.insert_or_assign(clock_, *owner);
      wanted = false;
    }
  }
  if (!wanted) Settled(machine, true);
  return wanted;
}

bool RetuneOp::Judge(Machine& machine) {
  const VmId asker = waiters_.front().vm;
  const Verdict verdict =
      target_.reparent ? machine.judge.SetParent(asker, clock_, target_.parent)
                       : machine.judge.SetRate(asker, clock_, target_.rate_hz, target_.max_hz);
  asked_hz_ = target_.rate_hz;
  if (verdict.kind == Verdict::Kind::kProceed) {
    if (!target_.reparent) target_.rate_hz = verdict.value;
    return true;
  }
  if (verdict.kind == Verdict::Kind::kRefuse) {
    ReplyAll(machine, mrq::Fail(verdict.error), verdict.reason);
  } else {
    new_rate_ = verdict.value;
    CommitVotes(machine);
    machine.Claim(asker, clock_);
    ReplyAll(machine, Success(), verdict.reason);
  }
  machine.scheduler.Finish(this);
  return false;
}

void RetuneOp::Ask(Machine& machine, Phase phase, mrq::ClkCmd cmd, ClockId clock) {
  phase_ = phase;
  mrq::ClkRequest request;
  request.cmd = cmd;
  request.clock = clock;
  machine.scheduler.Run(this, request);
}

void RetuneOp::Set(Machine& machine, Phase phase, ClockId clock, int64_t rate_hz) {
  phase_ = phase;
  mrq::ClkRequest request;
  request.cmd = mrq::ClkCmd::kSetRate;
  request.clock = clock;
  request.rate_hz = rate_hz;
  machine.scheduler.Run(this, request);
}

void RetuneOp::SetParent(Machine& machine, Phase phase, ClockId parent) {
  phase_ = phase;
  mrq::ClkRequest request;
  request.cmd = mrq::ClkCmd::kSetParent;
  request.clock = clock_;
  request.parent = parent;
  machine.scheduler.Run(this, request);
}

void RetuneOp::Answer(Machine& machine, const Outcome& outcome) {
  switch (phase_) {
    case Phase::kOldParent:
    case Phase::kOldRate:
      return OnOld(machine, outcome);
    case Phase::kBefore:
    case Phase::kAfter:
    case Phase::kUndone:
      return OnWatched(machine, outcome);
    case Phase::kChange:
      return OnChange(machine, outcome);
    case Phase::kNewParent:
    case Phase::kNewRate:
      return OnNew(machine, outcome);
    case Phase::kUndoAbove:
      ++watching_;
      return UndoNext(machine);
    case Phase::kUndo:
      return OnUndo(machine, outcome);
  }
}

void RetuneOp::OnOld(Machine& machine, const Outcome& outcome) {
  if (phase_ == Phase::kOldParent) {
    old_parent_ = ParentIn(outcome);
    if (!old_parent_) return Fail(machine, outcome);
    machine.NoteParent(clock_, *old_parent_);
    return Ask(machine, Phase::kOldRate, mrq::ClkCmd::kGetRate, clock_);
  }
  const auto rate = RateIn(outcome);
  if (!rate) return Fail(machine, outcome);
  old_rate_ = *rate;
  machine.tree.SetRate(clock_, old_rate_);
  if (cause_ == Cause::kRestore && !target_.reparent && old_rate_ == target_.rate_hz) {
    // Setting it again might move what feeds it.
    CommitVotes(machine);
    return Settled(machine, true);
  }
  Watch(machine);
  ReadWatched(machine, Phase::kBefore);
}

void RetuneOp::MakeChange(Machine& machine) {
  // Whoever asked has gone, and may have been released: what he would owe, nobody would pay.
  if (cause_ == Cause::kRequest && waiters_.empty()) return Settled(machine, true);
  // The same for votes: while it read, they may have been dropped, or their VMs' releases have
  // stopped waiting for it.
  if (cause_ == Cause::kAdjust && machine.judge.WantedRate(clock_) != target_.rate_hz) {
    Settled(machine, true);
    return machine.Settle(vm(), clock_);
  }
  if (cause_ == Cause::kAdjust && overdue()) return Settled(machine, false);
  RecordDebts(machine, Debtors(machine));
  if (target_.reparent) return SetParent(machine, Phase::kChange, target_.parent);
  Set(machine, Phase::kChange, clock_, target_.rate_hz);
}

void RetuneOp::OnChange(Machine& machine, const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::kLost) {
    lost_ = true;
    return target_.reparent ? Ask(machine, Phase::kNewParent, mrq::ClkCmd::kGetParent, clock_)
                            : Ask(machine, Phase::kNewRate, mrq::ClkCmd::kGetRate, clock_);
  }
  if (cause_ == Cause::kRestore && outcome.kind == Outcome::Kind::kAnswered &&
      outcome.response.error == mrq::Fail(mrq::Error::kNotSup).error) {
    // Its block has no power: paid when it has.
    machine.unpowered.insert(clock_);
    machine.Emit(EventKind::kReleaseStep, vm(), Resource::Of(clock_), 0, Reason::kUnpowered);
    return Settled(machine, true);
  }
  if (outcome.kind == Outcome::Kind::kFailed || !outcome.response.ok()) {
    ForgetDebts(machine);
    return Fail(machine, outcome);
  }
  const auto rate = target_.reparent ? std::nullopt : RateIn(outcome);
  if (!rate) return Ask(machine, Phase::kNewRate, mrq::ClkCmd::kGetRate, clock_);
  new_rate_ = *rate;
  ReadWatched(machine, Phase::kAfter);
}

void RetuneOp::OnNew(Machine& machine, const Outcome& outcome) {
  if (phase_ == Phase::kNewParent) {
    const auto parent = ParentIn(outcome);
    if (parent && *parent == target_.parent) {
      return Ask(machine, Phase::kNewRate, mrq::ClkCmd::kGetRate, clock_);
    }
    if (parent) {
      machine.NoteParent(clock_, *parent);
      ForgetDebts(machine);
    } else {
      machine.tree.DoubtParent(clock_);
      machine.tree.SetRate(clock_, 0);
    }
    return Fail(machine, mrq::Error::kTimedOut, Reason::kTimedOut);
  }
  const auto rate = RateIn(outcome);
  if (!rate && lost_ && !target_.reparent) {
    machine.tree.SetRate(clock_, 0);
    return Fail(machine, mrq::Error::kTimedOut, Reason::kTimedOut);
  }
  if (lost_ && !target_.reparent && *rate == old_rate_ && *rate != target_.rate_hz) {
    ForgetDebts(machine);
    return Fail(machine, mrq::Error::kTimedOut, Reason::kTimedOut);
  }
  new_rate_ = rate.value_or(0);
  ReadWatched(machine, Phase::kAfter);
}

void RetuneOp::Commit(Machine& machine) {
  bool above_moved = false;
  for (const Watched& watched : watched_) {
    if (watched.clock == clock_ || !watched.Moved()) continue;
    above_moved = above_moved || watched.above;
    const Line line = machine.ledger.lines().Of(watched.clock);
    const auto holders = machine.ledger.HoldersOf(line);
    machine.EmitOther(EventKind::kMoved, vm(), holders.empty() ? kHost : holders.back(),
                      Resource::Of(watched.clock), watched.after.value_or(0));
  }
  ForgetUnmoved(machine);
  // What wasn't read may run at another rate now: unknown, so that nobody is told an old one.
  if (target_.reparent) machine.NoteParent(clock_, target_.parent);
  const auto moved = above_moved ? machine.tree.Family(clock_) : machine.tree.Subtree(clock_);
  for (const ClockId clock : moved) machine.tree.SetRate(clock, 0);
  for (const Watched& watched : watched_) {
    machine.tree.SetRate(watched.clock, watched.after.value_or(0));
  }
  machine.tree.SetRate(clock_, new_rate_);

  if (target_.reparent) {
    machine.Emit(EventKind::kParent, vm(), Resource::Of(clock_), target_.parent.value());
  } else {
    machine.Emit(EventKind::kRate, vm(), Resource::Of(clock_), new_rate_);
  }
  CommitVotes(machine);
  ReplyAll(machine, Success(), Reason::kEdge);
  Settled(machine, true);
  SettleMoved(machine);
}

void RetuneOp::CommitVotes(Machine& machine) {
  if (cause_ == Cause::kRestore) return machine.Paid(vm(), clock_, target_.reparent);
  if (target_.reparent || cause_ != Cause::kRequest || waiters_.empty()) return;
  machine.CommitRateVote(waiters_.front().vm, clock_, {asked_hz_, target_.max_hz}, new_rate_);
}

void RetuneOp::Fail(Machine& machine, mrq::Error error, Reason reason) {
  machine.Emit(EventKind::kEdgeFailed, vm(), Resource::Of(clock_), target_.rate_hz, reason,
               mrq::Fail(error).error);
  ReplyAll(machine, mrq::Fail(error), reason);
  Settled(machine, false);
}

void RetuneOp::Fail(Machine& machine, const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::kLost) {
    return Fail(machine, mrq::Error::kTimedOut, Reason::kTimedOut);
  }
  if (outcome.kind == Outcome::Kind::kAnswered && !outcome.response.ok()) {
    return Fail(machine, static_cast<mrq::Error>(-outcome.response.error),
                Reason::kFirmwareRefused);
  }
  Fail(machine, outcome.failure, Reason::kBackendFailed);
}

void RetuneOp::Settled(Machine& machine, bool ok) {
  machine.scheduler.Finish(this);
  Done(ok);
}

mrq::Response RetuneOp::Success() const {
  return target_.reparent ? mrq::OkU32(target_.parent.value()) : mrq::OkRate(new_rate_);
}

}  // namespace bpmp::core
