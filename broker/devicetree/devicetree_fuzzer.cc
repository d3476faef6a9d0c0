// SPDX-License-Identifier: Apache-2.0
// Any bytes as a flattened device tree: a tree or an error, and everything that is asked of a tree
// is answered.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "broker/devicetree/bpmp_use.h"
#include "broker/devicetree/devices.h"
#include "broker/devicetree/tree.h"

namespace bpmp::devicetree {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void Ask(const Tree& tree) {
  const auto bpmp = FindBpmp(tree);
  for (const Node& node : tree.nodes()) {
    for (const std::string& name : tree.NamesOf(node)) {
      const auto found = tree.Resolve(name);
      Require(found.ok() && *found == &node);
    }
    node.IsEnabled();
    if (!bpmp.ok()) continue;
    const auto use = UseOf(tree, **bpmp, node);
    Require(use.ok() || !use.status().message().empty());
  }
  if (!bpmp.ok()) return;
  std::vector<std::string> problems;
  for (const TreeDevice& device : DevicesOf(tree, **bpmp, &problems)) {
    Require(!device.names.empty());
  }
}

}  // namespace
}  // namespace bpmp::devicetree

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto tree = bpmp::devicetree::Tree::Parse(
      std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.dtb");
  if (tree.ok()) bpmp::devicetree::Ask(*tree);
  return 0;
}
