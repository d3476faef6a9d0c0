// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/string_view.h"
#include "broker/core/core.h"
#include "broker/core/core_impl.h"
#include "broker/mrq/codec.h"

namespace bpmp::core {
namespace {

// As it is written, without the closure.
Access AccessIn(const VmPolicy& policy, Resource resource) {
  switch (resource.kind) {
    case ResourceKind::kClock:
      return policy.Of(ClockId(resource.id));
    case ResourceKind::kDomain:
      return policy.Of(DomainId(resource.id));
    case ResourceKind::kReset:
      return policy.Of(ResetId(resource.id));
    case ResourceKind::kPcieController:
      return policy.Of(PcieControllerId(resource.id));
    case ResourceKind::kNone:
      break;
  }
  return Access::kNone;
}

// Somebody has it, or has or had it on: the firmware doesn't say which controllers there are.
bool IsNamed(const Machine& machine, PcieControllerId controller) {
  const Ledger::Entry& entry = machine.ledger.At(Resource::Of(controller));
  if (!entry.pcie_marks.empty() || entry.quarantined || entry.gate != GateState::kOff) return true;
  const std::vector<VmId> vms = machine.view.Defined();
  return std::any_of(vms.begin(), vms.end(),
                     [&](VmId vm) { return machine.view.Of(vm, controller) != Access::kNone; });
}

}  // namespace

std::optional<VmId> Core::FindVm(std::string_view name) const {
  const auto it = impl_->slots.find(ToAbsl(name));
  if (it == impl_->slots.end()) return std::nullopt;
  if (impl_->machine.view.PolicyOf(it->second) == nullptr) return std::nullopt;
  return it->second;
}

std::vector<VmId> Core::WhoHears(ThermalZoneId zone) const {
  std::vector<VmId> vms = impl_->machine.view.Defined();
  const auto deaf = [&](VmId vm) { return !impl_->machine.view.PolicyOf(vm)->opt_ins.Has(zone); };
  vms.erase(std::remove_if(vms.begin(), vms.end(), deaf), vms.end());
  return vms;
}

std::string Core::NameOf(VmId vm) const {
  return impl_->Known(vm) ? impl_->vm_names[vm.value()] : ToString(vm);
}
std::string Core::NameOf(Resource resource) const { return impl_->machine.names.NameOf(resource); }
std::optional<Resource> Core::FindResource(ResourceKind kind, std::string_view name_or_id) const {
  return impl_->machine.names.Find(kind, name_or_id);
}
int Core::Depth(ClockId clock) const {
  const Machine& machine = impl_->machine;
  return machine.judge.Exists(Resource::Of(clock)) ? machine.tree.Depth(clock) : 0;
}

const Inventory& Core::inventory() const { return impl_->machine.inventory; }
const Profile& Core::profile() const { return impl_->machine.profile; }

std::vector<VmStatus> Core::Vms() const {
  const Machine& machine = impl_->machine;
  std::vector<VmStatus> vms;
  for (uint32_t slot = 1; slot < impl_->vm_names.size(); ++slot) {
    const VmId vm(slot);
    VmStatus status;
    status.vm = vm;
    status.name = impl_->vm_names[slot];
    status.epoch = machine.ledger.EpochOf(vm);
    status.releasing = impl_->Releasing(vm);
    status.defined = machine.view.PolicyOf(vm) != nullptr;
    status.audit_only = machine.view.AuditOnly(vm);
    status.admission = impl_->machine.AdmissionOf(vm);
    status.clock_votes = machine.ledger.ClockVotes(vm);
    status.domain_votes = machine.ledger.DomainVotes(vm);
    status.waiting = machine.scheduler.Waiting(vm);
    if (const auto it = impl_->parked.find(vm); it != impl_->parked.end()) {
      status.waiting += static_cast<uint32_t>(it->second.size());
    }
    vms.push_back(status);
  }
  return vms;
}

std::optional<ResourceStatus> Core::Status(Resource resource) const {
  const Machine& machine = impl_->machine;
  if (!machine.judge.Exists(resource)) return std::nullopt;
  const ClockId clock(resource.id);
  const ResetId reset(resource.id);
  const bool is_clock = resource.kind == ResourceKind::kClock;
  const bool is_reset = resource.kind == ResourceKind::kReset;
  const Line line = machine.ledger.lines().Of(resource);
  const Ledger::Entry& entry = machine.ledger.At(line);
  ResourceStatus status;
  status.resource = resource;
  status.name = machine.names.NameOf(resource);
  status.gate = entry.gate;
  status.reset = entry.reset;
  status.pinned = entry.pinned;
  status.found_on = entry.found;
  status.residue = entry.residue;
  status.owes = entry.boot_rate != 0 || entry.boot_parent || entry.assert_owed;
  status.busy = !machine.scheduler.Idle(line);
  status.quarantined_for = entry.quarantined;
  status.holders = machine.ledger.HoldersOf(line);
  for (const auto& [vm, mark] : entry.pcie_marks) status.holders.push_back(vm);
  for (const VmId vm : machine.view.Defined()) {
    if (machine.ledger.Implied(vm, line)) status.implied.push_back(vm);
    if (AccessIn(*machine.view.PolicyOf(vm), resource) == Access::kExclusive) {
      status.exclusive.push_back(vm);
    }
  }
  if (is_clock) {
    status.rate_hz = machine.tree.Rate(clock);
    status.parent = machine.tree.Parent(clock);
    status.flags = machine.inventory.Find(clock)->flags;
    status.rate_policy = machine.policy.RatePolicyOf(clock);
    for (const auto& [vm, hz] : entry.rate_votes) {
      status.rate_votes.push_back(
          {vm, hz, machine.ledger.RateMin(vm, line), machine.ledger.RateMax(vm, line)});
    }
    if (entry.rate_pin != 0) status.pinned_rate_hz = entry.rate_pin;
  }
  if (is_reset) status.shared = machine.policy.shared_resets.contains(reset);
  return status;
}

std::vector<Resource> Core::Resources(ResourceKind kind) const {
  const Inventory& inventory = impl_->machine.inventory;
  std::vector<Resource> resources;
  if (kind == ResourceKind::kClock) {
    for (uint32_t id = 0; id < inventory.clocks.size(); ++id) {
      if (inventory.clocks[id].exists()) resources.push_back(Resource::Of(ClockId(id)));
    }
  } else if (kind == ResourceKind::kDomain) {
    for (uint32_t id = 0; id < inventory.domains.size(); ++id) {
      if (inventory.domains[id].exists()) resources.push_back(Resource::Of(DomainId(id)));
    }
  } else if (kind == ResourceKind::kReset) {
    for (uint32_t id = 0; id <= inventory.max_reset_id; ++id) {
      resources.push_back(Resource::Of(ResetId(id)));
    }
  } else if (kind == ResourceKind::kPcieController) {
    for (PcieControllerId id(0); inventory.Has(id); id = PcieControllerId(id.value() + 1)) {
      if (IsNamed(impl_->machine, id)) resources.push_back(Resource::Of(id));
    }
  }
  return resources;
}

std::vector<Resource> Core::Quarantined() const {
  const Ledger& ledger = impl_->machine.ledger;
  std::vector<Resource> quarantined;
  for (Line line = 0; line < ledger.lines().size(); ++line) {
    if (ledger.At(line).quarantined) quarantined.push_back(ledger.lines().At(line));
  }
  return quarantined;
}

std::vector<Resource> Core::FailedPins() const {
  std::vector<Resource> failed;
  for (const auto& pending : impl_->pending_pins) {
    if (!impl_->GaveUp(pending) || impl_->Stands(pending.pin)) continue;
    failed.push_back(pending.pin.resource);
  }
  return failed;
}

Core::Grant Core::GrantOf(VmId vm, Resource resource) const {
  const View& view = impl_->machine.view;
  switch (resource.kind) {
    case ResourceKind::kClock:
      return {view.Of(vm, ClockId(resource.id)), view.IsDerived(vm, ClockId(resource.id))};
    case ResourceKind::kDomain:
      return {view.Of(vm, DomainId(resource.id)), false};
    case ResourceKind::kReset:
      return {view.Of(vm, ResetId(resource.id)), false};
    case ResourceKind::kPcieController:
      return {view.Of(vm, PcieControllerId(resource.id)), false};
    case ResourceKind::kNone:
      break;
  }
  return {};
}

}  // namespace bpmp::core
