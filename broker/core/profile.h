// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_PROFILE_H_
#define BROKER_CORE_PROFILE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "broker/base/ids.h"

namespace bpmp::core {

// One device of a board: what its device-tree node references. `names` are all the ways to write it
// ("uarta", "serial@3100000", "/bus@0/serial@3100000").
struct Device {
  std::vector<std::string> names;  // never empty; the first is the one shown
  std::vector<ClockId> clocks;
  std::vector<ResetId> resets;
  std::vector<DomainId> domains;
  // Clocks that the device's users need but that serve others too: given with `vote`, whoever lists
  // them.
  std::vector<ClockId> shared_clocks;

  const std::string& name() const { return names.front(); }
  friend bool operator==(const Device&, const Device&) = default;
};

// A SoC or board: its devices, and names for what the firmware doesn't name. Immutable once built.
class Profile {
 public:
  Profile() = default;
  Profile(std::string name, std::vector<Device> devices,
          absl::flat_hash_map<std::string, ResetId> resets);

  const std::string& name() const { return name_; }
  const std::vector<Device>& devices() const { return devices_; }

  // nullptr when the board has no such device.
  const Device* FindDevice(std::string_view name) const;
  // How many devices of the board reference the id. One: whoever has the device has it alone.
  int UsersOf(ClockId clock) const;
  int UsersOf(DomainId domain) const;

  // "uarta" for reset 100; "reset 100" when the profile has no name for it.
  std::string NameOf(ResetId reset) const;
  // Returns false when no reset has that name.
  bool FindReset(std::string_view name, ResetId* reset) const;

  friend bool operator==(const Profile&, const Profile&) = default;

 private:
  std::string name_;
  std::vector<Device> devices_;
  absl::flat_hash_map<std::string, ResetId> resets_by_name_;
  absl::flat_hash_map<ResetId, std::string> reset_names_;
  absl::flat_hash_map<std::string, size_t> device_index_;
  absl::flat_hash_map<ClockId, int> clock_users_;
  absl::flat_hash_map<DomainId, int> domain_users_;
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_PROFILE_H_
