// SPDX-License-Identifier: Apache-2.0
// What a rate or parent change moves besides its clock: found out, and undone where it must not be.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "broker/core/machine.h"
#include "broker/core/ops.h"
#include "broker/core/outcome.h"
#include "broker/mrq/types.h"

namespace bpmp::core {
namespace {

// How often a rate is asked for whose answer doesn't come.
constexpr int kReadAttempts = 3;

}  // namespace

// One that could not be read before is taken for what was known of it; one that can't be read now
// is not said to have moved, but its rate isn't known any longer.
bool RetuneOp::Watched::Moved() const {
  if (!after) return false;
  const int64_t was = before.value_or(told);
  return was != 0 && was != *after;
}

// The clocks above, from the top: they tell whether more than this subtree moved. A fixed root is
// none of the lines, and never moves. Then those that others hold or rely on, and those that go by
// votes.
void RetuneOp::Watch(Machine& machine) {
  const auto watch = [&](ClockId clock, bool above) {
    Watched watched;
    watched.clock = clock;
    watched.above = above;
    watched.told = machine.tree.Rate(clock);
    watched_.push_back(watched);
  };
  std::vector<ClockId> above;
  if (!target_.reparent) {
    for (auto clock = machine.tree.Parent(clock_); clock; clock = machine.tree.Parent(*clock)) {
      const Line line = machine.ledger.lines().Of(*clock);
      if (std::binary_search(lines().begin(), lines().end(), line)) above.push_back(*clock);
    }
  }
  for (auto clock = above.rbegin(); clock != above.rend(); ++clock) watch(*clock, true);
  for (const Line line : lines()) {
    const ClockId clock(machine.ledger.lines().At(line).id);
    if (clock == clock_ || std::find(above.begin(), above.end(), clock) != above.end()) continue;
    if (HeldByOthers(machine, line) || machine.judge.WantedRate(clock) != 0 ||
        InTheWay(machine, clock)) {
      watch(clock, false);
    }
  }
}

bool RetuneOp::HeldByOthers(const Machine& machine, Line line) const {
  return machine.ledger.HeldByOtherVm(cause_ == Cause::kRequest ? vm() : kHost, line);
}

std::optional<VmId> RetuneOp::InTheWay(const Machine& machine, ClockId clock) const {
  if (const auto owner = machine.ReliedOn(asker(), clock)) return owner;
  if (cause_ != Cause::kAdjust) return std::nullopt;
  if (const auto owner = machine.SetByOwner(clock)) return owner;
  if (machine.judge.WantedRate(clock) == 0) return std::nullopt;
  return machine.ledger.At(Resource::Of(clock)).rate_votes.front().first;
}

// Each adjustment so brings a clock nearer to its votes and takes none farther away: two under one
// PLL don't chase each other.
bool RetuneOp::NearerItsVotes(const Machine& machine, const Watched& watched) const {
  const int64_t wanted = machine.judge.WantedRate(watched.clock);
  const int64_t was = watched.before.value_or(watched.told);
  return wanted != 0 && std::abs(*watched.after - wanted) <= std::abs(was - wanted) &&
         !machine.ReliedOn(asker(), watched.clock) && !machine.SetByOwner(watched.clock);
}

void RetuneOp::ReadWatched(Machine& machine, Phase phase) {
  phase_ = phase;
  watching_ = 0;
  unread_ = 0;
  ReadNextWatched(machine);
}

void RetuneOp::ReadNextWatched(Machine& machine) {
  if (watching_ < watched_.size()) {
    return Ask(machine, phase_, mrq::ClkCmd::kGetRate, watched_[watching_].clock);
  }
  if (phase_ == Phase::kBefore) {
    MakeChange(machine);
  } else if (phase_ == Phase::kAfter) {
    Compare(machine);
  } else {
    EndUndo(machine);
  }
}

void RetuneOp::OnWatched(Machine& machine, const Outcome& outcome) {
  const auto rate = RateIn(outcome);
  if (!rate && ++unread_ < kReadAttempts) {
    return ReadNextWatched(machine);
  }
  unread_ = 0;
  Watched& watched = watched_[watching_++];
  (phase_ == Phase::kBefore ? watched.before : watched.after) = rate;
  ReadNextWatched(machine);
}

void RetuneOp::Compare(Machine& machine) {
  for (const Watched& watched : watched_) {
    if (!watched.Moved() || NearerItsVotes(machine, watched)) continue;
    const auto owner = InTheWay(machine, watched.clock);
    if (!owner) continue;
    moved_owner_ = *owner;
    moved_clock_ = watched.clock;
    machine.EmitOther(EventKind::kMoved, vm(), *owner, Resource::Of(watched.clock),
                      watched.after.value_or(0));
    watching_ = 0;
    return UndoNext(machine);
  }
  Commit(machine);
}

void RetuneOp::UndoNext(Machine& machine) {
  for (; watching_ < watched_.size() && watched_[watching_].above; ++watching_) {
    const Watched& watched = watched_[watching_];
    const ClockInfo& info = *machine.inventory.Find(watched.clock);
    if (!watched.Moved() || !watched.before || (info.flags & mrq::clk_flag::kHasSetRate) == 0) {
      continue;
    }
    return Set(machine, Phase::kUndoAbove, watched.clock, *watched.before);
  }
  if (target_.reparent) return SetParent(machine, Phase::kUndo, *old_parent_);
  Set(machine, Phase::kUndo, clock_, old_rate_);
}

void RetuneOp::OnUndo(Machine& machine, const Outcome& outcome) {
  const bool done = outcome.kind == Outcome::Kind::kAnswered && outcome.response.ok();
  if (!done) {
    undo_error_ = outcome.kind == Outcome::Kind::kAnswered ? outcome.response.error
                                                           : mrq::Fail(mrq::Error::kTimedOut).error;
    parent_in_doubt_ = outcome.kind == Outcome::Kind::kLost;
  }
  // The clock itself last: whether it is as it was is seen, not believed.
  Watched self;
  self.clock = clock_;
  self.before = old_rate_;
  watched_.push_back(self);
  ReadWatched(machine, Phase::kUndone);
}

void RetuneOp::EndUndo(Machine& machine) {
  const bool parent_stays = target_.reparent && undo_error_ != 0;
  const auto as_before = [](const Watched& watched) { return watched.after && !watched.Moved(); };
  const bool undone = !parent_stays && std::all_of(watched_.begin(), watched_.end(), as_before);
  if (undone) {
    ForgetDebts(machine);
  } else {
    machine.Emit(EventKind::kEdgeFailed, vm(), Resource::Of(clock_), old_rate_,
                 Reason::kMovesOthers, undo_error_);
    const auto family =
        target_.reparent ? machine.tree.Subtree(clock_) : machine.tree.Family(clock_);
    for (const ClockId clock : family) machine.tree.SetRate(clock, 0);
  }
  for (const Watched& watched : watched_) {
    machine.tree.SetRate(watched.clock, watched.after.value_or(0));
  }
  if (parent_stays) {
    machine.NoteParent(clock_, target_.parent);
    if (parent_in_doubt_) machine.tree.DoubtParent(clock_);
  }
  Verdict verdict;
  verdict.error = mrq::Error::kBusy;
  verdict.reason = Reason::kMovesOthers;
  verdict.other = moved_owner_;
  machine.EmitRefusal(verdict, vm(), Resource::Of(clock_), mrq::MrqCode(mrq::ClkRequest{}), 0);
  ReplyAll(machine, mrq::Fail(mrq::Error::kBusy), Reason::kMovesOthers);
  // What would disturb others is done when they have gone; that it isn't now is no failure.
  const bool later = undone && cause_ != Cause::kRequest;
  Settled(machine, later);
  if (later) Postpone(machine);
  SettleMoved(machine);
}

void RetuneOp::Postpone(Machine& machine) {
  if (const auto owner = InTheWay(machine, moved_clock_)) {
    machine.blocked.insert_or_assign(clock_, *owner);
  } else {
    // Who was in the way left meanwhile, and won't call.
    machine.unsettled.try_emplace(clock_, Machine::Doubtful{vm(), 0});
  }
}

void RetuneOp::SettleMoved(Machine& machine) {
  // An adjustment makes no further ones: a firmware that refuses to undo would keep two clocks
  // chasing each other.
  if (cause_ == Cause::kAdjust) return;
  for (const Watched& watched : watched_) {
    if (watched.Differs() && machine.judge.WantedRate(watched.clock) != 0) {
      machine.Settle(vm(), watched.clock);
    }
  }
}

}  // namespace bpmp::core
