// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_CLOCK_TREE_H_
#define BROKER_CORE_CLOCK_TREE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/base/ids.h"
#include "broker/core/inventory.h"

namespace bpmp::core {

// The clock tree as it stands: who feeds whom now, and at which rate each runs as far as the broker
// was told. Starts as the inventory has it. Every clock id passed in must exist.
class ClockTree {
 public:
  // `inventory` is not owned and outlives the tree.
  explicit ClockTree(const Inventory& inventory);

  std::optional<ClockId> Parent(ClockId clock) const { return nodes_[clock.value()].parent; }
  int64_t Rate(ClockId clock) const { return nodes_[clock.value()].rate_hz; }
  // Number of clocks above it; 0 for a root.
  int Depth(ClockId clock) const;

  // Returns false when nothing changed. REQUIRES: `parent` is a candidate of `clock`, so that there
  // is no cycle.
  bool SetParent(ClockId clock, ClockId parent);
  // A change of its parent was lost and could not be read back: Parent() is the last that was known
  // until somebody sets it.
  void DoubtParent(ClockId clock) { nodes_[clock.value()].parent_is_sure = false; }
  bool ParentIsSure(ClockId clock) const { return nodes_[clock.value()].parent_is_sure; }
  void SetRate(ClockId clock, int64_t hz) { nodes_[clock.value()].rate_hz = hz; }

  // The clock and all that it feeds, ascending.
  std::vector<ClockId> Subtree(ClockId clock) const;
  // All clocks whose rate the firmware may move when it re-rates `clock`: what hangs below its
  // topmost ancestor that isn't a fixed root, ascending. The clock itself at least.
  std::vector<ClockId> Family(ClockId clock) const;

 private:
  struct Node {
    std::optional<ClockId> parent;
    bool parent_is_sure = true;
    int64_t rate_hz = 0;
    std::vector<ClockId> children;
  };

  const Inventory& inventory_;
  std::vector<Node> nodes_;
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_CLOCK_TREE_H_
