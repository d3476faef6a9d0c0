// SPDX-License-Identifier: Apache-2.0
#include "broker/core/policy.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/base/suggest.h"
#include "broker/core/clock_kind.h"
#include "broker/core/findings.h"
#include "broker/core/names.h"
#include "broker/core/opt_ins.h"
#include "broker/core/policy_checks.h"
#include "broker/core/policy_lints.h"

namespace bpmp::core {
namespace {

void Raise(std::vector<Access>* table, uint32_t id, Access access) {
  (*table)[id] = std::max((*table)[id], access);
}

class Compiler {
 public:
  Compiler(const PolicySpec& spec, const Profile& profile, const Inventory& inventory)
      : spec_(spec), profile_(profile), inventory_(inventory), names_(inventory, profile) {}

  absl::StatusOr<Policy> Run(std::vector<Note>* notes) {
    for (const ClockRule& rule : spec_.clock_rules) AddRule(rule);
    for (const ResourceGrant& grant : spec_.shared_resets) {
      if (const auto id = Reset(grant.resource, grant.where, "shared_resets")) {
        policy_.shared_resets.insert(*id);
      }
    }
    for (const PinSpec& pin : spec_.pins) AddPin(pin);
    for (const VmSpec& vm : spec_.vms) policy_.vms.push_back(CompileVm(vm));
    CheckPolicy(spec_, profile_, inventory_, policy_, &findings_);
    CheckPcieOwners(spec_, policy_, &findings_);
    if (notes != nullptr) *notes = findings_.notes();
    BPMP_RETURN_IF_ERROR(findings_.ToStatus());
    return std::move(policy_);
  }

 private:
  void Problem(const Where& where, const std::string& who, const std::string& what) {
    findings_.Problem(absl::StrCat(ToString(where), who, ": ", what));
  }

  std::optional<ClockId> Clock(const std::string& name, const Where& where,
                               const std::string& who) {
    const auto id = names_.FindClock(name);
    if (!id) Problem(where, who, names_.Unknown(ResourceKind::kClock, name));
    return id;
  }
  std::optional<ResetId> Reset(const std::string& name, const Where& where,
                               const std::string& who) {
    const auto id = names_.FindReset(name);
    if (!id) Problem(where, who, names_.Unknown(ResourceKind::kReset, name));
    return id;
  }
  std::optional<DomainId> Domain(const std::string& name, const Where& where,
                                 const std::string& who) {
    const auto id = names_.FindDomain(name);
    if (!id) Problem(where, who, names_.Unknown(ResourceKind::kDomain, name));
    return id;
  }

  // Entries that name one resource: where each was first. A second is refused and not settled by
  // the order of the lines, because it may well say something else.
  struct Mention {
    std::string name;
    Where where;
  };
  using Mentions = absl::flat_hash_map<Resource, Mention>;

  bool IsFirst(Resource resource, const Mention& mention, const std::string& who, Mentions* seen) {
    const auto [it, is_first] = seen->try_emplace(resource, mention);
    if (!is_first) {
      const std::string place(absl::StripSuffix(ToString(it->second.where), ": "));
      Problem(mention.where, who,
              absl::StrCat("'", it->second.name, "'", place.empty() ? "" : " at ", place, " and '",
                           mention.name, "' are one ", ToAbsl(KindName(resource.kind)),
                           "; keep one of the two entries"));
    }
    return is_first;
  }

  void AddRule(const ClockRule& rule) {
    const auto id = Clock(rule.clock, rule.where, "clocks");
    if (id && IsFirst(Resource::Of(*id), {rule.clock, rule.where}, "clocks", &ruled_)) {
      policy_.rate_policies[*id] = rule.policy;
    }
  }

  void AddPin(const PinSpec& pin) {
    std::optional<Resource> resource;
    if (pin.kind == ResourceKind::kDomain) {
      if (const auto id = Domain(pin.resource, pin.where, "pins")) resource = Resource::Of(*id);
    } else if (const auto id = Clock(pin.resource, pin.where, "pins")) {
      resource = Resource::Of(*id);
    }
    if (!resource || !IsFirst(*resource, {pin.resource, pin.where}, "pins", &pinned_)) return;
    const bool clock = resource->kind == ResourceKind::kClock;
    policy_.pins.push_back({*resource, clock ? pin.rate_hz : std::nullopt});
  }

  VmPolicy CompileVm(const VmSpec& spec) {
    const std::string who = absl::StrCat("vm ", spec.name);
    VmPolicy vm;
    vm.name = spec.name;
    vm.all_exclusive = spec.all_exclusive;
    vm.hide_ids = spec.hide_ids;
    vm.audit_only = spec.audit_only || spec_.audit_only;
    const Access base = spec.all_exclusive ? Access::kExclusive : Access::kNone;
    vm.clocks.assign(inventory_.clocks.size(), base);
    vm.domains.assign(inventory_.domains.size(), base);
    vm.resets.assign(inventory_.max_reset_id + 1, base);
    for (const DeviceGrant& grant : spec.devices) GiveDevice(grant, who, &vm);
    for (const ResourceGrant& grant : spec.clocks) {
      if (const auto id = Clock(grant.resource, grant.where, who)) {
        Raise(&vm.clocks, id->value(), grant.access);
      }
    }
    for (const ResourceGrant& grant : spec.resets) {
      if (const auto id = Reset(grant.resource, grant.where, who)) {
        Raise(&vm.resets, id->value(), grant.access);
      }
    }
    for (const ResourceGrant& grant : spec.domains) {
      if (const auto id = Domain(grant.resource, grant.where, who)) {
        Raise(&vm.domains, id->value(), grant.access);
      }
    }
    AddLimits(spec, who, &vm);
    vm.opt_ins = CompileOptIns(spec, &findings_);
    LintGrants(spec, vm, inventory_, names_, &findings_);
    return vm;
  }

  void AddLimits(const VmSpec& spec, const std::string& who, VmPolicy* vm) {
    Mentions limited;
    for (const RateLimits& limits : spec.rate_limits) {
      const auto id = Clock(limits.clock, limits.where, who);
      if (id && IsFirst(Resource::Of(*id), {limits.clock, limits.where}, who, &limited)) {
        vm->rate_limits[*id] = limits;
      }
    }
  }

  std::vector<std::string> DeviceNames() const {
    std::vector<std::string> names;
    names.reserve(profile_.devices().size());
    for (const Device& device : profile_.devices()) names.push_back(device.name());
    return names;
  }

  void NotThere(const DeviceGrant& grant, const std::string& who, const char* kind, uint32_t id) {
    Problem(grant.where, who,
            absl::StrFormat("the firmware has no %s %d of device '%s'", kind, id, grant.device));
  }

  // A profile may be of several firmwares; a driver that needs it sees that it is missing.
  void LeftOut(const DeviceGrant& grant, const std::string& who, const char* kind, uint32_t id) {
    findings_.Say(grant.where,
                  absl::StrFormat("%s: the firmware has no %s %d of device '%s': it is left out",
                                  who, kind, id, grant.device));
  }

  void GiveDevice(const DeviceGrant& grant, const std::string& who, VmPolicy* vm) {
    const Device* device = profile_.FindDevice(grant.device);
    if (device == nullptr) {
      Problem(grant.where, who,
              absl::StrFormat("profile '%s' has no device '%s'%s", profile_.name(), grant.device,
                              DidYouMean(grant.device, DeviceNames())));
      return;
    }
    if (absl::c_any_of(vm->devices,
                       [&](const DeviceUse& other) { return other.name == device->name(); })) {
      const std::string what =
          grant.device == device->name()
              ? absl::StrFormat("device '%s' is written twice", grant.device)
              : absl::StrFormat("'%s' is device '%s', which is written already", grant.device,
                                device->name());
      Problem(grant.where, who, what + "; keep one of the two entries");
      return;
    }
    DeviceUse use;
    use.name = device->name();
    use.reset_on_exit = grant.reset_on_exit;
    use.clock_on_exit = grant.clock_on_exit;
    use.pulse_on_grant = grant.pulse_on_grant;
    for (const ClockId clock : device->clocks) GiveClock(grant, *device, clock, who, vm, &use);
    GiveShared(grant, *device, who, vm, &use);
    for (const ResetId reset : device->resets) {
      if (!inventory_.Has(reset)) {
        LeftOut(grant, who, "reset", reset.value());
        continue;
      }
      Raise(&vm->resets, reset.value(), Access::kExclusive);
      use.resets.push_back(reset);
    }
    for (const DomainId domain : device->domains) {
      if (inventory_.Find(domain) == nullptr) {
        NotThere(grant, who, "power domain", domain.value());
        continue;
      }
      Raise(&vm->domains, domain.value(),
            profile_.UsersOf(domain) == 1 ? Access::kExclusive : Access::kVote);
      use.domains.push_back(domain);
    }
    vm->devices.push_back(std::move(use));
  }

  void GiveShared(const DeviceGrant& grant, const Device& device, const std::string& who,
                  VmPolicy* vm, DeviceUse* use) {
    std::vector<std::string> names;
    for (const ClockId clock : device.shared_clocks) {
      if (inventory_.Find(clock) == nullptr) {
        LeftOut(grant, who, "clock", clock.value());
        continue;
      }
      Raise(&vm->clocks, clock.value(), Access::kVote);
      use->clocks.push_back(clock);
      names.push_back(names_.NameOf(Resource::Of(clock)));
    }
    if (names.empty()) return;
    findings_.Say(grant.where, absl::StrFormat("%s: device '%s' gives only 'vote' on %s: by the "
                                               "profile, whoever asks may share that",
                                               who, grant.device, absl::StrJoin(names, ", ")));
  }

  void GiveClock(const DeviceGrant& grant, const Device& device, ClockId clock,
                 const std::string& who, VmPolicy* vm, DeviceUse* use) {
    if (inventory_.Find(clock) == nullptr) {
      NotThere(grant, who, "clock", clock.value());
      return;
    }
    const std::string why = WhyNotExclusive(device, clock);
    Raise(&vm->clocks, clock.value(), why.empty() ? Access::kExclusive : Access::kVote);
    use->clocks.push_back(clock);
    if (!why.empty()) {
      findings_.Say(grant.where,
                    absl::StrFormat("%s: device '%s' gives only 'vote' on %s: %s", who,
                                    grant.device, names_.NameOf(Resource::Of(clock)), why));
    }
  }

  // Empty when whoever has the device may have the clock alone.
  std::string WhyNotExclusive(const Device& device, ClockId clock) const {
    const ClockInfo& info = *inventory_.Find(clock);
    if (profile_.UsersOf(clock) > 1) return "other devices of the board use it";
    // Whoever is below a PLL now or later is served by it, so that no device gets it exclusively.
    if (std::string why = WhyEverybodys(info); !why.empty()) return why;
    const std::string outsider = FedOutside(device, clock);
    if (!outsider.empty()) return absl::StrCat("it feeds ", outsider, ", outside the device");
    return "";
  }

  // A clock that runs from `clock`, at any depth, and isn't the device's; empty when there is none.
  // By the current parents: what a mux could be switched to is no reason, because a rate that moves
  // somebody else's clock is read back and undone (RetuneOp) wherever that clock hangs by then.
  std::string FedOutside(const Device& device, ClockId clock) const {
    for (uint32_t id = 0; id < inventory_.clocks.size(); ++id) {
      if (Lists(device, ClockId(id))) continue;
      const ClockInfo* at = inventory_.Find(ClockId(id));
      while (at != nullptr && at->parent) {
        if (*at->parent == clock) return inventory_.clocks[id].name;
        at = inventory_.Find(*at->parent);
      }
    }
    return "";
  }

  static bool Lists(const Device& device, ClockId clock) {
    return std::find(device.clocks.begin(), device.clocks.end(), clock) != device.clocks.end();
  }

  const PolicySpec& spec_;
  const Profile& profile_;
  const Inventory& inventory_;
  const Names names_;
  Policy policy_;
  Findings findings_;
  Mentions ruled_;
  Mentions pinned_;
};

}  // namespace

std::string ToString(const Where& where) {
  if (where.file.empty()) return "";
  return where.line > 0 ? absl::StrCat(where.file, ":", where.line, ": ")
                        : absl::StrCat(where.file, ": ");
}

absl::StatusOr<Policy> Compile(const PolicySpec& spec, const Profile& profile,
                               const Inventory& inventory, std::vector<Note>* notes) {
  return Compiler(spec, profile, inventory).Run(notes);
}

}  // namespace bpmp::core
