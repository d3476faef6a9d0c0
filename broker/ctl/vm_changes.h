// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_VM_CHANGES_H_
#define BROKER_CTL_VM_CHANGES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bpmp/v1/config.pb.h"

namespace bpmp::ctl {

// `vm update` as written: what is added to a VM's entry, and what is taken from it.
struct VmChanges {
  std::vector<std::string> devices;
  std::vector<std::string> clocks;  // NAME=ACCESS, as the next two
  std::vector<std::string> resets;
  std::vector<std::string> domains;
  std::vector<std::string> without_devices;
  std::vector<std::string> without_clocks;
  std::vector<std::string> without_resets;
  std::vector<std::string> without_domains;
  std::vector<uint32_t> thermal_zones;
  std::vector<uint32_t> without_thermal_zones;
  std::vector<uint32_t> pcie_controllers;
  std::vector<uint32_t> without_pcie_controllers;
  bool emc_latency = false;
  bool no_emc_latency = false;
  bool audit_only = false;
  bool no_audit_only = false;
  bool hide_ids = false;
  bool show_ids = false;

  bool empty() const;
};

// The entry with the changes made: what it has already is not added again, a grant of the same name
// gets the new access. InvalidArgument where an entry is malformed, or isn't there to be taken.
absl::StatusOr<v1::VmConfig> ChangeVmConfig(v1::VmConfig config, const VmChanges& changes);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_VM_CHANGES_H_
