// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DEVICETREE_SPECIFIER_H_
#define BROKER_DEVICETREE_SPECIFIER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/devicetree/tree.h"

namespace bpmp::devicetree {

// A kind of property that lists what other nodes provide.
struct ListKind {
  const char* property;  // "clocks"
  const char* cells;     // "#clock-cells", of a provider: how many cells follow its phandle
  const char* names;     // "clock-names", beside it; null where the binding has none
};
inline constexpr ListKind kClocks{"clocks", "#clock-cells", "clock-names"};
inline constexpr ListKind kResets{"resets", "#reset-cells", "reset-names"};
inline constexpr ListKind kPowerDomains{"power-domains", "#power-domain-cells",
                                        "power-domain-names"};
inline constexpr ListKind kAssignedClocks{"assigned-clocks", "#clock-cells", nullptr};
inline constexpr ListKind kAssignedClockParents{"assigned-clock-parents", "#clock-cells", nullptr};

// One entry of such a list.
struct Specifier {
  const Node* provider = nullptr;  // null: an empty entry, which has its place all the same
  std::string_view cells;          // those behind the phandle
  std::string_view name;           // of `names`; empty where that has none for it
};

// The entries of `node`'s property, none where it has no such property. InvalidArgument, with node
// and property, for a phandle of no node, a provider that doesn't say how many cells follow, or a
// list that ends within an entry.
absl::StatusOr<std::vector<Specifier>> ReadList(const Tree& tree, const Node& node,
                                                const ListKind& kind);

// InvalidArgument that begins with the tree, the node and the property.
absl::Status PropertyError(const Tree& tree, const Node& node, std::string_view property,
                           std::string_view what);

}  // namespace bpmp::devicetree

#endif  // BROKER_DEVICETREE_SPECIFIER_H_
