// SPDX-License-Identifier: Apache-2.0
#include "broker/devicetree/tree.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/string_view.h"
#include "broker/base/suggest.h"
#include "broker/devicetree/cells.h"
#include "broker/devicetree/index.h"

namespace bpmp::devicetree {

std::string Node::Path() const {
  if (parent == nullptr) return "/";
  std::vector<absl::string_view> names;
  for (const Node* node = this; node->parent != nullptr; node = node->parent) {
    names.push_back(ToAbsl(node->name));
  }
  std::reverse(names.begin(), names.end());
  return absl::StrCat("/", absl::StrJoin(names, "/"));
}

const Property* Node::Find(std::string_view property) const {
  const auto* it = std::find_if(properties.begin(), properties.end(),
                                [&](const Property& one) { return one.name == property; });
  return it == properties.end() ? nullptr : it;
}

std::optional<uint32_t> Node::Cell(std::string_view property) const {
  const Property* const found = Find(property);
  if (found == nullptr || found->value.size() != kCellSize) return std::nullopt;
  return LoadCell(found->value);
}

std::vector<std::string_view> Node::Strings(std::string_view property) const {
  std::vector<std::string_view> strings;
  const Property* const found = Find(property);
  std::string_view rest = found == nullptr ? std::string_view() : found->value;
  while (!rest.empty()) {
    strings.push_back(rest.substr(0, rest.find('\0')));
    rest.remove_prefix(std::min(rest.size(), strings.back().size() + 1));
  }
  return strings;
}

bool Node::IsCompatible(std::string_view with) const {
  const std::vector<std::string_view> all = Strings("compatible");
  return std::find(all.begin(), all.end(), with) != all.end();
}

bool Node::IsEnabled() const {
  for (const Node* node = this; node != nullptr; node = node->parent) {
    const std::vector<std::string_view> status = node->Strings("status");
    if (!status.empty() && status[0] != "okay" && status[0] != "ok") return false;
  }
  return true;
}

Tree::Tree(std::unique_ptr<Index> index) : index_(std::move(index)) {}
Tree::Tree(Tree&&) noexcept = default;
Tree& Tree::operator=(Tree&&) noexcept = default;
Tree::~Tree() = default;

const std::string& Tree::origin() const { return index_->origin; }
const Node& Tree::root() const { return index_->nodes.front(); }
const std::vector<Node>& Tree::nodes() const { return index_->nodes; }

const Node* Tree::FindPath(std::string_view path) const { return index_->FindPath(path); }

const Node* Tree::FindPhandle(uint32_t phandle) const {
  const auto it = index_->by_phandle.find(phandle);
  return it == index_->by_phandle.end() ? nullptr : it->second;
}

absl::StatusOr<const Node*> Tree::Resolve(std::string_view name) const {
  if (const Node* const node = FindPath(name); node != nullptr && node->parent != nullptr) {
    return node;
  }
  for (const auto* names : {&index_->labels, &index_->aliases}) {
    if (const auto it = names->find(name); it != names->end()) return it->second;
  }
  for (const auto* names : {&index_->by_name, &index_->by_base_name}) {
    const auto it = names->find(name);
    if (it == names->end() || name.empty()) continue;
    if (it->second.size() == 1) return it->second.front();
    // Enough to choose from; a hostile tree has thousands.
    constexpr size_t kShown = 8;
    std::vector<std::string> paths;
    for (const Node* node : it->second) {
      if (paths.size() < kShown) paths.push_back(node->Path());
    }
    return absl::InvalidArgumentError(
        absl::StrCat(index_->origin, ": ", it->second.size(), " nodes are called '", ToAbsl(name),
                     "'; write the path of one: ", absl::StrJoin(paths, ", "),
                     it->second.size() > kShown ? ", ..." : ""));
  }
  std::vector<std::string> names;
  for (const Node& node : nodes()) names.emplace_back(node.name);
  for (const auto& [label, node] : index_->labels) names.emplace_back(label);
  std::sort(names.begin(), names.end());
  return absl::NotFoundError(absl::StrCat(index_->origin, ": there is no node '", ToAbsl(name), "'",
                                          DidYouMean(name, names)));
}

std::vector<std::string> Tree::NamesOf(const Node& node) const {
  std::vector<std::string> names;
  const auto add = [&](const auto& names_of) {
    const auto it = names_of.find(&node);
    if (it == names_of.end()) return;
    for (const std::string_view name : it->second) names.emplace_back(name);
  };
  add(index_->labels_of);
  if (index_->by_name.at(node.name).size() == 1 && !node.name.empty()) {
    names.emplace_back(node.name);
  }
  names.push_back(node.Path());
  add(index_->aliases_of);
  // A label, an alias and a name may be one word, and that may be somebody else's.
  std::vector<std::string> unique;
  absl::flat_hash_set<std::string> seen;  // a hostile tree gives one node thousands
  for (std::string& name : names) {
    const auto resolved = Resolve(name);
    if (resolved.ok() && *resolved == &node && seen.insert(name).second) {
      unique.push_back(std::move(name));
    }
  }
  return unique;
}

}  // namespace bpmp::devicetree
