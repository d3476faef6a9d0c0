// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_NAMES_H_
#define BROKER_CORE_NAMES_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "broker/base/ids.h"
#include "broker/core/inventory.h"
#include "broker/core/profile.h"
#include "broker/core/resource.h"

namespace bpmp::core {

// Names to ids and back, for what people write and read. Clocks and power domains are named by the
// firmware, resets by the profile; a decimal id is understood everywhere.
class Names {
 public:
  // Both outlive this object.
  Names(const Inventory& inventory, const Profile& profile);

  // Absent when nothing existing has that name or id.
  std::optional<ClockId> FindClock(std::string_view name_or_id) const;
  std::optional<ResetId> FindReset(std::string_view name_or_id) const;
  std::optional<DomainId> FindDomain(std::string_view name_or_id) const;
  // These have no names.
  std::optional<PcieControllerId> FindPcieController(std::string_view number) const;
  std::optional<Resource> Find(ResourceKind kind, std::string_view name_or_id) const;

  // "uarta"; "clock 13" where the firmware has no name.
  std::string NameOf(Resource resource) const;

  // "no clock 'uartb'; did you mean 'uarta'?"
  std::string Unknown(ResourceKind kind, std::string_view name) const;

 private:
  // Every name of a kind, in the order of the ids.
  std::vector<std::string> All(ResourceKind kind) const;

  const Inventory& inventory_;
  const Profile& profile_;
  absl::flat_hash_map<std::string, ClockId> clocks_;
  absl::flat_hash_map<std::string, DomainId> domains_;
};

// "clock", "power domain", "reset", "PCIe controller".
std::string_view KindName(ResourceKind kind);

}  // namespace bpmp::core

#endif  // BROKER_CORE_NAMES_H_
