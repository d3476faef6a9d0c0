// SPDX-License-Identifier: Apache-2.0
// What a rate or parent change owes: the rates and the parent from before the first change, of the
// clock itself and of the clocks above that the firmware moved with it. Written down before the
// change is made, taken back for what it left alone.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "broker/core/machine.h"
#include "broker/core/ops.h"
#include "broker/mrq/types.h"

namespace bpmp::core {

std::vector<VmId> RetuneOp::Debtors(const Machine& machine) const {
  std::vector<VmId> debtors;
  if (cause_ == Cause::kRequest && vm() != kHost) {
    debtors.push_back(vm());
  } else if (cause_ == Cause::kAdjust) {
    for (const auto& [voter, hz] : machine.ledger.At(Resource::Of(clock_)).rate_votes) {
      debtors.push_back(voter);
    }
  }
  std::erase_if(debtors, [&](VmId debtor) { return machine.LeavesClock(debtor, clock_); });
  return debtors;
}

void RetuneOp::RecordDebts(Machine& machine, const std::vector<VmId>& debtors) {
  if (debtors.empty()) return;
  // What another has moved already doesn't run at its boot rate. Looked up before anything is owed
  // for this change, which would be taken for such a move.
  const auto boot_rate = [&](ClockId clock, int64_t now) {
    const int64_t known = machine.inventory.Find(clock)->rate_hz;
    return machine.AncestorOwes(clock) && known != 0 ? known : now;
  };
  const int64_t own = boot_rate(clock_, old_rate_);
  std::vector<std::pair<ClockId, int64_t>> above;
  for (const Watched& watched : watched_) {
    const ClockInfo& info = *machine.inventory.Find(watched.clock);
    const bool settable = (info.flags & mrq::clk_flag::kHasSetRate) != 0;
    if (!watched.above || !watched.before || !settable) continue;
    above.emplace_back(watched.clock, boot_rate(watched.clock, *watched.before));
  }
  for (const auto& [clock, rate_hz] : above) Owe(machine, debtors, clock, rate_hz, std::nullopt);
  Owe(machine, debtors, clock_, own, target_.reparent ? old_parent_ : std::nullopt);
}

void RetuneOp::Owe(Machine& machine, const std::vector<VmId>& debtors, ClockId clock,
                   int64_t rate_hz, std::optional<ClockId> parent) {
  const Resource resource = Resource::Of(clock);
  const Ledger::Entry& entry = machine.ledger.At(resource);
  Owed owed;
  owed.clock = clock;
  owed.rate = entry.boot_rate == 0;
  owed.parent = parent && !entry.boot_parent;
  for (const VmId debtor : debtors) {
    if (!absl::c_linear_search(entry.debtors, debtor)) owed.debtors.push_back(debtor);
  }
  if (owed.rate) machine.Apply(Change::Kind::kBootRate, vm(), resource, rate_hz);
  if (owed.parent) {
    machine.Apply(Change::Kind::kBootParent, vm(), resource, int64_t{parent->value()} + 1);
  }
  for (const VmId debtor : owed.debtors) machine.Apply(Change::Kind::kDebtor, debtor, resource, 1);
  owed_.push_back(owed);
}

void RetuneOp::Forget(Machine& machine, const Owed& owed) {
  const Resource resource = Resource::Of(owed.clock);
  if (owed.rate) machine.Apply(Change::Kind::kBootRate, vm(), resource, 0);
  if (owed.parent) machine.Apply(Change::Kind::kBootParent, vm(), resource, 0);
  for (const VmId debtor : owed.debtors) machine.Apply(Change::Kind::kDebtor, debtor, resource, 0);
}

void RetuneOp::ForgetDebts(Machine& machine) {
  const std::vector<Owed> all = std::exchange(owed_, {});
  for (const Owed& owed : all) Forget(machine, owed);
  for (const Owed& owed : all) SettleIfDue(machine, owed.clock);
}

// While the VM counted as a debtor, the last holder may have left without paying.
void RetuneOp::SettleIfDue(Machine& machine, ClockId clock) {
  if (machine.DebtDue(clock)) machine.Settle(vm(), clock);
}

void RetuneOp::ForgetUnmoved(Machine& machine) {
  for (const Watched& watched : watched_) {
    if (!watched.above || !watched.after || watched.Moved()) continue;
    const auto owed = std::find_if(owed_.begin(), owed_.end(),
                                   [&](const Owed& o) { return o.clock == watched.clock; });
    if (owed == owed_.end()) continue;
    Forget(machine, *owed);
    SettleIfDue(machine, owed->clock);
  }
}

}  // namespace bpmp::core
