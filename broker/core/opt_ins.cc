// SPDX-License-Identifier: Apache-2.0
#include "broker/core/opt_ins.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace bpmp::core {
namespace {

template <typename Id>
std::string Numbers(const std::vector<Id>& ids) {
  return absl::StrJoin(ids, ", ",
                       [](std::string* out, Id id) { absl::StrAppend(out, id.value()); });
}

// "thermal zone 8", "thermal zones 0, 8".
std::string Zones(const std::vector<ThermalZoneId>& zones) {
  return absl::StrCat("thermal zone", zones.size() == 1 ? " " : "s ", Numbers(zones));
}

// The numbers of one field, ascending.
template <typename Id>
std::vector<Id> Resolve(const VmSpec& spec, const std::vector<NumberGrant>& grants, uint32_t max,
                        Findings* findings) {
  std::vector<Id> ids;
  for (const NumberGrant& grant : grants) {
    const std::string who = absl::StrCat(ToString(grant.where), "vm ", spec.name, ": ");
    const Id id(grant.number);
    if (grant.number > max) {
      findings->Problem(absl::StrFormat("%sthere is no %s %d; the highest is %d", who, Id::kName,
                                        grant.number, max));
    } else if (std::find(ids.begin(), ids.end(), id) != ids.end()) {
      findings->Problem(absl::StrFormat("%s%s %d is written twice", who, Id::kName, grant.number));
    } else {
      ids.push_back(id);
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<ThermalZoneId> Without(const std::vector<ThermalZoneId>& zones,
                                   const std::vector<ThermalZoneId>& others) {
  std::vector<ThermalZoneId> left;
  std::set_difference(zones.begin(), zones.end(), others.begin(), others.end(),
                      std::back_inserter(left));
  return left;
}

Where WhereOf(const VmSpec& spec, PcieControllerId controller) {
  for (const NumberGrant& grant : spec.pcie_controllers) {
    if (grant.number == controller.value()) return grant.where;
  }
  return spec.where;
}

}  // namespace

OptIns CompileOptIns(const VmSpec& spec, Findings* findings) {
  OptIns opt_ins;
  opt_ins.thermal_zones =
      Resolve<ThermalZoneId>(spec, spec.thermal_zones, kMaxThermalZoneId, findings);
  opt_ins.pcie_controllers =
      Resolve<PcieControllerId>(spec, spec.pcie_controllers, kMaxPcieControllerId, findings);
  opt_ins.emc_latency = spec.emc_latency;
  for (const PcieControllerId controller : opt_ins.pcie_controllers) {
    findings->Say(WhereOf(spec, controller),
                  absl::StrFormat("vm %s: it switches the whole PCIe controller %d on and off: "
                                  "the host must use nothing behind it",
                                  spec.name, controller.value()));
  }
  return opt_ins;
}

void CheckPcieOwners(const PolicySpec& spec, const Policy& policy, Findings* findings) {
  for (size_t b = 0; b < policy.vms.size(); ++b) {
    for (const PcieControllerId controller : policy.vms[b].opt_ins.pcie_controllers) {
      for (size_t a = 0; a < b; ++a) {
        if (!policy.vms[a].opt_ins.Has(controller)) continue;
        findings->Problem(
            absl::StrFormat("%svm %s: vm %s has PCIe controller %d too; only one VM can",
                            ToString(WhereOf(spec.vms[b], controller)), policy.vms[b].name,
                            policy.vms[a].name, controller.value()));
        break;
      }
    }
  }
}

std::vector<std::string> CompareOptIns(const OptIns& before, const OptIns& after) {
  std::vector<std::string> lines;
  const std::vector<ThermalZoneId> gained = Without(after.thermal_zones, before.thermal_zones);
  const std::vector<ThermalZoneId> lost = Without(before.thermal_zones, after.thermal_zones);
  if (!gained.empty()) lines.push_back(absl::StrCat("may read ", Zones(gained)));
  if (!lost.empty()) lines.push_back(absl::StrCat("may no longer read ", Zones(lost)));
  if (before.emc_latency != after.emc_latency) {
    lines.emplace_back(after.emc_latency ? "may read the latencies of the memory"
                                         : "may no longer read the latencies of the memory");
  }
  return lines;
}

}  // namespace bpmp::core
