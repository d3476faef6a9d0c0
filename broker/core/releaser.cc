// SPDX-License-Identifier: Apache-2.0
#include "broker/core/releaser.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "broker/core/ops.h"
#include "broker/core/opt_in_ops.h"
#include "broker/mrq/codec.h"

namespace bpmp::core {
uint32_t Releaser::Begin(VmId vm) {
  const uint32_t epoch = machine_.ledger.EpochOf(vm) + 1;
  machine_.Apply(Change::Kind::kEpoch, vm, {}, epoch);
  machine_.scheduler.Abandon(vm, mrq::Error::kAgain, Reason::kStaleEpoch);
  machine_.requested.ForgetInfo(vm);
  if (Whole(vm)) return epoch;
  machine_.Emit(EventKind::kReleaseStarted, vm, {}, epoch);
  absl::erase_if(machine_.granted, [&](const auto& use) { return use.first == vm; });
  Restart(vm, /*whole=*/true);
  return epoch;
}

void Releaser::Withdraw(VmId vm) {
  if (Whole(vm)) return;  // all that it did is undone
  Restart(vm, /*whole=*/false);
}

bool Releaser::Whole(VmId vm) const {
  const auto it = releases_.find(vm);
  return it != releases_.end() && it->second.whole;
}

// From the first phase on, also where a withdrawal had come farther: it was by a policy that
// allowed more. Its step goes on.
void Releaser::Restart(VmId vm, bool whole) {
  const bool active = Active(vm);
  Release& release = releases_[vm];
  release.whole = whole;
  release.phase = Phase::kResets;
  Plan(vm, &release);
  if (!active) Advance(vm);
}

bool Releaser::Allowed(VmId vm, Phase phase, Resource resource) const {
  const View& view = machine_.view;
  const ClockId clock(resource.id);
  switch (phase) {
    case Phase::kResets:
      return view.Allows(vm, ResetId(resource.id)) == Access::kExclusive;
    case Phase::kClocks:
      return view.Allows(vm, clock) >= Access::kVote;
    case Phase::kDebts:
      return view.MaySetRate(vm, clock, machine_.policy.RatePolicyOf(clock),
                             view.Allows(vm, clock));
    case Phase::kPcie:
      return view.Allows(vm, PcieControllerId(resource.id)) == Access::kExclusive;
    case Phase::kDomains:
      return view.Allows(vm, DomainId(resource.id)) >= Access::kVote;
    case Phase::kEnd:
      break;
  }
  return true;
}

std::vector<VmId> Releaser::TakeFinished() { return std::exchange(finished_, {}); }

std::vector<Line> Releaser::Concerned(VmId vm, ResourceKind kind) const {
  std::vector<Line> lines = machine_.ledger.TouchedBy(vm);
  const std::vector<Line> busy = machine_.scheduler.BusyFor(vm);
  lines.insert(lines.end(), busy.begin(), busy.end());
  for (Line line = 0; line < machine_.ledger.lines().size(); ++line) {
    if (machine_.IsResidueOf(vm, line)) lines.push_back(line);
  }
  std::erase_if(lines, [&](Line line) { return machine_.ledger.lines().At(line).kind != kind; });
  std::sort(lines.begin(), lines.end());
  lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  return lines;
}

template <typename Order>
void Releaser::SortByDepth(std::vector<Line>* clocks, Order order) const {
  const auto depth = [&](Line line) {
    return machine_.tree.Depth(ClockId(machine_.ledger.lines().At(line).id));
  };
  std::stable_sort(clocks->begin(), clocks->end(),
                   [&](Line a, Line b) { return order(depth(a), depth(b)); });
}

void Releaser::Plan(VmId vm, Release* release) {
  release->next = 0;
  switch (release->phase) {
    case Phase::kResets:
      release->steps = Concerned(vm, ResourceKind::kReset);
      break;
    case Phase::kClocks:
      release->steps = Concerned(vm, ResourceKind::kClock);
      SortByDepth(&release->steps, std::greater<>());
      break;
    case Phase::kDebts:
      // From root to leaf: what feeds a clock is as it was before the clock is.
      release->steps = Concerned(vm, ResourceKind::kClock);
      SortByDepth(&release->steps, std::less<>());
      break;
    case Phase::kPcie:
      release->steps = Concerned(vm, ResourceKind::kPcieController);
      break;
    case Phase::kDomains:
      release->steps = Concerned(vm, ResourceKind::kDomain);
      break;
    case Phase::kEnd:
      release->steps.clear();
  }
  if (release->whole) return;
  std::erase_if(release->steps, [&](Line line) {
    return Allowed(vm, release->phase, machine_.ledger.lines().At(line));
  });
}

void Releaser::Advance(VmId vm) {
  while (true) {
    Release& release = releases_[vm];
    if (release.phase == Phase::kEnd) {
      if (release.whole) {
        machine_.Emit(EventKind::kReleased, vm, {}, release.quarantined);
        machine_.retired.erase(vm);
      }
      releases_.erase(vm);
      finished_.push_back(vm);
      return;
    }
    if (release.next == release.steps.size()) {
      release.phase = static_cast<Phase>(static_cast<int>(release.phase) + 1);
      Plan(vm, &release);
      continue;
    }
    const Line line = release.steps[release.next++];
    if (Step(vm, release.phase, machine_.ledger.lines().At(line))) return;
  }
}

bool Releaser::Step(VmId vm, Phase phase, Resource resource) {
  switch (phase) {
    case Phase::kResets:
      return StepReset(vm, ResetId(resource.id));
    case Phase::kClocks:
    case Phase::kDomains:
      return StepVote(vm, resource);
    case Phase::kDebts:
      return StepDebt(vm, ClockId(resource.id));
    case Phase::kPcie:
      return StepPcie(vm, PcieControllerId(resource.id));
    case Phase::kEnd:
      break;
  }
  return false;
}

bool Releaser::StepReset(VmId vm, ResetId reset) {
  const Resource resource = Resource::Of(reset);
  const Line line = machine_.ledger.lines().Of(reset);
  // What the device asks for is looked up when it is its turn: something may be in flight that the
  // VM asked for.
  auto op = std::make_unique<ResetOp>(vm, line, reset, mrq::ResetCmd::kAssert,
                                      ResetOp::Purpose::kRelease);
  op->set_done([this, vm, resource](Reason why) { Finished(vm, resource, why); });
  machine_.scheduler.Start(std::move(op));
  return true;
}

bool Releaser::StepVote(VmId vm, Resource resource) {
  const Line line = machine_.ledger.lines().Of(resource);
  if (machine_.ledger.Implied(vm, line)) {
    machine_.Apply(Change::Kind::kImplied, vm, resource, 0);
  }
  auto op = std::make_unique<GateOp>(vm, line, resource, false);
  op->AddWaiter({vm, Ticket()});
  op->set_done([this, vm, resource](Reason why) { Finished(vm, resource, why); });
  machine_.scheduler.Start(std::move(op));
  return true;
}

bool Releaser::StepDebt(VmId vm, ClockId clock) {
  const Resource resource = Resource::Of(clock);
  const bool debtor = absl::c_linear_search(machine_.ledger.At(resource).debtors, vm);
  if (debtor) machine_.Apply(Change::Kind::kDebtor, vm, resource, 0);
  const bool due = machine_.DebtDue(clock);
  if (due) {
    machine_.Restore(vm, clock, [this, vm, resource](Reason why) { Finished(vm, resource, why); });
  }
  if (debtor) machine_.Unblock(vm, clock);
  return due;
}

bool Releaser::StepPcie(VmId vm, PcieControllerId controller) {
  const Line line = machine_.ledger.lines().Of(controller);
  auto op = std::make_unique<PcieReleaseOp>(vm, line, controller);
  op->set_done([this, vm, controller](Reason why) { Finished(vm, Resource::Of(controller), why); });
  machine_.scheduler.Start(std::move(op));
  return true;
}

void Releaser::Finished(VmId vm, Resource resource, Reason why) {
  const auto it = releases_.find(vm);
  if (it == releases_.end()) return;
  if (why != Reason::kNone) {
    const mrq::Error error = why == Reason::kTimedOut ? mrq::Error::kTimedOut : mrq::Error::kIo;
    machine_.Emit(EventKind::kReleaseStep, vm, resource, 0, why, mrq::Fail(error).error);
    // Whoever holds it goes on with it.
    if (machine_.Unheld(resource)) {
      machine_.Quarantine(vm, resource, why, mrq::Fail(error).error);
      ++it->second.quarantined;
    } else if (resource.kind == ResourceKind::kClock && machine_.DebtDue(ClockId(resource.id))) {
      // Nobody's who would pay it when he leaves: the host holds it.
      machine_.unsettled.try_emplace(ClockId(resource.id), Machine::Doubtful{vm, 0});
    }
  }
  Advance(vm);
}

}  // namespace bpmp::core
