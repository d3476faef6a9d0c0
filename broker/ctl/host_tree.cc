// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/host_tree.h"

#include <utility>

#include "broker/devicetree/bpmp_use.h"

namespace bpmp::ctl {

absl::StatusOr<HostTree> ReadHostTree(const std::string& path) {
  absl::StatusOr<devicetree::Tree> tree = devicetree::Tree::Read(path);
  if (!tree.ok()) {
    return absl::InvalidArgumentError(tree.status().message());
  }
  const absl::StatusOr<const devicetree::Node*> bpmp = FindBpmp(*tree);
  if (!bpmp.ok()) {
    return absl::InvalidArgumentError(bpmp.status().message());
  }
  return HostTree{*std::move(tree), *bpmp};
}

}  // namespace bpmp::ctl
