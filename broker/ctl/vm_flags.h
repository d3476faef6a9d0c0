// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_VM_FLAGS_H_
#define BROKER_CTL_VM_FLAGS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "bpmp/v1/config.pb.h"

namespace bpmp::ctl {

// `vm add` as written. Lists of NAME=ACCESS for single resources.
struct VmFlags {
  std::string name;  // or a file: see FileOf
  std::string file;  // --json
  std::vector<std::string> devices;
  std::vector<std::string> clocks;
  std::vector<std::string> resets;
  std::vector<std::string> domains;
  std::vector<uint32_t> thermal_zones;
  std::vector<uint32_t> pcie_controllers;
  bool emc_latency = false;
  std::string socket;
  std::string owner;
  std::string group;
  std::string mode;
  std::string peer_user;
  std::string peer_unit;
  bool all_exclusive = false;
  bool hide_ids = false;
  bool audit_only = false;
};

// The file to read first, "-" for standard input, or empty: --json, or a NAME that is "-", has a
// slash or ends in ".json". InvalidArgument where both name a file.
absl::StatusOr<std::string> FileOf(const VmFlags& flags);

// "uarta=vote". InvalidArgument where it is malformed.
absl::StatusOr<v1::ResourceGrantConfig> ParseGrant(const std::string& entry);

// The configuration that `json` (may be empty) and the flags give together; flags win over single
// values and add to lists. InvalidArgument where there is no name or an entry is malformed; all
// else is the broker's to check.
absl::StatusOr<v1::VmConfig> MakeVmConfig(const VmFlags& flags, std::string_view json);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_VM_FLAGS_H_
