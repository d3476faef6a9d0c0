// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_PROFILE_LOADER_H_
#define BROKER_DAEMON_PROFILE_LOADER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "bpmp/v1/profile.pb.h"
#include "broker/core/profile.h"

namespace bpmp::daemon {

// deploy/profiles/tegra234.yaml, as it was when the broker was built.
extern const std::string_view kTegra234Profile;

// What a device-tree path and a friendly name are made of: letters, digits and ",._+-@/".
bool IsDeviceName(std::string_view name);

// Parses and checks one profile. InvalidArgument has one line for each problem, with its place.
absl::StatusOr<v1::DeviceProfile> ParseProfile(std::string_view text, std::string_view file);

// ParseProfile() of files, in their order.
absl::StatusOr<std::vector<v1::DeviceProfile>> ReadProfiles(const std::vector<std::string>& files);
absl::StatusOr<v1::DeviceProfile> BuiltInProfile();

// Several profiles as one, those that come first before the others. A device that shares a name
// with one of an earlier profile is the same device: it is described by the earlier profile alone,
// and goes by the names of both. REQUIRES: each profile has been through ParseProfile().
core::Profile MergeProfiles(const std::vector<v1::DeviceProfile>& profiles);

// ReadProfiles(), then the built-in one, merged.
absl::StatusOr<core::Profile> LoadProfiles(const std::vector<std::string>& files);

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_PROFILE_LOADER_H_
