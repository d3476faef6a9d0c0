// SPDX-License-Identifier: Apache-2.0
#include "broker/core/clock_tree.h"

#include <algorithm>
#include <vector>

#include "broker/mrq/types.h"

namespace bpmp::core {

ClockTree::ClockTree(const Inventory& inventory)
    : inventory_(inventory), nodes_(inventory.clocks.size()) {
  for (uint32_t id = 0; id < nodes_.size(); ++id) {
    const ClockInfo& info = inventory.clocks[id];
    if (!info.exists()) continue;
    nodes_[id].parent = info.parent;
    nodes_[id].rate_hz = info.rate_hz;
    if (info.parent) nodes_[info.parent->value()].children.emplace_back(id);
  }
}

int ClockTree::Depth(ClockId clock) const {
  int depth = 0;
  for (auto parent = Parent(clock); parent; parent = Parent(*parent)) ++depth;
  return depth;
}

bool ClockTree::SetParent(ClockId clock, ClockId parent) {
  Node& node = nodes_[clock.value()];
  node.parent_is_sure = true;
  if (node.parent == parent) return false;
  if (node.parent) std::erase(nodes_[node.parent->value()].children, clock);
  node.parent = parent;
  nodes_[parent.value()].children.push_back(clock);
  return true;
}

std::vector<ClockId> ClockTree::Subtree(ClockId clock) const {
  std::vector<ClockId> found = {clock};
  for (size_t i = 0; i < found.size(); ++i) {
    const std::vector<ClockId>& children = nodes_[found[i].value()].children;
    found.insert(found.end(), children.begin(), children.end());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<ClockId> ClockTree::Family(ClockId clock) const {
  ClockId top = clock;
  for (auto parent = Parent(clock); parent; parent = Parent(*parent)) {
    if ((inventory_.Find(*parent)->flags & mrq::clk_flag::kIsRoot) == 0) top = *parent;
  }
  return Subtree(top);
}

}  // namespace bpmp::core
