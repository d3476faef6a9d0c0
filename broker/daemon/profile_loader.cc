// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/profile_loader.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "broker/base/read_file.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/core/inventory.h"
#include "broker/daemon/source_map.h"
#include "broker/daemon/yaml_proto.h"

namespace bpmp::daemon {
namespace {

using Ids = google::protobuf::RepeatedField<uint32_t>;

bool IsNumber(std::string_view name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
}

class Checker {
 public:
  explicit Checker(const SourceMap& sources) : sources_(sources) {}

  absl::Status Run(const v1::DeviceProfile& profile) {
    if (profile.name().empty()) Problem(sources_.Prefix(profile), "a profile needs a 'name'");
    for (const v1::ProfileDevice& device : profile.devices()) CheckDevice(device);
    for (const v1::ProfileReset& reset : profile.resets()) CheckReset(reset);
    if (problems_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrJoin(problems_, "\n"));
  }

 private:
  void Problem(const std::string& prefix, const std::string& what) {
    problems_.push_back(prefix + what);
  }

  void CheckDevice(const v1::ProfileDevice& device) {
    if (device.names().empty()) Problem(sources_.Prefix(device), "a device needs 'names'");
    for (int i = 0; i < device.names_size(); ++i) {
      const std::string& name = device.names(i);
      const std::string prefix = sources_.Prefix(device, "names", i);
      if (!IsDeviceName(name)) {
        Problem(prefix, absl::StrFormat("'%s' is no name of a device", name));
      } else if (!device_names_.insert(name).second) {
        Problem(prefix, absl::StrFormat("'%s' names a second device", name));
      }
    }
    // One set for both lists: a clock is either the device's own or shared.
    absl::flat_hash_set<uint32_t> clocks;
    CheckIds(device, "clocks", device.clocks(), core::kMaxClockId, &clocks);
    CheckIds(device, "shared_clocks", device.shared_clocks(), core::kMaxClockId, &clocks);
    absl::flat_hash_set<uint32_t> resets;
    CheckIds(device, "resets", device.resets(), core::kMaxResetId, &resets);
    absl::flat_hash_set<uint32_t> domains;
    CheckIds(device, "power_domains", device.power_domains(), core::kMaxDomainId, &domains);
    if (!device.names().empty() && device.clocks().empty() && device.shared_clocks().empty() &&
        device.resets().empty() && device.power_domains().empty()) {
      Problem(sources_.Prefix(device),
              absl::StrFormat("device '%s' has no clock, reset or power domain", device.names(0)));
    }
  }

  void CheckIds(const v1::ProfileDevice& device, std::string_view field, const Ids& ids,
                uint32_t max, absl::flat_hash_set<uint32_t>* seen) {
    for (int i = 0; i < ids.size(); ++i) {
      const std::string prefix = sources_.Prefix(device, field, i);
      if (ids[i] > max) {
        Problem(prefix, absl::StrFormat("%s: id %d is over %d", ToAbsl(field), ids[i], max));
      } else if (!seen->insert(ids[i]).second) {
        Problem(prefix, absl::StrFormat("%s: id %d is listed twice", ToAbsl(field), ids[i]));
      }
    }
  }

  void CheckReset(const v1::ProfileReset& reset) {
    const std::string prefix = sources_.Prefix(reset);
    if (!IsDeviceName(reset.name()) || IsNumber(reset.name())) {
      Problem(prefix, absl::StrFormat("'%s' is no name of a reset", reset.name()));
    } else if (!reset_names_.insert(reset.name()).second) {
      Problem(prefix, absl::StrFormat("'%s' names a second reset", reset.name()));
    }
    if (reset.id() > core::kMaxResetId) {
      Problem(prefix, absl::StrFormat("reset id %d is over %d", reset.id(), core::kMaxResetId));
    }
  }

  const SourceMap& sources_;
  absl::flat_hash_set<std::string> device_names_;
  absl::flat_hash_set<std::string> reset_names_;
  std::vector<std::string> problems_;
};

template <typename Id>
std::vector<Id> ToIds(const Ids& ids) {
  std::vector<Id> result;
  for (const uint32_t id : ids) result.push_back(Id(id));
  return result;
}

core::Device ToDevice(const v1::ProfileDevice& device) {
  core::Device result;
  result.names.assign(device.names().begin(), device.names().end());
  result.clocks = ToIds<ClockId>(device.clocks());
  result.resets = ToIds<ResetId>(device.resets());
  result.domains = ToIds<DomainId>(device.power_domains());
  result.shared_clocks = ToIds<ClockId>(device.shared_clocks());
  return result;
}

// The profiles' devices, each once.
class Merger {
 public:
  void Add(const v1::DeviceProfile& profile) {
    for (const v1::ProfileDevice& device : profile.devices()) AddDevice(device);
  }
  std::vector<core::Device> Take() { return std::move(devices_); }

 private:
  void AddDevice(const v1::ProfileDevice& device) {
    std::optional<size_t> known;
    for (const std::string& name : device.names()) {
      if (const auto it = index_.find(name); it != index_.end() && !known) known = it->second;
    }
    if (!known) {
      known = devices_.size();
      devices_.push_back(ToDevice(device));
    } else {
      for (const std::string& name : device.names()) {
        if (!index_.contains(name)) devices_[*known].names.push_back(name);
      }
    }
    for (const std::string& name : device.names()) index_.try_emplace(name, *known);
  }

  std::vector<core::Device> devices_;
  absl::flat_hash_map<std::string, size_t> index_;
};

}  // namespace

bool IsDeviceName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view(",._+-@/").find(c) != std::string_view::npos;
  });
}

absl::StatusOr<v1::DeviceProfile> ParseProfile(std::string_view text, std::string_view file) {
  v1::DeviceProfile profile;
  SourceMap sources;
  BPMP_RETURN_IF_ERROR(LoadYaml(text, file, &profile, &sources));
  BPMP_RETURN_IF_ERROR(Checker(sources).Run(profile));
  return profile;
}

core::Profile MergeProfiles(const std::vector<v1::DeviceProfile>& profiles) {
  Merger devices;
  std::vector<std::string> names;
  absl::flat_hash_map<std::string, ResetId> resets;
  absl::flat_hash_set<uint32_t> named;  // by earlier profiles
  for (const v1::DeviceProfile& profile : profiles) {
    names.push_back(profile.name());
    devices.Add(profile);
    absl::flat_hash_set<uint32_t> ids;
    for (const v1::ProfileReset& reset : profile.resets()) {
      if (!named.contains(reset.id())) resets.try_emplace(reset.name(), ResetId(reset.id()));
      ids.insert(reset.id());
    }
    named.insert(ids.begin(), ids.end());
  }
  return core::Profile(absl::StrJoin(names, "+"), devices.Take(), std::move(resets));
}

absl::StatusOr<std::vector<v1::DeviceProfile>> ReadProfiles(const std::vector<std::string>& files) {
  std::vector<v1::DeviceProfile> profiles;
  for (const std::string& file : files) {
    BPMP_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxYamlBytes));
    BPMP_ASSIGN_OR_RETURN(v1::DeviceProfile profile, ParseProfile(text, file));
    profiles.push_back(std::move(profile));
  }
  return profiles;
}

absl::StatusOr<v1::DeviceProfile> BuiltInProfile() {
  return ParseProfile(kTegra234Profile, "tegra234.yaml (built in)");
}

absl::StatusOr<core::Profile> LoadProfiles(const std::vector<std::string>& files) {
  BPMP_ASSIGN_OR_RETURN(std::vector<v1::DeviceProfile> profiles, ReadProfiles(files));
  BPMP_ASSIGN_OR_RETURN(v1::DeviceProfile builtin, BuiltInProfile());
  profiles.push_back(std::move(builtin));
  return MergeProfiles(profiles);
}

}  // namespace bpmp::daemon
