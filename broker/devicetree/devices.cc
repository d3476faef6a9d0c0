// SPDX-License-Identifier: Apache-2.0
#include "broker/devicetree/devices.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"

namespace bpmp::devicetree {
namespace {

template <typename Id>
std::vector<Id> EachOnce(const std::vector<Provided<Id>>& provided) {
  std::vector<Id> ids;
  absl::flat_hash_set<Id> seen;
  for (const Provided<Id>& one : provided) {
    if (seen.insert(one.id).second) ids.push_back(one.id);
  }
  return ids;
}

}  // namespace

absl::StatusOr<TreeDevice> DeviceOf(const Tree& tree, const Node& bpmp, const Node& node) {
  TreeDevice device;
  BPMP_ASSIGN_OR_RETURN(device.use, UseOf(tree, bpmp, node));
  if (device.use.empty()) {
    return absl::NotFoundError(absl::StrCat(tree.origin(), ": ", node.Path(),
                                            ": uses no clock, reset or power domain of the BPMP"));
  }
  device.node = &node;
  device.names = tree.NamesOf(node);
  if (device.names.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(tree.origin(), ": ", node.Path(), ": has no name of its own"));
  }
  device.clocks = EachOnce(device.use.clocks);
  device.resets = EachOnce(device.use.resets);
  device.power_domains = EachOnce(device.use.power_domains);
  return device;
}

std::vector<TreeDevice> DevicesOf(const Tree& tree, const Node& bpmp,
                                  std::vector<std::string>* problems) {
  std::vector<TreeDevice> devices;
  for (const Node& node : tree.nodes()) {
    absl::StatusOr<TreeDevice> device = DeviceOf(tree, bpmp, node);
    if (device.ok()) {
      devices.push_back(*std::move(device));
    } else if (!absl::IsNotFound(device.status())) {
      problems->emplace_back(device.status().message());
    }
  }
  return devices;
}

}  // namespace bpmp::devicetree
