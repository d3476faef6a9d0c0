// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DEVICETREE_DEVICES_H_
#define BROKER_DEVICETREE_DEVICES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/base/ids.h"
#include "broker/devicetree/bpmp_use.h"
#include "broker/devicetree/tree.h"

namespace bpmp::devicetree {

// A node that uses the BPMP, as a device that a VM can be given. Lives as long as its tree.
struct TreeDevice {
  const Node* node = nullptr;
  std::vector<std::string> names;  // as Tree::NamesOf; never empty
  // Of the node, each once.
  std::vector<ClockId> clocks;
  std::vector<ResetId> resets;
  std::vector<DomainId> power_domains;
  BpmpUse use;  // the same, as the node has it
};

// NotFound when the node uses nothing of the BPMP; InvalidArgument when that can't be read.
absl::StatusOr<TreeDevice> DeviceOf(const Tree& tree, const Node& bpmp, const Node& node);

// All of them, in the order of the tree, disabled ones too: what a node lists it may turn on.
// `problems` gets a line for each node that can't be read.
std::vector<TreeDevice> DevicesOf(const Tree& tree, const Node& bpmp,
                                  std::vector<std::string>* problems);

}  // namespace bpmp::devicetree

#endif  // BROKER_DEVICETREE_DEVICES_H_
