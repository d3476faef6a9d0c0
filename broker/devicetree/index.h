// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DEVICETREE_INDEX_H_
#define BROKER_DEVICETREE_INDEX_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "broker/devicetree/tree.h"

namespace bpmp::devicetree {

// What a Tree holds. Nodes point at each other and into `blob`, so none of the vectors changes once
// it is filled.
struct Tree::Index {
  std::string origin;
  std::vector<char> blob;  // aligned as libfdt wants it, to 8 bytes
  std::vector<Property> properties;
  std::vector<Node> nodes;

  // The first of equal names.
  absl::flat_hash_map<std::pair<const Node*, std::string_view>, const Node*> children;
  absl::flat_hash_map<std::string_view, std::vector<const Node*>> by_name;
  // Without "@address".
  absl::flat_hash_map<std::string_view, std::vector<const Node*>> by_base_name;
  absl::flat_hash_map<uint32_t, const Node*> by_phandle;  // null: of several nodes
  absl::flat_hash_map<std::string_view, const Node*> labels;
  absl::flat_hash_map<std::string_view, const Node*> aliases;
  absl::flat_hash_map<const Node*, std::vector<std::string_view>> labels_of;
  absl::flat_hash_map<const Node*, std::vector<std::string_view>> aliases_of;

  // Fills all of the above from `nodes`.
  void Build();
  const Node* FindPath(std::string_view path) const;

 private:
  using Names = absl::flat_hash_map<std::string_view, const Node*>;
  using NamesOf = absl::flat_hash_map<const Node*, std::vector<std::string_view>>;
  void AddPhandle(const Node& node);
  // The properties of a node whose values are paths.
  void AddPaths(std::string_view path, Names* names, NamesOf* names_of);
};

}  // namespace bpmp::devicetree

#endif  // BROKER_DEVICETREE_INDEX_H_
