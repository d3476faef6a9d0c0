// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DEVICETREE_BPMP_USE_H_
#define BROKER_DEVICETREE_BPMP_USE_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/base/ids.h"
#include "broker/devicetree/tree.h"

namespace bpmp::devicetree {

// An entry of `clocks`, `resets` or `power-domains` that the BPMP provides.
template <typename Id>
struct Provided {
  Id id;
  std::string_view name;  // what the node's driver calls it (`clock-names`); may be empty
};

// An entry of `assigned-clocks`: what Linux sets before the node's driver starts.
struct AssignedClock {
  ClockId clock;
  std::optional<ClockId> parent;
  std::optional<int64_t> rate_hz;
};

// What a node needs of the BPMP, in the node's order; an id may be there twice.
struct BpmpUse {
  std::vector<Provided<ClockId>> clocks;
  std::vector<Provided<ResetId>> resets;
  std::vector<Provided<DomainId>> power_domains;
  std::vector<AssignedClock> assigned_clocks;

  // Nothing that a driver holds; `assigned_clocks` alone make no device.
  bool empty() const { return clocks.empty() && resets.empty() && power_domains.empty(); }
};

// The node of a tree's BPMP, its enabled one. NotFound when there is none; InvalidArgument when
// there are several: ids would mean something else for each.
absl::StatusOr<const Node*> FindBpmp(const Tree& tree);

// What `node` needs of the BPMP `bpmp`; entries of other providers are skipped. InvalidArgument,
// with node and property, for lists that can't be read, and for ids that the BPMP's protocol can't
// carry (24 bits).
absl::StatusOr<BpmpUse> UseOf(const Tree& tree, const Node& bpmp, const Node& node);

}  // namespace bpmp::devicetree

#endif  // BROKER_DEVICETREE_BPMP_USE_H_
