// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_CLOCK_TREE_H_
#define BROKER_CTL_CLOCK_TREE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "broker/ctl/resource_view.h"
#include "broker/ctl/style.h"

namespace bpmp::ctl {

// The clocks by current parent. Built from what a broker sent, so it makes no assumption: a clock
// whose parent isn't there is a root, and a cycle is cut where its lowest id is.
class ClockTree {
 public:
  // `clocks` must outlive the tree. Not owned.
  explicit ClockTree(const Resources& clocks);

  // Whether the clock is on, or one that runs from it: then the firmware keeps it on, though nobody
  // turned it on by the broker. False for an unknown id.
  bool Runs(uint32_t id) const;

  // One clock a line with state, rate and holders; children below their parent, by id. Unless
  // `all`, only active clocks and what leads to them. RenderBelow shows the part below one clock
  // and always that clock; empty when there is no such id.
  std::string Render(bool all, const Style& style) const;
  std::string RenderBelow(uint32_t root, bool all, const Style& style) const;

  // All clocks below `id`, nearest first.
  std::vector<const v1::ResourceState*> Below(uint32_t id) const;

 private:
  struct Node {
    const v1::ResourceState* clock = nullptr;
    std::vector<size_t> children;  // positions in nodes_
    bool active = false;           // itself, or something below it
    bool runs = false;             // the same for being on
  };

  bool ClosesCycle(size_t node, const std::vector<int64_t>& parents) const;
  void Mark(const std::vector<int64_t>& parents);
  std::string RenderFrom(const std::vector<size_t>& roots, bool all, const Style& style) const;

  std::vector<Node> nodes_;  // by id
  std::vector<size_t> roots_;
  absl::flat_hash_map<uint32_t, size_t> position_;
};

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_CLOCK_TREE_H_
