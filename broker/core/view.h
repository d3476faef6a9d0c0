// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_VIEW_H_
#define BROKER_CORE_VIEW_H_

#include <cstdint>
#include <vector>

#include "broker/base/ids.h"
#include "broker/core/clock_tree.h"
#include "broker/core/inventory.h"
#include "broker/core/ledger.h"
#include "broker/core/policy.h"
#include "broker/core/resource.h"
#include "broker/mrq/types.h"

namespace bpmp::core {

// What each VM may see and do: its policy closed over the ancestors of the clocks it may use,
// because a guest enables every ancestor first and fails when one is refused. All levels: the
// current parents of clocks with `vote`, all candidates of clocks with `exclusive`, each with
// `vote`.
//
// A VM that is audit-only may do what a policy could give it beside those of the other VMs, which
// is everything but to change what another VM has exclusively.
class View {
 public:
  // None of these is owned; they outlive the view.
  View(const Inventory& inventory, const ClockTree& tree, const Ledger& ledger);

  // Replaces what `vm` may do; null: nothing. `policy` is not owned and stays valid until replaced.
  void Set(VmId vm, const VmPolicy* policy);
  // To be called after a clock's parent changed.
  void Refresh();

  // The host may do everything. Ids out of range: kNone.
  Access Of(VmId vm, ClockId clock) const;
  Access Of(VmId vm, ResetId reset) const;
  Access Of(VmId vm, DomainId domain) const;
  Access Of(VmId vm, PcieControllerId controller) const;
  // The same, and for a VM that is audit-only what it may without its policy.
  Access Allows(VmId vm, ClockId clock) const;
  Access Allows(VmId vm, ResetId reset) const;
  Access Allows(VmId vm, DomainId domain) const;
  Access Allows(VmId vm, PcieControllerId controller) const;
  bool AuditOnly(VmId vm) const {
    const VmPolicy* policy = PolicyOf(vm);
    return policy != nullptr && policy->audit_only;
  }
  // The clock is granted only because something above uses it as an ancestor.
  bool IsDerived(VmId vm, ClockId clock) const;

  // The clock exists and its name is shown to the VM.
  bool Shows(VmId vm, ClockId clock) const;
  // GET_ALL_INFO for the VM. REQUIRES: Shows().
  mrq::ClkInfo Info(VmId vm, ClockId clock, RatePolicy policy) const;
  // The same as if the host pinned the clock, or didn't.
  mrq::ClkInfo InfoIf(bool pinned, VmId vm, ClockId clock, RatePolicy policy) const;
  // With this access SET_RATE is decided by the rate policy rather than refused outright.
  bool MaySetRate(VmId vm, ClockId clock, RatePolicy policy, Access access) const;

  const VmPolicy* PolicyOf(VmId vm) const {
    return vm.value() < vms_.size() ? vms_[vm.value()].policy : nullptr;
  }
  // VMs with a policy.
  std::vector<VmId> Defined() const;
  // The policy of another VM that has it exclusively. Null: no other has.
  template <typename Id>
  const VmPolicy* OwnerBeside(VmId vm, Id id) const {
    for (const VmId other : Defined()) {
      const VmPolicy* policy = PolicyOf(other);
      if (other != vm && policy->Of(id) == Access::kExclusive) return policy;
    }
    return nullptr;
  }

 private:
  struct Entry {
    const VmPolicy* policy = nullptr;
    std::vector<Access> clocks;  // closed over ancestors; dense by id
  };
  void Close(Entry* entry) const;
  // Some other VM has it exclusively by its policy.
  template <typename Id>
  bool OwnedByOther(VmId vm, Id id) const;

  const Inventory& inventory_;
  const ClockTree& tree_;
  const Ledger& ledger_;
  std::vector<Entry> vms_;  // by slot; slot 0 is unused
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_VIEW_H_
