// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/vm_changes.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/style.h"
#include "broker/ctl/vm_flags.h"

namespace bpmp::ctl {
namespace {

using Devices = google::protobuf::RepeatedPtrField<v1::DeviceGrantConfig>;
using Grants = google::protobuf::RepeatedPtrField<v1::ResourceGrantConfig>;
using Numbers = google::protobuf::RepeatedField<uint32_t>;

// What an entry of a list is known by.
const std::string& KeyOf(const v1::DeviceGrantConfig& grant) { return grant.device(); }
const std::string& KeyOf(const v1::ResourceGrantConfig& grant) { return grant.name(); }
uint32_t KeyOf(uint32_t number) { return number; }

std::string Shown(const std::string& name) { return Quoted(name); }
std::string Shown(uint32_t number) { return absl::StrCat(number); }

template <typename List, typename Key>
auto Find(List* list, const Key& key) {
  return std::find_if(list->begin(), list->end(),
                      [&](const auto& entry) { return KeyOf(entry) == key; });
}

template <typename List, typename Key>
absl::Status Take(const char* what, const std::vector<Key>& keys, List* list) {
  for (const Key& key : keys) {
    const auto found = Find(list, key);
    if (found == list->end()) {
      const std::string there = absl::StrJoin(*list, ", ", [](std::string* out, const auto& entry) {
        absl::StrAppend(out, KeyOf(entry));
      });
      return absl::InvalidArgumentError(absl::StrCat("the VM's entry has no ", what, " ",
                                                     Shown(key), "; it has ",
                                                     there.empty() ? "none" : there));
    }
    list->erase(found);
  }
  return absl::OkStatus();
}

void Add(const std::vector<uint32_t>& numbers, Numbers* list) {
  for (const uint32_t number : numbers) {
    if (Find(list, number) == list->end()) list->Add(number);
  }
}

absl::Status ChangeOptIns(const VmChanges& changes, v1::VmConfig* config) {
  if (!changes.thermal_zones.empty() || !changes.without_thermal_zones.empty()) {
    Numbers* const zones = config->mutable_thermal()->mutable_zones();
    BPMP_RETURN_IF_ERROR(Take("thermal zone", changes.without_thermal_zones, zones));
    Add(changes.thermal_zones, zones);
    // An entry without zones is refused.
    if (zones->empty()) config->clear_thermal();
  }
  BPMP_RETURN_IF_ERROR(Take("PCIe controller", changes.without_pcie_controllers,
                            config->mutable_pcie_controllers()));
  Add(changes.pcie_controllers, config->mutable_pcie_controllers());
  if (changes.emc_latency || changes.no_emc_latency) {
    config->set_emc_latency(changes.emc_latency);
  }
  return absl::OkStatus();
}

void Add(const std::vector<std::string>& names, Devices* devices) {
  for (const std::string& name : names) {
    if (Find(devices, name) == devices->end()) {
      devices->Add()->set_device(name);
    }
  }
}

absl::Status Add(const std::vector<std::string>& entries, Grants* grants) {
  for (const std::string& entry : entries) {
    BPMP_ASSIGN_OR_RETURN(const v1::ResourceGrantConfig grant, ParseGrant(entry));
    const auto found = Find(grants, grant.name());
    if (found == grants->end()) {
      *grants->Add() = grant;
    } else {
      *found = grant;
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool VmChanges::empty() const {
  const bool adds = !devices.empty() || !clocks.empty() || !resets.empty() || !domains.empty();
  const bool takes = !without_devices.empty() || !without_clocks.empty() ||
                     !without_resets.empty() || !without_domains.empty();
  const bool opts_in = !thermal_zones.empty() || !without_thermal_zones.empty() ||
                       !pcie_controllers.empty() || !without_pcie_controllers.empty() ||
                       emc_latency || no_emc_latency;
  return !adds && !takes && !opts_in && !audit_only && !no_audit_only && !hide_ids && !show_ids;
}

absl::StatusOr<v1::VmConfig> ChangeVmConfig(v1::VmConfig config, const VmChanges& changes) {
  BPMP_RETURN_IF_ERROR(Take("device", changes.without_devices, config.mutable_devices()));
  BPMP_RETURN_IF_ERROR(Take("clock", changes.without_clocks, config.mutable_clocks()));
  BPMP_RETURN_IF_ERROR(Take("reset", changes.without_resets, config.mutable_resets()));
  BPMP_RETURN_IF_ERROR(
      Take("power domain", changes.without_domains, config.mutable_power_domains()));
  Add(changes.devices, config.mutable_devices());
  BPMP_RETURN_IF_ERROR(Add(changes.clocks, config.mutable_clocks()));
  BPMP_RETURN_IF_ERROR(Add(changes.resets, config.mutable_resets()));
  BPMP_RETURN_IF_ERROR(Add(changes.domains, config.mutable_power_domains()));
  BPMP_RETURN_IF_ERROR(ChangeOptIns(changes, &config));
  if (changes.audit_only || changes.no_audit_only) {
    config.set_audit_only(changes.audit_only);
  }
  if (changes.hide_ids || changes.show_ids) {
    config.set_ids(changes.hide_ids ? v1::VmConfig::HIDDEN : v1::VmConfig::SHOWN);
  }
  return config;
}

}  // namespace bpmp::ctl
