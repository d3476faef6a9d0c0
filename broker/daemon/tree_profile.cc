// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/tree_profile.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/core/inventory.h"
#include "broker/daemon/profile_loader.h"

namespace bpmp::daemon {
namespace {

using devicetree::TreeDevice;

// A path or a node's name, which mean one place of the hardware.
bool IsOfNode(const TreeDevice& device, const std::string& name) {
  return name[0] == '/' || name == device.node->name;
}

template <typename Id>
bool Fits(const std::vector<Id>& ids, uint32_t max) {
  return std::all_of(ids.begin(), ids.end(), [max](Id id) { return id.value() <= max; });
}

bool Fits(const TreeDevice& device) {
  return Fits(device.clocks, core::kMaxClockId) && Fits(device.resets, core::kMaxResetId) &&
         Fits(device.power_domains, core::kMaxDomainId);
}

template <typename Id>
void Fill(const std::vector<Id>& ids, google::protobuf::RepeatedField<uint32_t>* field) {
  for (const Id id : ids) field->Add(id.value());
}

template <typename Id>
bool Has(const std::vector<Id>& ids, Id id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// Those of `ids` that are in neither of the others.
template <typename Id>
void AddOnly(const std::vector<Id>& ids, const std::vector<Id>& other, const std::vector<Id>& more,
             std::vector<std::string>* texts) {
  for (const Id id : ids) {
    if (!Has(other, id) && !Has(more, id)) texts->push_back(ToString(id));
  }
}

}  // namespace

const core::Device* Counterpart(const core::Profile& profile, const TreeDevice& device) {
  for (const std::string& name : device.names) {
    if (!IsOfNode(device, name)) continue;
    if (const core::Device* const found = profile.FindDevice(name)) return found;
  }
  return nullptr;
}

v1::DeviceProfile TreeProfile(const devicetree::Tree& tree, const core::Profile& profile,
                              const std::vector<TreeDevice>& devices,
                              std::vector<std::string>* problems) {
  v1::DeviceProfile result;
  result.set_name(tree.origin());
  for (const TreeDevice& device : devices) {
    if (!Fits(device)) {
      problems->push_back(absl::StrCat(tree.origin(), ": ", device.node->Path(),
                                       ": has ids that no board has; the node is left out"));
      continue;
    }
    v1::ProfileDevice one;
    for (const std::string& name : device.names) {
      const bool is_free = profile.FindDevice(name) == nullptr;
      if (IsDeviceName(name) && (is_free || IsOfNode(device, name))) one.add_names(name);
    }
    if (one.names().empty()) continue;
    Fill(device.clocks, one.mutable_clocks());
    Fill(device.resets, one.mutable_resets());
    Fill(device.power_domains, one.mutable_power_domains());
    *result.add_devices() = std::move(one);
  }
  return result;
}

Drift Compare(const core::Device& profile, const TreeDevice& tree) {
  std::vector<std::string> missing;
  AddOnly(tree.clocks, profile.clocks, profile.shared_clocks, &missing);
  AddOnly(tree.resets, profile.resets, {}, &missing);
  AddOnly(tree.power_domains, profile.domains, {}, &missing);
  std::vector<std::string> surplus;
  AddOnly(profile.clocks, tree.clocks, {}, &surplus);
  AddOnly(profile.resets, tree.resets, {}, &surplus);
  AddOnly(profile.domains, tree.power_domains, {}, &surplus);
  return {absl::StrJoin(missing, ", "), absl::StrJoin(surplus, ", ")};
}

}  // namespace bpmp::daemon
