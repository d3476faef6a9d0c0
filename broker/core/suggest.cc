// SPDX-License-Identifier: Apache-2.0
// The least policy for what a VM has asked for.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "broker/core/core_impl.h"
#include "broker/core/policy_diff.h"

namespace bpmp::core {
namespace {

constexpr VmId kTrial{1};  // of a view of its own

bool ByVotes(RatePolicy policy) {
  return policy == RatePolicy::kFirst || policy == RatePolicy::kMax || policy == RatePolicy::kRange;
}

class Suggester {
 public:
  Suggester(const Machine& machine, VmId vm) : machine_(machine), vm_(vm) {
    needed_.clocks.assign(machine.inventory.clocks.size(), Access::kNone);
    needed_.domains.assign(machine.inventory.domains.size(), Access::kNone);
    needed_.resets.assign(machine.inventory.max_reset_id + 1, Access::kNone);
  }

  Suggestion Run() {
    for (uint32_t id = 0; id < needed_.clocks.size(); ++id) NeedClock(ClockId(id));
    for (uint32_t id = 0; id < needed_.domains.size(); ++id) NeedDomain(DomainId(id));
    for (uint32_t id = 0; id < needed_.resets.size(); ++id) NeedReset(ResetId(id));
    for (uint32_t id = 0; id <= kMaxPcieControllerId; ++id) NeedPcie(PcieControllerId(id));
    NeedReads();
    given_ = needed_;
    for (auto* table : {&given_.clocks, &given_.domains, &given_.resets}) {
      absl::c_fill(*table, Access::kNone);
    }
    for (const Device& device : machine_.profile.devices()) TryDevice(device);
    DropAncestors();
    Grant(&suggestion_.spec.clocks, needed_.clocks, given_.clocks, ResourceKind::kClock);
    Grant(&suggestion_.spec.domains, needed_.domains, given_.domains, ResourceKind::kDomain);
    Grant(&suggestion_.spec.resets, needed_.resets, given_.resets, ResourceKind::kReset);
    return std::move(suggestion_);
  }

 private:
  uint8_t WasAsked(Resource resource) const {
    return machine_.requested.Of(vm_, machine_.ledger.lines().Of(resource));
  }
  std::string Title(Resource resource) const { return ResourceList({resource}, machine_.names); }
  void Note(Resource resource, const std::string& what) {
    suggestion_.notes.push_back(absl::StrCat(Title(resource), ": ", what));
  }

  void NeedClock(ClockId clock) {
    const uint8_t asked = WasAsked(Resource::Of(clock));
    if ((asked & Asked::kNeeds) == 0 || machine_.inventory.Find(clock) == nullptr) return;
    const RatePolicy rule = machine_.policy.RatePolicyOf(clock);
    const bool tunes = (asked & (Asked::kRate | Asked::kParent)) != 0;
    const bool by_votes = ByVotes(rule) && (asked & Asked::kParent) == 0;
    Access access = tunes && !by_votes ? Access::kExclusive : Access::kVote;
    if (tunes && rule == RatePolicy::kFixed) {
      Note(Resource::Of(clock),
           "it asked to change it, which nobody may: the rate policy is "
           "'fixed'");
      access = Access::kVote;
    } else if (const VmPolicy* owner = machine_.view.OwnerBeside(vm_, clock);
               owner != nullptr && access == Access::kExclusive) {
      Note(Resource::Of(clock),
           absl::StrCat("it asked to change it, but vm ", owner->name, " has it exclusively"));
      access = Access::kVote;
    }
    if (tunes && by_votes) explicit_.push_back(clock);
    needed_.clocks[clock.value()] = access;
  }

  void NeedDomain(DomainId domain) {
    if ((WasAsked(Resource::Of(domain)) & Asked::kNeeds) == 0) return;
    if (machine_.inventory.Find(domain) == nullptr) return;
    needed_.domains[domain.value()] = Access::kVote;
  }

  void NeedReset(ResetId reset) {
    if ((WasAsked(Resource::Of(reset)) & Asked::kNeeds) == 0) return;
    const VmPolicy* owner = machine_.view.OwnerBeside(vm_, reset);
    if (owner != nullptr && !machine_.policy.shared_resets.contains(reset)) {
      return Note(Resource::Of(reset), absl::StrCat("it asked for it, but vm ", owner->name,
                                                    " has it; if both may, list it in "
                                                    "shared_resets"));
    }
    needed_.resets[reset.value()] = Access::kExclusive;
  }

  void NeedPcie(PcieControllerId controller) {
    const Resource resource = Resource::Of(controller);
    if ((WasAsked(resource) & Asked::kNeeds) == 0) return;
    if (const VmPolicy* owner = machine_.view.OwnerBeside(vm_, controller)) {
      return Note(resource, absl::StrCat("it asked for it, but vm ", owner->name, " has it"));
    }
    suggestion_.spec.pcie_controllers.push_back({controller.value(), {}});
  }

  void NeedReads() {
    const Asked::Reads reads = machine_.requested.ReadsOf(vm_);
    suggestion_.spec.emc_latency = reads.emc_latency;
    for (uint32_t zone = 0; zone <= kMaxThermalZoneId; ++zone) {
      if ((reads.thermal_zones >> zone & 1) == 0) continue;
      suggestion_.spec.thermal_zones.push_back({zone, {}});
    }
    if (reads.thermal && reads.thermal_zones == 0) {
      suggestion_.notes.emplace_back(
          "it asked for the thermal zones: which of them it reads is seen once it may read any, "
          "e.g. 'thermal: {zones: [0]}'");
    }
  }

  // The device as one line, if the VM needs all that it gives.
  void TryDevice(const Device& device) {
    const auto needs = [](const std::vector<Access>& table, auto id) {
      return id.value() < table.size() && table[id.value()] != Access::kNone;
    };
    const bool all =
        absl::c_all_of(device.clocks, [&](auto id) { return needs(needed_.clocks, id); }) &&
        absl::c_all_of(device.resets, [&](auto id) { return needs(needed_.resets, id); }) &&
        absl::c_all_of(device.domains, [&](auto id) { return needs(needed_.domains, id); });
    if (!all || device.clocks.empty()) return;
    PolicySpec spec;
    spec.vms.resize(1);
    spec.vms[0].name = "trial";
    spec.vms[0].devices.resize(1);
    spec.vms[0].devices[0].device = device.name();
    const auto trial = Compile(spec, machine_.profile, machine_.inventory, nullptr);
    if (!trial.ok() || !Fits(trial->vms[0])) return;
    suggestion_.spec.devices.push_back(spec.vms[0].devices[0]);
    Raise(trial->vms[0].clocks, &given_.clocks);
    Raise(trial->vms[0].domains, &given_.domains);
    Raise(trial->vms[0].resets, &given_.resets);
  }

  // Gives nothing but what is needed; clocks also for those that run from them. What a device gives
  // of a power domain is the same to its only user, with 'vote' or exclusively, but two VMs can't
  // both have it so.
  bool Fits(const VmPolicy& trial) const {
    View view(machine_.inventory, machine_.tree, machine_.ledger);
    view.Set(kTrial, &needed_);
    for (uint32_t id = 0; id < trial.clocks.size(); ++id) {
      if (trial.clocks[id] > view.Of(kTrial, ClockId(id))) return false;
    }
    for (uint32_t id = 0; id < trial.domains.size(); ++id) {
      if (trial.domains[id] == Access::kExclusive &&
          machine_.view.OwnerBeside(vm_, DomainId(id)) != nullptr) {
        return false;
      }
    }
    return true;
  }

  static void Raise(const std::vector<Access>& from, std::vector<Access>* to) {
    for (size_t i = 0; i < from.size(); ++i) (*to)[i] = std::max((*to)[i], from[i]);
  }

  // A guest enables every ancestor of a clock; these need no entry. The nearest to the root first,
  // so that what stays is what is farthest from it.
  void DropAncestors() {
    std::vector<ClockId> votes;
    for (uint32_t id = 0; id < needed_.clocks.size(); ++id) {
      if (needed_.clocks[id] == Access::kVote && !absl::c_linear_search(explicit_, ClockId(id))) {
        votes.emplace_back(id);
      }
    }
    absl::c_stable_sort(votes, [&](ClockId a, ClockId b) {
      return machine_.tree.Depth(a) < machine_.tree.Depth(b);
    });
    View view(machine_.inventory, machine_.tree, machine_.ledger);
    for (const ClockId clock : votes) {
      needed_.clocks[clock.value()] = Access::kNone;
      view.Set(kTrial, &needed_);
      if (view.Of(kTrial, clock) < Access::kVote) needed_.clocks[clock.value()] = Access::kVote;
    }
  }

  void Grant(std::vector<ResourceGrant>* grants, const std::vector<Access>& needed,
             const std::vector<Access>& given, ResourceKind kind) const {
    for (uint32_t id = 0; id < needed.size(); ++id) {
      if (needed[id] <= given[id]) continue;
      // A reset without a name is written by its number.
      const Resource resource{kind, id};
      const std::string name = machine_.names.NameOf(resource);
      const bool named = machine_.names.Find(kind, name) == resource;
      grants->push_back({named ? name : absl::StrCat(id), needed[id], {}});
    }
  }

  const Machine& machine_;
  const VmId vm_;
  VmPolicy needed_;
  VmPolicy given_;                 // by the devices that were chosen
  std::vector<ClockId> explicit_;  // a vote on their rate, which no descendant gives
  Suggestion suggestion_;
};

}  // namespace

Suggestion Core::Suggest(VmId vm) const { return Suggester(impl_->machine, vm).Run(); }

}  // namespace bpmp::core
