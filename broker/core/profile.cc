// SPDX-License-Identifier: Apache-2.0
#include "broker/core/profile.h"

#include <string>
#include <utility>
#include <vector>

#include "broker/base/string_view.h"

namespace bpmp::core {
namespace {

template <typename Id>
int Count(const absl::flat_hash_map<Id, int>& users, Id id) {
  const auto it = users.find(id);
  return it == users.end() ? 0 : it->second;
}

}  // namespace

Profile::Profile(std::string name, std::vector<Device> devices,
                 absl::flat_hash_map<std::string, ResetId> resets)
    : name_(std::move(name)), devices_(std::move(devices)), resets_by_name_(std::move(resets)) {
  for (const auto& [reset_name, reset] : resets_by_name_) {
    // Of several names for one id, the first in the alphabet is shown, whatever the map's order.
    std::string& shown = reset_names_[reset];
    if (shown.empty() || reset_name < shown) shown = reset_name;
  }
  for (size_t i = 0; i < devices_.size(); ++i) {
    for (const std::string& device_name : devices_[i].names) device_index_[device_name] = i;
    for (const ClockId clock : devices_[i].clocks) ++clock_users_[clock];
    for (const ClockId clock : devices_[i].shared_clocks) clock_users_[clock] += 2;
    for (const DomainId domain : devices_[i].domains) ++domain_users_[domain];
  }
}

const Device* Profile::FindDevice(std::string_view name) const {
  const auto it = device_index_.find(ToAbsl(name));
  return it == device_index_.end() ? nullptr : &devices_[it->second];
}

int Profile::UsersOf(ClockId clock) const { return Count(clock_users_, clock); }
int Profile::UsersOf(DomainId domain) const { return Count(domain_users_, domain); }

std::string Profile::NameOf(ResetId reset) const {
  const auto it = reset_names_.find(reset);
  return it == reset_names_.end() ? ToString(reset) : it->second;
}

bool Profile::FindReset(std::string_view name, ResetId* reset) const {
  const auto it = resets_by_name_.find(ToAbsl(name));
  if (it == resets_by_name_.end()) return false;
  *reset = it->second;
  return true;
}

}  // namespace bpmp::core
