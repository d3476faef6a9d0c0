// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_HOST_TREE_H_
#define BROKER_CTL_HOST_TREE_H_

#include <string>

#include "absl/status/statusor.h"
#include "broker/devicetree/tree.h"

namespace bpmp::ctl {

// A host's device tree and the BPMP in it.
struct HostTree {
  devicetree::Tree tree;
  const devicetree::Node* bpmp;
};

// Reads one from a file. InvalidArgument when there is none, or one that can't be used.
absl::StatusOr<HostTree> ReadHostTree(const std::string& path);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_HOST_TREE_H_
