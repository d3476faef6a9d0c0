// SPDX-License-Identifier: Apache-2.0
#include "broker/devicetree/index.h"

namespace bpmp::devicetree {
namespace {

std::string_view BaseName(std::string_view name) { return name.substr(0, name.find('@')); }

}  // namespace

void Tree::Index::Build() {
  for (const Node& node : nodes) {
    if (node.parent != nullptr) children.try_emplace({node.parent, node.name}, &node);
    by_name[node.name].push_back(&node);
    by_base_name[BaseName(node.name)].push_back(&node);
    AddPhandle(node);
  }
  AddPaths("/__symbols__", &labels, &labels_of);
  AddPaths("/aliases", &aliases, &aliases_of);
}

const Node* Tree::Index::FindPath(std::string_view path) const {
  if (path.empty() || path.front() != '/') return nullptr;
  const Node* node = nodes.data();
  path.remove_prefix(1);
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    const auto it = children.find({node, name});
    if (it == children.end()) return nullptr;
    node = it->second;
    path.remove_prefix(name.size() == path.size() ? name.size() : name.size() + 1);
  }
  return node;
}

void Tree::Index::AddPhandle(const Node& node) {
  auto phandle = node.Cell("phandle");
  if (!phandle) phandle = node.Cell("linux,phandle");
  if (!phandle) return;
  const auto [it, is_first] = by_phandle.try_emplace(*phandle, &node);
  if (!is_first) it->second = nullptr;
}

void Tree::Index::AddPaths(std::string_view path, Names* names, NamesOf* names_of) {
  const Node* const list = FindPath(path);
  if (list == nullptr) return;
  for (const Property& property : list->properties) {
    const Node* const node = FindPath(property.value.substr(0, property.value.find('\0')));
    if (node == nullptr || node->parent == nullptr) continue;
    if (names->try_emplace(property.name, node).second) {
      (*names_of)[node].push_back(property.name);
    }
  }
}

}  // namespace bpmp::devicetree
