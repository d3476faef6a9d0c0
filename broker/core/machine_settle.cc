// SPDX-License-Identifier: Apache-2.0
// What follows when a holder leaves: rates that the others ask for, what is owed from boot, and
// shared resets that nobody needs any longer.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "broker/core/machine.h"
#include "broker/core/ops.h"

namespace bpmp::core {
namespace {

bool Uses(const DeviceUse& device, Resource resource) {
  return resource.kind == ResourceKind::kClock
             ? absl::c_linear_search(device.clocks, ClockId(resource.id))
             : absl::c_linear_search(device.domains, DomainId(resource.id));
}

}  // namespace

void Machine::Resettle(VmId vm, Resource resource) {
  if (resource.kind != ResourceKind::kClock) return;
  const ClockId clock(resource.id);
  blocked.erase(clock);
  Settle(vm, clock);
  Unblock(vm, clock);
}

void Machine::Unblock(VmId vm, ClockId clock) {
  if (blocked.empty()) return;
  for (const ClockId relative : tree.Family(clock)) {
    const auto it = blocked.find(relative);
    if (it == blocked.end() || it->second != vm) continue;
    blocked.erase(it);
    Settle(vm, relative);
  }
}

void Machine::Settle(VmId vm, ClockId clock) {
  auto done = [this, vm, clock](Reason why) {
    if (why == Reason::kNone) {
      unsettled.erase(clock);
      return;
    }
    const auto it = unsettled.try_emplace(clock, Doubtful{vm, 0}).first;
    if (++it->second.tried <= options.max_retries) return;
    unsettled.erase(it);
    if (DebtDue(clock)) Quarantine(vm, Resource::Of(clock), why, 0);
  };
  if (DebtDue(clock)) return Restore(vm, clock, std::move(done));
  const int64_t wanted = judge.WantedRate(clock);
  if (wanted == 0 || wanted == tree.Rate(clock)) {
    unsettled.erase(clock);
    return;
  }
  auto op = MakeRetune(*this, vm, clock, {}, RetuneOp::Cause::kAdjust);
  op->set_done(std::move(done));
  scheduler.Start(std::move(op));
}

void Machine::OnPowered(VmId vm, Resource domain) {
  if (domain.kind != ResourceKind::kDomain) return;
  way_is_free = true;
  // Which domain a clock belongs to isn't always known; what still has no power comes back.
  for (const ClockId clock : std::exchange(unpowered, {})) Settle(vm, clock);
}

std::optional<VmId> Machine::ReliedOn(VmId vm, ClockId clock) const {
  const Line line = ledger.lines().Of(clock);
  const Ledger::Entry& entry = ledger.At(line);
  if (entry.rate_pin != 0 && vm != kHost) return kHost;
  if (entry.rate_lock && *entry.rate_lock != vm) return entry.rate_lock;
  const bool fixed = policy.RatePolicyOf(clock) == RatePolicy::kFixed;
  for (const VmId holder : ledger.HoldersOf(line)) {
    if (holder == vm) continue;
    if (fixed || (holder != kHost && view.Of(holder, clock) == Access::kExclusive)) return holder;
  }
  return std::nullopt;
}

std::optional<VmId> Machine::FeedsReliedOn(VmId vm, ClockId clock) const {
  for (const ClockId below : tree.Subtree(clock)) {
    if (below == clock) continue;
    if (const auto owner = ReliedOn(vm, below)) return owner;
  }
  return std::nullopt;
}

std::optional<VmId> Machine::SetByOwner(ClockId clock) const {
  for (const VmId debtor : ledger.At(Resource::Of(clock)).debtors) {
    if (view.Of(debtor, clock) == Access::kExclusive) return debtor;
  }
  return std::nullopt;
}

// --- Debts --------------------------------------------------------------------------------------

bool Machine::DebtDue(ClockId clock) const {
  const Line line = ledger.lines().Of(clock);
  const Ledger::Entry& entry = ledger.At(line);
  const bool owed = entry.boot_rate != 0 || entry.boot_parent.has_value();
  // Who has a rate vote was told this rate, whether it holds the clock yet or not.
  return owed && entry.debtors.empty() && entry.rate_votes.empty() && entry.rate_pin == 0 &&
         !ledger.HeldByOtherVm(kHost, line);
}

void Machine::Claim(VmId vm, ClockId clock) {
  const Ledger::Entry& entry = ledger.At(Resource::Of(clock));
  const bool owed = entry.boot_rate != 0 || entry.boot_parent;
  if (!owed || vm == kHost || absl::c_linear_search(entry.debtors, vm) || LeavesClock(vm, clock)) {
    return;
  }
  Apply(Change::Kind::kDebtor, vm, Resource::Of(clock), 1);
}

void Machine::Restore(VmId vm, ClockId clock, Op::DoneFn done) {
  const Ledger::Entry& entry = ledger.At(Resource::Of(clock));
  RetuneOp::Target target;
  if (entry.boot_parent) {
    target.reparent = true;
    target.parent = *entry.boot_parent;
  } else {
    target.rate_hz = entry.boot_rate;
  }
  auto op = MakeRetune(*this, vm, clock, target, RetuneOp::Cause::kRestore);
  const bool rate_follows = target.reparent && entry.boot_rate != 0;
  op->set_done([this, vm, clock, rate_follows, done = std::move(done)](Reason why) {
    const bool parent_paid = why == Reason::kNone && !ledger.At(Resource::Of(clock)).boot_parent;
    if (rate_follows && parent_paid && DebtDue(clock)) return Restore(vm, clock, done);
    if (done) done(why);
  });
  scheduler.Start(std::move(op));
}

void Machine::Paid(VmId vm, ClockId clock, bool parent) {
  const Resource resource = Resource::Of(clock);
  if (parent) return Apply(Change::Kind::kBootParent, vm, resource, 0);
  if (AncestorOwes(clock)) return;
  Apply(Change::Kind::kBootRate, vm, resource, 0);
  for (const ClockId fed : tree.Subtree(clock)) {
    if (fed != clock && DebtDue(fed)) Settle(vm, fed);
  }
}

bool Machine::AncestorOwes(ClockId clock) const {
  for (auto above = tree.Parent(clock); above; above = tree.Parent(*above)) {
    if (ledger.At(Resource::Of(*above)).boot_rate != 0) return true;
  }
  return false;
}

// --- Shared resets ------------------------------------------------------------------------------

void Machine::SettleResets(VmId vm, Resource resource) {
  const VmPolicy* vm_policy = view.PolicyOf(vm);
  if (vm_policy == nullptr) return;
  for (const DeviceUse& device : vm_policy->devices) {
    if (!Uses(device, resource)) continue;
    for (const ResetId reset : device.resets) PayAssert(vm, reset);
  }
}

bool Machine::IsForAdmin(VmId vm, Line line) const {
  return ledger.At(line).quarantined == vm &&
         ledger.lines().At(line).kind == ResourceKind::kReset &&
         ledger.ResetMark(vm, line) == kResetTouched;
}

void Machine::PayAssert(VmId vm, ResetId reset) {
  if (!ledger.At(Resource::Of(reset)).assert_owed) return;
  scheduler.Start(std::make_unique<ResetOp>(vm, ledger.lines().Of(reset), reset,
                                            mrq::ResetCmd::kAssert, ResetOp::Purpose::kSettle));
}

void Machine::Withhold(VmId vm, ResetId reset, mrq::ResetCmd cmd) {
  const Resource resource = Resource::Of(reset);
  const std::vector<VmId> wanting = judge.Wanting(reset, vm);
  if (cmd == mrq::ResetCmd::kAssert && !ledger.At(resource).assert_owed) {
    Apply(Change::Kind::kAssertOwed, vm, resource, 1);
  }
  EmitOther(EventKind::kWithheld, vm, wanting.empty() ? kHost : wanting.front(), resource,
            static_cast<int64_t>(cmd) - 1);
}

bool Machine::IsResidueOf(VmId vm, Line line) const {
  if (!ledger.At(line).residue) return false;
  const Resource resource = ledger.lines().At(line);
  const Access access = resource.kind == ResourceKind::kClock ? view.Of(vm, ClockId(resource.id))
                                                              : view.Of(vm, DomainId(resource.id));
  return access == Access::kExclusive;
}

}  // namespace bpmp::core
