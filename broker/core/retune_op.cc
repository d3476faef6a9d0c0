// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "broker/core/machine.h"
#include "broker/core/ops.h"
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

// The answer of a read, when there is one.
std::optional<int64_t> RateIn(const Outcome& outcome) {
  if (outcome.kind != Outcome::Kind::kAnswered || !outcome.response.ok()) return std::nullopt;
  const auto rate = mrq::ReadRate(outcome.response);
  return rate.ok() ? std::optional(*rate) : std::nullopt;
}
std::optional<ClockId> ParentIn(const Outcome& outcome) {
  if (outcome.kind != Outcome::Kind::kAnswered || !outcome.response.ok()) return std::nullopt;
  const auto parent = mrq::ReadU32(outcome.response);
  return parent.ok() ? std::optional(ClockId(*parent)) : std::nullopt;
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
  if (wanted) return true;
  Done(true);
  machine.scheduler.Finish(this);
  return false;
}

bool RetuneOp::Judge(Machine& machine) {
  const VmId asker = waiters_.front().vm;
  const Verdict verdict = target_.reparent ? machine.judge.SetParent(asker, clock_, target_.parent)
                                           : machine.judge.SetRate(asker, clock_, target_.rate_hz);
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

void RetuneOp::Answer(Machine& machine, const Outcome& outcome) {
  switch (phase_) {
    case Phase::kOldParent:
    case Phase::kOldRate:
      return OnOld(machine, outcome);
    case Phase::kBefore:
    case Phase::kAfter:
      return OnWatched(machine, outcome);
    case Phase::kChange:
      return OnChange(machine, outcome);
    case Phase::kNewParent:
    case Phase::kNewRate:
      return OnNew(machine, outcome);
    case Phase::kUndo:
      return OnUndo(machine, outcome);
  }
}

void RetuneOp::OnOld(Machine& machine, const Outcome& outcome) {
  if (phase_ == Phase::kOldParent) {
    old_parent_ = ParentIn(outcome);
    if (!old_parent_) return Fail(machine, mrq::Error::kIo, Reason::kBackendFailed);
    machine.NoteParent(clock_, *old_parent_);
    return Ask(machine, Phase::kOldRate, mrq::ClkCmd::kGetRate, clock_);
  }
  const auto rate = RateIn(outcome);
  if (!rate) return Fail(machine, mrq::Error::kIo, Reason::kBackendFailed);
  old_rate_ = *rate;
  machine.tree.SetRate(clock_, old_rate_);
  Watch(machine);
  watching_ = 0;
  phase_ = Phase::kBefore;
  ReadNextWatched(machine);
}

// Clocks that other VMs hold, and the clock above, which tells whether more than this subtree
// moved. A fixed root above is none of the lines, and never moves.
void RetuneOp::Watch(Machine& machine) {
  for (const Line line : lines()) {
    const ClockId clock(machine.ledger.lines().At(line).id);
    if (clock == clock_) continue;
    if (machine.ledger.HeldByOtherVm(vm(), line)) watched_.push_back({clock, 0, 0});
  }
  const auto parent = machine.tree.Parent(clock_);
  const auto is_parent = [&](const Watched& watched) { return watched.clock == *parent; };
  if (!target_.reparent && parent &&
      std::binary_search(lines().begin(), lines().end(), machine.ledger.lines().Of(*parent)) &&
      std::none_of(watched_.begin(), watched_.end(), is_parent)) {
    watched_.push_back({*parent, 0, 0});
  }
}

void RetuneOp::ReadNextWatched(Machine& machine) {
  if (watching_ < watched_.size()) {
    return Ask(machine, phase_, mrq::ClkCmd::kGetRate, watched_[watching_].clock);
  }
  phase_ == Phase::kBefore ? MakeChange(machine) : Compare(machine);
}

void RetuneOp::OnWatched(Machine& machine, const Outcome& outcome) {
  Watched& watched = watched_[watching_++];
  const auto rate = RateIn(outcome);
  if (phase_ == Phase::kBefore) {
    watched.before = rate.value_or(machine.tree.Rate(watched.clock));
  } else {
    // Without an answer, before or now, nothing is known to have moved.
    watched.after = rate.value_or(watched.before);
    if (watched.before == 0) watched.before = watched.after;
  }
  ReadNextWatched(machine);
}

void RetuneOp::MakeChange(Machine& machine) {
  RecordDebt(machine);
  phase_ = Phase::kChange;
  mrq::ClkRequest request;
  request.clock = clock_;
  if (target_.reparent) {
    request.cmd = mrq::ClkCmd::kSetParent;
    request.parent = target_.parent;
  } else {
    request.cmd = mrq::ClkCmd::kSetRate;
    request.rate_hz = target_.rate_hz;
  }
  machine.scheduler.Run(this, request);
}

void RetuneOp::OnChange(Machine& machine, const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::kLost) {
    lost_ = true;
    return target_.reparent ? Ask(machine, Phase::kNewParent, mrq::ClkCmd::kGetParent, clock_)
                            : Ask(machine, Phase::kNewRate, mrq::ClkCmd::kGetRate, clock_);
  }
  if (outcome.kind == Outcome::Kind::kFailed) {
    ForgetDebt(machine);
    return Fail(machine, mrq::Error::kIo, Reason::kBackendFailed);
  }
  if (!outcome.response.ok()) {
    ForgetDebt(machine);
    return Fail(machine, static_cast<mrq::Error>(-outcome.response.error),
                Reason::kFirmwareRefused);
  }
  if (target_.reparent) return Ask(machine, Phase::kNewRate, mrq::ClkCmd::kGetRate, clock_);
  const auto rate = RateIn(outcome);
  if (!rate) return Ask(machine, Phase::kNewRate, mrq::ClkCmd::kGetRate, clock_);
  new_rate_ = *rate;
  watching_ = 0;
  phase_ = Phase::kAfter;
  ReadNextWatched(machine);
}

void RetuneOp::OnNew(Machine& machine, const Outcome& outcome) {
  if (phase_ == Phase::kNewParent) {
    const auto parent = ParentIn(outcome);
    if (!parent || *parent != target_.parent) {
      if (parent) {
        machine.NoteParent(clock_, *parent);
        ForgetDebt(machine);
      } else {
        machine.tree.DoubtParent(clock_);
        machine.tree.SetRate(clock_, 0);
      }
      return Fail(machine, mrq::Error::kTimedOut, Reason::kTimedOut);
    }
    return Ask(machine, Phase::kNewRate, mrq::ClkCmd::kGetRate, clock_);
  }
  const auto rate = RateIn(outcome);
  if (!rate && lost_ && !target_.reparent) {
    machine.tree.SetRate(clock_, 0);
    return Fail(machine, mrq::Error::kTimedOut, Reason::kTimedOut);
  }
  if (lost_ && !target_.reparent && *rate == old_rate_ && *rate != target_.rate_hz) {
    ForgetDebt(machine);
    return Fail(machine, mrq::Error::kTimedOut, Reason::kTimedOut);
  }
  new_rate_ = rate.value_or(0);
  watching_ = 0;
  phase_ = Phase::kAfter;
  ReadNextWatched(machine);
}

void RetuneOp::Compare(Machine& machine) {
  for (const Watched& watched : watched_) {
    if (watched.before == watched.after) continue;
    const Line line = machine.ledger.lines().Of(watched.clock);
    for (const VmId holder : machine.ledger.HoldersOf(line)) {
      if (holder == vm() || holder == kHost) continue;
      if (machine.view.Of(holder, watched.clock) != Access::kExclusive) continue;
      moved_owner_ = holder;
      machine.EmitOther(EventKind::kMoved, vm(), holder, Resource::Of(watched.clock),
                        watched.after);
      phase_ = Phase::kUndo;
      mrq::ClkRequest undo;
      undo.clock = clock_;
      undo.cmd = target_.reparent ? mrq::ClkCmd::kSetParent : mrq::ClkCmd::kSetRate;
      undo.rate_hz = target_.reparent ? 0 : old_rate_;
      if (target_.reparent) undo.parent = *old_parent_;
      return machine.scheduler.Run(this, undo);
    }
  }
  Commit(machine);
}

void RetuneOp::OnUndo(Machine& machine, const Outcome& outcome) {
  const bool undone = outcome.kind == Outcome::Kind::kAnswered && outcome.response.ok();
  if (undone) {
    ForgetDebt(machine);
  } else {
    machine.Emit(EventKind::kEdgeFailed, vm(), Resource::Of(clock_), old_rate_,
                 Reason::kMovesOthers, outcome.response.error);
  }
  machine.tree.SetRate(clock_, undone ? old_rate_ : 0);
  for (const Watched& watched : watched_) {
    machine.tree.SetRate(watched.clock, undone ? watched.before : watched.after);
  }
  if (!undone && target_.reparent) {
    machine.NoteParent(clock_, target_.parent);
    if (outcome.kind == Outcome::Kind::kLost) machine.tree.DoubtParent(clock_);
  }
  Verdict verdict;
  verdict.error = mrq::Error::kBusy;
  verdict.reason = Reason::kMovesOthers;
  verdict.other = moved_owner_;
  machine.EmitRefusal(verdict, vm(), Resource::Of(clock_), mrq::MrqCode(mrq::ClkRequest{}), 0);
  ReplyAll(machine, mrq::Fail(mrq::Error::kBusy), Reason::kMovesOthers);
  machine.scheduler.Finish(this);
  // A restore that would disturb others stays owed; that is no failure of the release.
  Done(cause_ == Cause::kRestore && undone);
}

void RetuneOp::Commit(Machine& machine) {
  const auto parent = machine.tree.Parent(clock_);
  bool above_moved = false;
  for (const Watched& watched : watched_) {
    const bool moved = watched.before != watched.after;
    above_moved = above_moved || (moved && parent == watched.clock);
    if (moved) {
      const Line line = machine.ledger.lines().Of(watched.clock);
      const auto holders = machine.ledger.HoldersOf(line);
      machine.EmitOther(EventKind::kMoved, vm(), holders.empty() ? kHost : holders.back(),
                        Resource::Of(watched.clock), watched.after);
    }
  }
  // What wasn't read may run at another rate now: unknown, so that nobody is told an old one.
  if (target_.reparent) machine.NoteParent(clock_, target_.parent);
  const auto moved = above_moved ? machine.tree.Family(clock_) : machine.tree.Subtree(clock_);
  for (const ClockId clock : moved) machine.tree.SetRate(clock, 0);
  for (const Watched& watched : watched_) machine.tree.SetRate(watched.clock, watched.after);
  machine.tree.SetRate(clock_, new_rate_);

  if (target_.reparent) {
    machine.Emit(EventKind::kParent, vm(), Resource::Of(clock_), target_.parent.value());
  } else {
    machine.Emit(EventKind::kRate, vm(), Resource::Of(clock_), new_rate_);
  }
  CommitVotes(machine);
  ReplyAll(machine, Success(), Reason::kEdge);
  machine.scheduler.Finish(this);
  Done(true);
}

void RetuneOp::CommitVotes(Machine& machine) {
  if (cause_ == Cause::kRestore) {
    const auto paid = target_.reparent ? Change::Kind::kBootParent : Change::Kind::kBootRate;
    machine.Apply(paid, vm(), Resource::Of(clock_), 0);
    return;
  }
  if (target_.reparent || cause_ != Cause::kRequest || waiters_.empty()) return;
  machine.CommitRateVote(waiters_.front().vm, clock_, asked_hz_, new_rate_);
}

void RetuneOp::RecordDebt(Machine& machine) {
  if (cause_ != Cause::kRequest || vm() == kHost || machine.LeavesClock(vm(), clock_)) return;
  const Resource resource = Resource::Of(clock_);
  const Ledger::Entry& entry = machine.ledger.At(resource);
  new_debtor_ = std::find(entry.debtors.begin(), entry.debtors.end(), vm()) == entry.debtors.end();
  owed_ = entry.boot_rate == 0 ? Owed::kRate : Owed::kNothing;
  if (entry.boot_rate == 0) {
    machine.Apply(Change::Kind::kBootRate, vm(), resource, old_rate_);
  }
  if (target_.reparent && !entry.boot_parent) {
    owed_ = owed_ == Owed::kRate ? Owed::kBoth : Owed::kParent;
    machine.Apply(Change::Kind::kBootParent, vm(), resource, int64_t{old_parent_->value()} + 1);
  }
  if (new_debtor_) machine.Apply(Change::Kind::kDebtor, vm(), resource, 1);
}

void RetuneOp::ForgetDebt(Machine& machine) {
  const Resource resource = Resource::Of(clock_);
  if (owed_ == Owed::kRate || owed_ == Owed::kBoth) {
    machine.Apply(Change::Kind::kBootRate, vm(), resource, 0);
  }
  if (owed_ == Owed::kParent || owed_ == Owed::kBoth) {
    machine.Apply(Change::Kind::kBootParent, vm(), resource, 0);
  }
  if (new_debtor_) machine.Apply(Change::Kind::kDebtor, vm(), resource, 0);
  owed_ = Owed::kNothing;
  new_debtor_ = false;
}

void RetuneOp::Fail(Machine& machine, mrq::Error error, Reason reason) {
  machine.Emit(EventKind::kEdgeFailed, vm(), Resource::Of(clock_), target_.rate_hz, reason,
               mrq::Fail(error).error);
  ReplyAll(machine, mrq::Fail(error), reason);
  machine.scheduler.Finish(this);
  Done(false);
}

mrq::Response RetuneOp::Success() const {
  return target_.reparent ? mrq::OkU32(target_.parent.value()) : mrq::OkRate(new_rate_);
}

}  // namespace bpmp::core
