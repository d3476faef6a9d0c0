// SPDX-License-Identifier: Apache-2.0
#include "broker/devicetree/specifier.h"

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/devicetree/cells.h"

namespace bpmp::devicetree {
namespace {

// As many as Linux takes.
constexpr uint32_t kMaxCells = 16;

class ListReader {
 public:
  ListReader(const Tree& tree, const Node& node, const ListKind& kind)
      : tree_(tree), node_(node), kind_(kind) {}

  absl::StatusOr<std::vector<Specifier>> Run() {
    const Property* const list = node_.Find(kind_.property);
    if (list == nullptr) return std::vector<Specifier>();
    if (list->value.size() % kCellSize != 0) return Error("isn't made of whole cells");
    std::vector<Specifier> entries;
    std::string_view rest = list->value;
    while (!rest.empty()) {
      BPMP_ASSIGN_OR_RETURN(const Specifier entry, Take(&rest));
      entries.push_back(entry);
    }
    if (kind_.names == nullptr) return entries;
    const std::vector<std::string_view> names = node_.Strings(kind_.names);
    for (size_t i = 0; i < entries.size() && i < names.size(); ++i) entries[i].name = names[i];
    return entries;
  }

 private:
  absl::Status Error(std::string_view what) const {
    return PropertyError(tree_, node_, kind_.property, what);
  }

  absl::StatusOr<Specifier> Take(std::string_view* rest) {
    const uint32_t phandle = LoadCell(*rest);
    rest->remove_prefix(kCellSize);
    Specifier entry;
    if (phandle == 0) return entry;
    entry.provider = tree_.FindPhandle(phandle);
    if (entry.provider == nullptr) {
      return Error(absl::StrFormat("phandle %#x is of no node, or of several", phandle));
    }
    const std::optional<uint32_t> cells = CellsOf(*entry.provider);
    if (!cells || *cells > kMaxCells) {
      return Error(absl::StrFormat("%s, which it refers to, has no %s, or too many",
                                   entry.provider->Path(), kind_.cells));
    }
    const size_t size = *cells * kCellSize;
    if (rest->size() < size) {
      return Error(absl::StrFormat("ends within an entry: %d cells must follow %s", *cells,
                                   entry.provider->Path()));
    }
    entry.cells = rest->substr(0, size);
    rest->remove_prefix(size);
    return entry;
  }

  // A long list mostly refers to one node, which may have many properties.
  std::optional<uint32_t> CellsOf(const Node& provider) {
    const auto [it, is_new] = cells_.try_emplace(&provider);
    if (is_new) it->second = provider.Cell(kind_.cells);
    return it->second;
  }

  const Tree& tree_;
  const Node& node_;
  const ListKind& kind_;
  absl::flat_hash_map<const Node*, std::optional<uint32_t>> cells_;
};

}  // namespace

absl::StatusOr<std::vector<Specifier>> ReadList(const Tree& tree, const Node& node,
                                                const ListKind& kind) {
  return ListReader(tree, node, kind).Run();
}

absl::Status PropertyError(const Tree& tree, const Node& node, std::string_view property,
                           std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(tree.origin(), ": ", node.Path(), ": ", ToAbsl(property), ": ", ToAbsl(what)));
}

}  // namespace bpmp::devicetree
