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
  bool in_doubt_before_ = false;
};

// A question to the firmware about one clock; whoever asks the same while it runs shares the
// answer.
class ReadOp final : public Op {
 public:
  ReadOp(VmId vm, Line line, mrq::ClkRequest request) : Op(vm, {line}), request_(request) {}

  void Begin(Machine& machine) override;
  void Answer(Machine& machine, const Outcome& outcome) override;
  bool mutating() const override { return false; }
  bool Asks(const mrq::ClkRequest& request) const { return request_ == request; }

 private:
  const mrq::ClkRequest request_;
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

// Sets a clock's rate or parent. Holds all clocks that the firmware may move with it; reads those
// of other VMs before and after, and undoes the change when it moved one that another VM has
// exclusively.
class RetuneOp final : public Op {
 public:
  enum class Cause : uint8_t {
    kRequest,  // its waiter asked
    kAdjust,   // a holder left, and the votes of the others ask for another rate
    kRestore,  // what the clock owes from boot, when no VM holds it any longer
  };
  struct Target {
    bool reparent = false;
    int64_t rate_hz = 0;  // as asked, unless `reparent`
    ClockId parent;
  };
  RetuneOp(VmId vm, std::vector<Line> lines, ClockId clock, Target target, Cause cause)
      : Op(vm, std::move(lines)), clock_(clock), target_(target), cause_(cause) {}

  void Begin(Machine& machine) override;
  void Answer(Machine& machine, const Outcome& outcome) override;

 private:
  enum class Phase : uint8_t {
    kOldParent,
    kOldRate,
    kBefore,
    kChange,
    kNewParent,
    kNewRate,
    kAfter,
    kUndo
  };
  struct Watched {
    ClockId clock;
    int64_t before = 0;
    int64_t after = 0;
  };

  // Before the first transfer; false: it has been answered and ended.
  bool StillWanted(Machine& machine);
  bool Judge(Machine& machine);
  void Ask(Machine& machine, Phase phase, mrq::ClkCmd cmd, ClockId clock);
  void Watch(Machine& machine);
  void ReadNextWatched(Machine& machine);
  void MakeChange(Machine& machine);
  // One for each phase.
  void OnOld(Machine& machine, const Outcome& outcome);
  void OnWatched(Machine& machine, const Outcome& outcome);
  void OnChange(Machine& machine, const Outcome& outcome);
  void OnNew(Machine& machine, const Outcome& outcome);
  void OnUndo(Machine& machine, const Outcome& outcome);
  void Compare(Machine& machine);
  void Commit(Machine& machine);
  void CommitVotes(Machine& machine);
  void RecordDebt(Machine& machine);
  void ForgetDebt(Machine& machine);
  void Fail(Machine& machine, mrq::Error error, Reason reason);
  mrq::Response Success() const;

  const ClockId clock_;
  Target target_;
  const Cause cause_;
  Phase phase_ = Phase::kOldRate;
  int64_t asked_hz_ = 0;
  int64_t old_rate_ = 0;
  int64_t new_rate_ = 0;
  std::optional<ClockId> old_parent_;
  // What this change was the first to owe: to be forgotten when it comes to nothing.
  enum class Owed : uint8_t { kNothing, kRate, kParent, kBoth };
  Owed owed_ = Owed::kNothing;
  bool new_debtor_ = false;
  bool lost_ = false;
  VmId moved_owner_;
  std::vector<Watched> watched_;
  size_t watching_ = 0;
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
    kRelease,  // ENOTSUP from a block that isn't known to have power is no failure; no mark is left
  };
  ResetOp(VmId vm, Line line, ResetId reset, mrq::ResetCmd cmd, Purpose purpose)
      : Op(vm, {line}), reset_(reset), cmd_(cmd), purpose_(purpose) {}

  void Begin(Machine& machine) override;
  void Answer(Machine& machine, const Outcome& outcome) override;

 private:
  void Mark(Machine& machine, bool lost);

  const ResetId reset_;
  const mrq::ResetCmd cmd_;
  const Purpose purpose_;
};

// What `cmd` makes of a VM's mark on a reset.
int64_t MarkAfter(mrq::ResetCmd cmd);

}  // namespace bpmp::core

#endif  // BROKER_CORE_OPS_H_
