// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_POLICY_H_
#define BROKER_CORE_POLICY_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "broker/base/ids.h"
#include "broker/core/inventory.h"
#include "broker/core/profile.h"
#include "broker/core/resource.h"

namespace bpmp::core {

// Where an entry was written, for messages. Empty for one made at run time.
struct Where {
  std::string file;
  int line = 0;  // 1-based; 0: unknown
};
// "broker.yaml:12: ", ready to be put before a message; empty when nothing is known.
std::string ToString(const Where& where);

// --- What an operator writes --------------------------------------------------------------------

// What the release of a VM does with a reset that the VM deasserted or pulsed.
enum class ResetOnExit : uint8_t { kAssert, kDeassert, kPulse, kLeave };
// ... and with a clock whose rate or parent it changed: back to what it was at boot, or left alone.
enum class ClockOnExit : uint8_t { kBoot, kLeave };

struct DeviceGrant {
  std::string device;  // any of Device::names
  ResetOnExit reset_on_exit = ResetOnExit::kAssert;
  ClockOnExit clock_on_exit = ClockOnExit::kBoot;
  // Pulse the device's exclusive resets when the VM first powers or clocks the device in an epoch.
  bool pulse_on_grant = false;
  Where where;
};

// A resource by firmware name, or by decimal id.
struct ResourceGrant {
  std::string resource;
  Access access = Access::kNone;
  Where where;
};

struct RateLimits {
  std::string clock;  // name or id
  int64_t min_hz = 0;
  int64_t max_hz = std::numeric_limits<int64_t>::max();
  Where where;
};

// A thermal zone or PCIe controller by the firmware's number.
struct NumberGrant {
  uint32_t number = 0;
  Where where;
};

struct VmSpec {
  std::string name;  // [a-z0-9][a-z0-9_.-]{0,62}: it becomes a file name and a metric label
  std::vector<DeviceGrant> devices;
  std::vector<ResourceGrant> clocks;
  std::vector<ResourceGrant> resets;
  std::vector<ResourceGrant> domains;
  std::vector<RateLimits> rate_limits;
  std::vector<NumberGrant> thermal_zones;     // to read
  std::vector<NumberGrant> pcie_controllers;  // to switch on and off, each of one VM alone
  bool emc_latency = false;                   // to read
  // Stands for a host: every clock, reset and power domain, and no second such VM.
  bool all_exclusive = false;
  // Names of clocks that the VM may not use are not shown. Always safe: a guest's clock driver
  // crashes on a parent that it can't find, but the closure (core/view.h) lets a VM use, and so
  // see, every parent that it is shown.
  bool hide_ids = false;
  // What its policy denies is allowed, as far as a policy could allow it (core/view.h).
  bool audit_only = false;
  Where where;
};

struct ClockRule {
  std::string clock;
  RatePolicy policy = RatePolicy::kOwner;
  Where where;
};

// A hold of the host itself (agent 0).
struct PinSpec {
  ResourceKind kind = ResourceKind::kClock;  // kClock or kDomain
  std::string resource;
  std::optional<int64_t> rate_hz;  // clocks only: also set, and nobody else may change it
  Where where;
};

struct PolicySpec {
  std::vector<VmSpec> vms;
  std::vector<ClockRule> clock_rules;
  std::vector<ResourceGrant> shared_resets;  // `access` is not read
  std::vector<PinSpec> pins;
  bool audit_only = false;  // every VM
};

// --- What the core works with -------------------------------------------------------------------

// One device of a VM, resolved.
struct DeviceUse {
  std::string name;
  std::vector<ClockId> clocks;
  std::vector<ResetId> resets;
  std::vector<DomainId> domains;
  ResetOnExit reset_on_exit = ResetOnExit::kAssert;
  ClockOnExit clock_on_exit = ClockOnExit::kBoot;
  bool pulse_on_grant = false;
};

// MRQs that a VM has only if its policy says so, and what of them. Numbers ascending.
struct OptIns {
  std::vector<ThermalZoneId> thermal_zones;
  std::vector<PcieControllerId> pcie_controllers;
  bool emc_latency = false;

  bool Has(ThermalZoneId zone) const { return Has(thermal_zones, zone); }
  bool Has(PcieControllerId controller) const { return Has(pcie_controllers, controller); }
  friend bool operator==(const OptIns&, const OptIns&) = default;

 private:
  template <typename Id>
  static bool Has(const std::vector<Id>& ids, Id id) {
    return std::binary_search(ids.begin(), ids.end(), id);
  }
};

// One VM's permissions as written, before the closure over ancestors (core/view.h). Dense by id.
struct VmPolicy {
  std::string name;
  std::vector<Access> clocks;
  std::vector<Access> resets;
  std::vector<Access> domains;
  std::vector<DeviceUse> devices;
  absl::flat_hash_map<ClockId, RateLimits> rate_limits;
  OptIns opt_ins;
  bool all_exclusive = false;
  bool hide_ids = false;
  bool audit_only = false;

  Access Of(ClockId id) const { return At(clocks, id.value()); }
  Access Of(ResetId id) const { return At(resets, id.value()); }
  Access Of(DomainId id) const { return At(domains, id.value()); }
  Access Of(PcieControllerId id) const {
    return opt_ins.Has(id) ? Access::kExclusive : Access::kNone;
  }

 private:
  static Access At(const std::vector<Access>& table, uint32_t id) {
    return id < table.size() ? table[id] : Access::kNone;
  }
};

struct Pin {
  Resource resource;
  std::optional<int64_t> rate_hz;
};

struct Policy {
  std::vector<VmPolicy> vms;                               // in the order of the specification
  absl::flat_hash_map<ClockId, RatePolicy> rate_policies;  // kOwner where absent
  absl::flat_hash_set<ResetId> shared_resets;
  std::vector<Pin> pins;

  RatePolicy RatePolicyOf(ClockId clock) const {
    const auto it = rate_policies.find(clock);
    return it == rate_policies.end() ? RatePolicy::kOwner : it->second;
  }
};

// Something worth saying about a policy that is accepted all the same.
struct Note {
  Where where;
  std::string text;
};

// Checks a whole specification and resolves it against the board and the firmware, which has been
// through Sanitize(). Fails with InvalidArgument and one line per problem ("broker.yaml:12: vm
// net-vm: no device 'mgbe9'; ..."): unknown names and ids, two VMs exclusive on one id, a reset of
// two VMs that is not `shared`, a second `all_exclusive` VM, a second rule, pin or range for one
// id, a device twice in one entry. `notes` gets what is allowed but must be said, and may be null.
// Both are bounded (Findings).
absl::StatusOr<Policy> Compile(const PolicySpec& spec, const Profile& profile,
                               const Inventory& inventory, std::vector<Note>* notes);

}  // namespace bpmp::core

#endif  // BROKER_CORE_POLICY_H_
