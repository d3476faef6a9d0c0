// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_OPS_H_
#define BROKER_CORE_OPS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/base/ids.h"
#include "broker/core/core.h"
#include "broker/core/op.h"
#include "broker/core/resource.h"
#include "broker/mrq/types.h"

// The operations of the core, one class for each kind of work. See op.h for how they live.
namespace bpmp::core {

// No agent at all; no VM has this number.
inline constexpr VmId kNobody{0xffffffff};

// An edge: turns a clock or power domain on for its waiters, or off after its waiters have left.
//
// On: everybody who asks while it runs joins, and shares the outcome. A failure records no vote.
// When it succeeds and all who waited have gone, it is undone. Off: votes are dropped first; if the
// hardware refuses, the resource is in doubt and held by nobody.
class GateOp final : public Op {
 public:
  GateOp(VmId vm, Line line, Resource resource, bool on)
      : Op(vm, {line}), resource_(resource), on_(on) {}

  void Begin(Machine& machine) override;
  void Answer(Machine& machine, const Outcome& outcome) override;
  void Leave(Ticket ticket) override;
  // A vote that is to be dropped is dropped, whether its owner waits or not.
  bool patient() const override { return !on_ || phase_ == Phase::kOff; }
  mrq::Error late_answer() const override { return on_ ? mrq::Error::kTimedOut : mrq::Error::kOk; }
  // Another VM that wants it on may join.
  bool JoinableOn() const { return on_ && phase_ != Phase::kOff && phase_ != Phase::kOffReadBack; }

 private:
  enum class Phase : uint8_t { kWaiting, kOn, kOnReadBack, kOff, kOffReadBack };

  void Succeed(Machine& machine);
  void Fail(Machine& machine, mrq::Error error, Reason reason);
  void TurnOff(Machine& machine, Phase phase);
  void BeginOn(Machine& machine);
  void BeginOff(Machine& machine);
  void AnswerOn(Machine& machine, const Outcome& outcome);
  void AnswerOff(Machine& machine, const Outcome& outcome);
  void AnswerReadBack(Machine& machine, const Outcome& outcome);
  void EndOff(Machine& machine, bool ok);

  const Resource resource_;
  const bool on_;
  Phase phase_ = Phase::kWaiting;
  GateState before_ = GateState::kOff;  // BeginOn()'s
};

// A question to the firmware about one clock; whoever asks the same while it runs shares the
// answer. `needed`: also when nobody waits for it.
class ReadOp final : public Op {
 public:
  ReadOp(VmId vm, Line line, mrq::ClkRequest request, bool needed = false)
      : Op(vm, {line}), request_(request), needed_(needed) {}

  void Begin(Machine& machine) override;
  void Answer(Machine& machine, const Outcome& outcome) override;
  bool mutating() const override { return false; }
  bool Asks(const mrq::ClkRequest& request) const { return request_ == request; }

 private:
  const mrq::ClkRequest request_;
  const bool needed_;
};

// A request that changes nothing but must come after what its VM asked before: decided when it is
// its turn.
class LaterOp final : public Op {
 public:
  LaterOp(VmId vm, Line line, mrq::Request request)
      : Op(vm, {line}), request_(std::move(request)) {}

  void Begin(Machine& machine) override;
  void Answer(Machine&, const Outcome&) override {}

 private:
  const mrq::Request request_;
};

// Sets a clock's rate or parent. Holds all clocks that the firmware may move with it; reads the
// rates of those above it and of those that others hold, before and after, and undoes the change
// when it moved one that another agent relies on (Machine::ReliedOn). Undoing sets what moved above
// back first, because the firmware need not do so by itself, and reads all of it once more. Clocks
// that go by votes and were moved are set again afterwards, each once.
class RetuneOp final : public Op {
 public:
  enum class Cause : uint8_t {
    kRequest,  // its waiter asked
    kAdjust,   // the votes ask for another rate: a holder left, or something else moved the clock
    kRestore,  // what the clock owes from boot, when no VM holds it any longer
  };
  struct Target {
    bool reparent = false;
    int64_t rate_hz = 0;            // as asked, unless `reparent`
    std::optional<int64_t> max_hz;  // where `rate_hz` is the lowest of the VM's limits
    ClockId parent;
  };
  RetuneOp(VmId vm, std::vector<Line> lines, ClockId clock, Target target, Cause cause)
      : Op(vm, std::move(lines)), clock_(clock), target_(target), cause_(cause) {}

  void Begin(Machine& machine) override;
  void Answer(Machine& machine, const Outcome& outcome) override;
  // From the change on it must find out what came of it, and may have to undo it.
  bool patient() const override { return cause_ != Cause::kRequest || phase_ > Phase::kChange; }

 private:
  enum class Phase : uint8_t {
    kOldParent,
    kOldRate,
    kBefore,  // the watched, one after the other
    kChange,
    kNewParent,  // after a change that doesn't say what came of it
    kNewRate,
    kAfter,      // the watched
    kUndoAbove,  // what moved above, from the top
    kUndo,
    kUndone,  // the watched
  };
  struct Watched {
    ClockId clock;
    bool above = false;
    int64_t told = 0;               // what was known before
    std::optional<int64_t> before;  // absent: it could not be read
    std::optional<int64_t> after;

    bool Moved() const;
    // It is known not to run at the rate that was known of it before.
    bool Differs() const { return after && *after != before.value_or(told); }
  };
  // What this change was the first to owe: to be forgotten when it comes to nothing.
  struct Owed {
    ClockId clock;
    bool rate = false;
    bool parent = false;
    std::vector<VmId> debtors;
  };

  // --- Its course (retune_op.cc) ---

  // Before the first transfer; false: it has been answered and ended.
  bool StillWanted(Machine& machine);
  bool Judge(Machine& machine);
  void Ask(Machine& machine, Phase phase, mrq::ClkCmd cmd, ClockId clock);
  void Set(Machine& machine, Phase phase, ClockId clock, int64_t rate_hz);
  void SetParent(Machine& machine, Phase phase, ClockId parent);
  void OnOld(Machine& machine, const Outcome& outcome);
  void MakeChange(Machine& machine);
  void OnChange(Machine& machine, const Outcome& outcome);
  void OnNew(Machine& machine, const Outcome& outcome);
  void Commit(Machine& machine);
  void CommitVotes(Machine& machine);
  void Fail(Machine& machine, mrq::Error error, Reason reason);
  // As the outcome of a transfer that was needed.
  void Fail(Machine& machine, const Outcome& outcome);
  void Settled(Machine& machine, bool ok);
  mrq::Response Success() const;

  // --- What moves with it (retune_watch.cc) ---

  // Whose own clocks may move: who asked. What the broker does by itself moves nobody's.
  VmId asker() const { return cause_ == Cause::kRequest ? vm() : kNobody; }
  bool HeldByOthers(const Machine& machine, Line line) const;
  // Who may be wronged when the clock moves: who relies on it. By what the broker does for votes
  // also who set it and has yet to enable it, and who has a vote on it.
  std::optional<VmId> InTheWay(const Machine& machine, ClockId clock) const;
  // It goes by votes alone, and isn't farther from what they ask for than before.
  bool NearerItsVotes(const Machine& machine, const Watched& watched) const;
  void Watch(Machine& machine);
  void ReadWatched(Machine& machine, Phase phase);
  void ReadNextWatched(Machine& machine);
  void OnWatched(Machine& machine, const Outcome& outcome);
  void Compare(Machine& machine);
  void UndoNext(Machine& machine);
  void OnUndo(Machine& machine, const Outcome& outcome);
  void EndUndo(Machine& machine);
  // To be done when nobody is in the way any longer.
  void Postpone(Machine& machine);
  // Sets those that moved and go by votes to what these ask for.
  void SettleMoved(Machine& machine);

  // --- What is owed for it (retune_debt.cc) ---

  // Who owes for this change: who asked for it, or whose votes do.
  std::vector<VmId> Debtors(const Machine& machine) const;
  void RecordDebts(Machine& machine, const std::vector<VmId>& debtors);
  void Owe(Machine& machine, const std::vector<VmId>& debtors, ClockId clock, int64_t rate_hz,
           std::optional<ClockId> parent);
  void Forget(Machine& machine, const Owed& owed);
  void ForgetDebts(Machine& machine);
  void SettleIfDue(Machine& machine, ClockId clock);
  // Of the clocks above, those that didn't move for certain.
  void ForgetUnmoved(Machine& machine);

  const ClockId clock_;
  Target target_;
  const Cause cause_;
  Phase phase_ = Phase::kOldRate;
  int64_t asked_hz_ = 0;
  int64_t old_rate_ = 0;
  int64_t new_rate_ = 0;
  std::optional<ClockId> old_parent_;
  std::vector<Owed> owed_;
  bool lost_ = false;
  VmId moved_owner_;
  ClockId moved_clock_;
  std::vector<Watched> watched_;
  size_t watching_ = 0;
  int unread_ = 0;  // answers that didn't come for the one that is being read
  int32_t undo_error_ = 0;
  bool parent_in_doubt_ = false;
};

// With the lines of all that the change may move, as the tree is now.
std::unique_ptr<RetuneOp> MakeRetune(const Machine& machine, VmId vm, ClockId clock,
                                     RetuneOp::Target target, RetuneOp::Cause cause);

// Drives a reset line.
class ResetOp final : public Op {
 public:
  enum class Purpose : uint8_t {
    kRequest,  // its waiter asked
    kGrant,    // before the VM first uses the device: its waiter learns that its vote was recorded
    kRelease,  // as the device says for the exit of a VM that touched it; no mark is left.
               // ENOTSUP from a block that isn't known to have power is no failure
    kSettle,   // the last that wanted a shared reset deasserted has gone: an owed ASSERT
  };
  ResetOp(VmId vm, Line line, ResetId reset, mrq::ResetCmd cmd, Purpose purpose)
      : Op(vm, {line}), reset_(reset), cmd_(cmd), purpose_(purpose) {}

  void Begin(Machine& machine) override;
  void Answer(Machine& machine, const Outcome& outcome) override;
  bool patient() const override {
    return purpose_ != Purpose::kRequest || cmd_ == mrq::ResetCmd::kAssert;
  }

 private:
  // What its turn brought for each purpose; false: it has ended.
  bool BeginRequest(Machine& machine);
  bool BeginGrant(Machine& machine);
  bool BeginRelease(Machine& machine);
  void Mark(Machine& machine, bool left);
  void End(Machine& machine, bool ok);

  const ResetId reset_;
  mrq::ResetCmd cmd_;  // a release's is found when it is its turn
  const Purpose purpose_;
};

// What a request about a shared reset comes to that needs no hardware: it is so already, or others
// need it as it is.
void SettleReset(Machine& machine, VmId vm, ResetId reset, mrq::ResetCmd cmd);

}  // namespace bpmp::core

#endif  // BROKER_CORE_OPS_H_
