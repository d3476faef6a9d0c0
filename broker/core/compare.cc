// SPDX-License-Identifier: Apache-2.0
// What a new policy would change, seen from what VMs hold and from what their guests have read.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "broker/core/core_impl.h"
#include "broker/core/policy_diff.h"

namespace bpmp::core {
namespace {

template <typename Visit>
void ForEachResource(const Inventory& inventory, Visit visit) {
  for (uint32_t id = 0; id < inventory.clocks.size(); ++id) {
    if (inventory.clocks[id].exists()) visit(ClockId(id));
  }
  for (uint32_t id = 0; id < inventory.domains.size(); ++id) {
    if (inventory.domains[id].exists()) visit(DomainId(id));
  }
  for (uint32_t id = 0; id <= inventory.max_reset_id; ++id) visit(ResetId(id));
  for (uint32_t id = 0; id <= kMaxPcieControllerId; ++id) visit(PcieControllerId(id));
}

bool IsDerived(const View& view, VmId vm, ClockId clock) { return view.IsDerived(vm, clock); }
template <typename Other>
bool IsDerived(const View&, VmId, Other) {
  return false;
}

// The old policy beside the new one.
class Comparer {
 public:
  Comparer(const Machine& machine, const Policy& next)
      : machine_(machine), next_(next), after_(machine.inventory, machine.tree, machine.ledger) {}

  View& after() { return after_; }

  VmDifference Compare(VmId vm, const VmPolicy* before, const VmPolicy* after) const {
    VmDifference difference;
    difference.name = before != nullptr ? before->name : after->name;
    difference.kind = before == nullptr  ? VmDifference::Kind::kAdded
                      : after == nullptr ? VmDifference::Kind::kRemoved
                                         : VmDifference::Kind::kChanged;
    ForEachResource(machine_.inventory, [&](auto id) {
      const Access old_access = machine_.view.Of(vm, id);
      const Access new_access = after_.Of(vm, id);
      if (old_access != new_access) {
        const View& higher = old_access > new_access ? machine_.view : after_;
        difference.access.push_back(
            {Resource::Of(id), old_access, new_access, IsDerived(higher, vm, id)});
      }
      if (before != nullptr && IsUnallowed(vm, id)) {
        difference.unallowed.push_back(Resource::Of(id));
      }
    });
    if (before != nullptr && after != nullptr) FindSeen(vm, &difference);
    Describe(before, after, &difference);
    return difference;
  }

 private:
  Line LineOf(auto id) const { return machine_.ledger.lines().Of(id); }

  bool IsUnallowed(VmId vm, ResetId reset) const {
    const Line line = LineOf(reset);
    return machine_.ledger.ResetMark(vm, line) != 0 && !machine_.IsForAdmin(vm, line) &&
           after_.Allows(vm, reset) < Access::kExclusive;
  }
  bool IsUnallowed(VmId vm, PcieControllerId controller) const {
    return machine_.ledger.PcieMark(vm, LineOf(controller)) != 0 &&
           after_.Allows(vm, controller) < Access::kExclusive;
  }
  template <typename Id>
  bool IsUnallowed(VmId vm, Id id) const {
    return machine_.ledger.Votes(vm, LineOf(id)) && after_.Allows(vm, id) < Access::kVote;
  }

  // As the clock will be shown once the new policy's pins stand.
  bool WillBePinned(ClockId clock) const {
    const auto in = [clock](const Policy& policy) {
      return absl::c_any_of(policy.pins,
                            [clock](const Pin& p) { return p.resource == Resource::Of(clock); });
    };
    return in(next_) || (machine_.ledger.At(LineOf(clock)).pinned && !in(machine_.policy));
  }

  bool LooksDifferent(VmId vm, ClockId clock) const {
    const bool before = machine_.view.Shows(vm, clock);
    if (before != after_.Shows(vm, clock)) return true;
    return before && machine_.view.Info(vm, clock, machine_.policy.RatePolicyOf(clock)) !=
                         after_.InfoIf(WillBePinned(clock), vm, clock, next_.RatePolicyOf(clock));
  }

  void FindSeen(VmId vm, VmDifference* difference) const {
    for (uint32_t id = 0; id < machine_.inventory.clocks.size(); ++id) {
      const ClockId clock(id);
      if ((machine_.requested.Of(vm, LineOf(clock)) & Asked::kInfo) == 0) continue;
      if (machine_.inventory.Find(clock) != nullptr && LooksDifferent(vm, clock)) {
        difference->seen_after_reboot.push_back(Resource::Of(clock));
      }
    }
  }

  void Describe(const VmPolicy* before, const VmPolicy* after, VmDifference* difference) const {
    std::vector<std::string>& text = difference->text;
    VmPolicy nothing;
    // A VM that goes isn't held to its policy from now on.
    nothing.audit_only = after == nullptr && before->audit_only;
    text = CompareEntries(before != nullptr ? *before : nothing,
                          after != nullptr ? *after : nothing, machine_.names);
    absl::c_move(AccessLines(difference->access, machine_.names), std::back_inserter(text));
    if (!difference->unallowed.empty()) {
      text.push_back(absl::StrCat("uses ", ResourceList(difference->unallowed, machine_.names),
                                  ", and may no longer"));
    }
    if (!difference->seen_after_reboot.empty()) {
      text.push_back(absl::StrCat("has read, and sees a change only after a reboot: ",
                                  ResourceList(difference->seen_after_reboot, machine_.names)));
    }
  }

  const Machine& machine_;
  const Policy& next_;
  View after_;
};

bool IsEmpty(const VmDifference& difference) {
  return difference.kind == VmDifference::Kind::kChanged && difference.text.empty();
}

}  // namespace

PolicyDifference Core::Impl::Compare(const Policy& next) const {
  Comparer comparer(machine, next);
  // VMs that are new get slots of their own for as long as this takes.
  std::vector<std::pair<VmId, const VmPolicy*>> vms;
  for (const VmId vm : machine.view.Defined()) vms.emplace_back(vm, nullptr);
  auto free_slot = static_cast<uint32_t>(vm_names.size());
  for (const VmPolicy& vm : next.vms) {
    const auto known = slots.find(vm.name);
    const VmId slot = known != slots.end() ? known->second : VmId(free_slot++);
    comparer.after().Set(slot, &vm);
    const auto same = absl::c_find_if(vms, [&](const auto& old) { return old.first == slot; });
    if (same != vms.end()) {
      same->second = &vm;
    } else {
      vms.emplace_back(slot, &vm);
    }
  }
  PolicyDifference difference;
  for (const auto& [vm, after] : vms) {
    VmDifference one = comparer.Compare(vm, machine.view.PolicyOf(vm), after);
    if (!IsEmpty(one)) difference.vms.push_back(std::move(one));
  }
  difference.board = CompareBoards(machine.policy, next, machine.names);
  return difference;
}

}  // namespace bpmp::core
