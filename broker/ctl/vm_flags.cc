// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/vm_flags.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/json.h"
#include "broker/ctl/style.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {
namespace {

using Grants = google::protobuf::RepeatedPtrField<v1::ResourceGrantConfig>;

bool IsFile(const std::string& name) {
  return name == "-" || absl::StrContains(name, '/') || absl::EndsWith(name, ".json");
}

absl::Status AddGrants(const std::vector<std::string>& entries, Grants* grants) {
  for (const std::string& entry : entries) {
    BPMP_ASSIGN_OR_RETURN(*grants->Add(), ParseGrant(entry));
  }
  return absl::OkStatus();
}

void ApplySocketFlags(const VmFlags& flags, v1::VmConfig* config) {
  if (!flags.socket.empty()) {
    config->set_socket(flags.socket);
  }
  if (!flags.owner.empty()) {
    config->set_owner(flags.owner);
  }
  if (!flags.group.empty()) {
    config->set_group(flags.group);
  }
  if (!flags.mode.empty()) {
    config->set_mode(flags.mode);
  }
  if (!flags.peer_user.empty()) {
    config->mutable_peer()->set_user(flags.peer_user);
  }
  if (!flags.peer_unit.empty()) {
    config->mutable_peer()->set_unit(flags.peer_unit);
  }
}

}  // namespace

absl::StatusOr<std::string> FileOf(const VmFlags& flags) {
  if (!IsFile(flags.name)) {
    return flags.file;
  }
  if (!flags.file.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("two files: ", Quoted(flags.name), " and ", Quoted(flags.file)));
  }
  return flags.name;
}

absl::StatusOr<v1::ResourceGrantConfig> ParseGrant(const std::string& entry) {
  const size_t equals = entry.rfind('=');
  if (equals == std::string::npos || equals == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(entry), " grants nothing; write NAME=ACCESS, e.g. uarta=vote"));
  }
  v1::ResourceGrantConfig grant;
  BPMP_ASSIGN_OR_RETURN(const v1::Access access,
                        ParseAccess(std::string_view(entry).substr(equals + 1)));
  grant.set_name(entry.substr(0, equals));
  grant.set_access(access);
  return grant;
}

absl::StatusOr<v1::VmConfig> MakeVmConfig(const VmFlags& flags, std::string_view json) {
  v1::VmConfig config;
  if (!json.empty()) {
    BPMP_RETURN_IF_ERROR(FromJson(json, &config));
  }
  if (!flags.name.empty() && !IsFile(flags.name)) {
    config.set_name(flags.name);
  }
  if (config.name().empty()) {
    return absl::InvalidArgumentError(
        "the VM has no name; write e.g.: bpmpctl vm add gpu-vm --device gpu");
  }
  for (const std::string& device : flags.devices) {
    config.add_devices()->set_device(device);
  }
  BPMP_RETURN_IF_ERROR(AddGrants(flags.clocks, config.mutable_clocks()));
  BPMP_RETURN_IF_ERROR(AddGrants(flags.resets, config.mutable_resets()));
  BPMP_RETURN_IF_ERROR(AddGrants(flags.domains, config.mutable_power_domains()));
  for (const uint32_t zone : flags.thermal_zones) config.mutable_thermal()->add_zones(zone);
  for (const uint32_t controller : flags.pcie_controllers) {
    config.add_pcie_controllers(controller);
  }
  if (flags.emc_latency) {
    config.set_emc_latency(true);
  }
  ApplySocketFlags(flags, &config);
  if (flags.all_exclusive) {
    config.set_all(v1::ACCESS_EXCLUSIVE);
  }
  if (flags.audit_only) {
    config.set_audit_only(true);
  }
  if (flags.hide_ids) {
    config.set_ids(v1::VmConfig::HIDDEN);
  }
  return config;
}

}  // namespace bpmp::ctl
