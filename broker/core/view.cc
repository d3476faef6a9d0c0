// SPDX-License-Identifier: Apache-2.0
#include "broker/core/view.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bpmp::core {

View::View(const Inventory& inventory, const ClockTree& tree, const Ledger& ledger)
    : inventory_(inventory), tree_(tree), ledger_(ledger) {}

void View::Set(VmId vm, const VmPolicy* policy) {
  if (vms_.size() <= vm.value()) vms_.resize(vm.value() + 1);
  vms_[vm.value()].policy = policy;
  Close(&vms_[vm.value()]);
}

void View::Refresh() {
  for (Entry& entry : vms_) Close(&entry);
}

void View::Close(Entry* entry) const {
  if (entry->policy == nullptr) {
    entry->clocks.clear();
    return;
  }
  entry->clocks = entry->policy->clocks;
  std::vector<ClockId> todo;
  for (uint32_t id = 0; id < entry->clocks.size(); ++id) {
    if (entry->clocks[id] >= Access::kVote && inventory_.Find(ClockId(id)) != nullptr) {
      todo.emplace_back(id);
    }
  }
  const auto give = [&](ClockId parent) {
    Access& access = entry->clocks[parent.value()];
    if (access >= Access::kVote) return;
    access = Access::kVote;
    todo.push_back(parent);
  };
  while (!todo.empty()) {
    const ClockId clock = todo.back();
    todo.pop_back();
    if (const auto parent = tree_.Parent(clock)) give(*parent);
    if (entry->policy->Of(clock) == Access::kExclusive) {
      for (const ClockId candidate : inventory_.Find(clock)->parents) give(candidate);
    }
  }
}

Access View::Of(VmId vm, ClockId clock) const {
  if (vm == kHost) return Access::kExclusive;
  if (vm.value() >= vms_.size()) return Access::kNone;
  const std::vector<Access>& clocks = vms_[vm.value()].clocks;
  return clock.value() < clocks.size() ? clocks[clock.value()] : Access::kNone;
}

Access View::Of(VmId vm, ResetId reset) const {
  if (vm == kHost) return Access::kExclusive;
  const VmPolicy* policy = PolicyOf(vm);
  return policy == nullptr ? Access::kNone : policy->Of(reset);
}

Access View::Of(VmId vm, DomainId domain) const {
  if (vm == kHost) return Access::kExclusive;
  const VmPolicy* policy = PolicyOf(vm);
  return policy == nullptr ? Access::kNone : policy->Of(domain);
}

// The host's own driver knows what it switches; the broker has no business with it.
Access View::Of(VmId vm, PcieControllerId controller) const {
  const VmPolicy* policy = PolicyOf(vm);
  return policy == nullptr ? Access::kNone : policy->Of(controller);
}

template <typename Id>
bool View::OwnedByOther(VmId vm, Id id) const {
  for (uint32_t slot = 1; slot < vms_.size(); ++slot) {
    const VmPolicy* policy = vms_[slot].policy;
    if (slot != vm.value() && policy != nullptr && policy->Of(id) == Access::kExclusive) {
      return true;
    }
  }
  return false;
}

Access View::Allows(VmId vm, ClockId clock) const {
  const Access own = Of(vm, clock);
  if (own == Access::kExclusive || !AuditOnly(vm)) return own;
  return OwnedByOther(vm, clock) ? Access::kVote : Access::kExclusive;
}

Access View::Allows(VmId vm, ResetId reset) const {
  const Access own = Of(vm, reset);
  if (own == Access::kExclusive || !AuditOnly(vm)) return own;
  return OwnedByOther(vm, reset) ? own : Access::kExclusive;
}

Access View::Allows(VmId vm, DomainId domain) const {
  const Access own = Of(vm, domain);
  return AuditOnly(vm) ? std::max(own, Access::kVote) : own;
}

Access View::Allows(VmId vm, PcieControllerId controller) const {
  const Access own = Of(vm, controller);
  if (own == Access::kExclusive || !AuditOnly(vm)) return own;
  return OwnedByOther(vm, controller) ? own : Access::kExclusive;
}

bool View::IsDerived(VmId vm, ClockId clock) const {
  const VmPolicy* policy = PolicyOf(vm);
  return policy != nullptr && Of(vm, clock) > policy->Of(clock);
}

bool View::Shows(VmId vm, ClockId clock) const {
  if (inventory_.Find(clock) == nullptr) return false;
  const VmPolicy* policy = PolicyOf(vm);
  return policy == nullptr || !policy->hide_ids || policy->audit_only ||
         Of(vm, clock) != Access::kNone;
}

bool View::MaySetRate(VmId vm, ClockId clock, RatePolicy policy, Access access) const {
  if (access == Access::kExclusive) return true;
  const bool by_votes =
      policy == RatePolicy::kFirst || policy == RatePolicy::kMax || policy == RatePolicy::kRange;
  return by_votes && access == Access::kVote && !IsDerived(vm, clock);
}

mrq::ClkInfo View::Info(VmId vm, ClockId clock, RatePolicy policy) const {
  return InfoIf(ledger_.At(ledger_.lines().Of(clock)).pinned, vm, clock, policy);
}

mrq::ClkInfo View::InfoIf(bool pinned, VmId vm, ClockId clock, RatePolicy policy) const {
  const ClockInfo& info = *inventory_.Find(clock);
  const Access access = Allows(vm, clock);
  const bool exclusive = access == Access::kExclusive;
  // A parent that is a hole to the guest would crash its clock driver: the clock looks like a root
  // then.
  std::optional<ClockId> parent = tree_.Parent(clock);
  if (parent && !Shows(vm, *parent)) parent.reset();

  mrq::ClkInfo out;
  out.flags = info.flags & (mrq::clk_flag::kHasMux | mrq::clk_flag::kHasSetRate |
                            mrq::clk_flag::kIsRoot | mrq::clk_flag::kIsVarRoot);
  std::copy_n(info.name.begin(), std::min(info.name.size(), out.name.size() - 1), out.name.begin());
  if (parent) out.parent = *parent;
  const auto show = [&](ClockId candidate) {
    if (out.num_parents < mrq::kMaxParents) out.parents[out.num_parents++] = candidate;
  };
  if (exclusive) {
    for (const ClockId candidate : info.parents) {
      if (candidate == parent || Allows(vm, candidate) >= Access::kVote) show(candidate);
    }
  } else if (parent) {
    show(*parent);
  }
  // A Linux guest refuses to register a clock with several parents and no mux, and asks a mux for
  // its parent; with one parent there is nothing to ask.
  if (out.num_parents < 2) out.flags &= ~mrq::clk_flag::kHasMux;
  if (out.num_parents > 1) out.flags |= mrq::clk_flag::kHasMux;

  // Never "may not use": a guest that sees bit 31 enables locally and believes that it succeeded.
  const bool host_keeps_it_on = pinned && vm != kHost && access >= Access::kVote;
  const bool fixed = policy == RatePolicy::kFixed;
  if (!MaySetRate(vm, clock, policy, access) || fixed || host_keeps_it_on) {
    out.flags |= mrq::clk_flag::kRateParentChangeDenied;
  }
  if (host_keeps_it_on) out.flags |= mrq::clk_flag::kStateChangeDenied;
  return out;
}

std::vector<VmId> View::Defined() const {
  std::vector<VmId> defined;
  for (uint32_t slot = 1; slot < vms_.size(); ++slot) {
    if (vms_[slot].policy != nullptr) defined.emplace_back(slot);
  }
  return defined;
}

}  // namespace bpmp::core
