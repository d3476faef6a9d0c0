// SPDX-License-Identifier: Apache-2.0
#include "broker/devicetree/bpmp_use.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/base/status_macros.h"
#include "broker/devicetree/cells.h"
#include "broker/devicetree/specifier.h"

namespace bpmp::devicetree {
namespace {

// Linux' bindings (firmware/nvidia,tegra186-bpmp.yaml) and, with "-hv", those of NVIDIA's kernels
// for its hypervisor.
constexpr std::string_view kCompatible[] = {
    "nvidia,tegra186-bpmp",    "nvidia,tegra194-bpmp",         "nvidia,tegra234-bpmp",
    "nvidia,tegra264-bpmp",    "nvidia,tegra186-bpmp-hv",      "nvidia,tegra194-bpmp-hv",
    "nvidia,tegra234-bpmp-hv", "nvidia,tegra194-safe-bpmp-hv",
};

constexpr uint32_t kMaxId = 0xffffff;

bool IsBpmp(const Node& node) {
  return std::any_of(std::begin(kCompatible), std::end(kCompatible),
                     [&](std::string_view name) { return node.IsCompatible(name); });
}

absl::StatusOr<uint32_t> IdOf(const Tree& tree, const Node& node, const ListKind& kind,
                              const Specifier& entry) {
  if (entry.cells.size() != kCellSize) {
    return PropertyError(
        tree, node, kind.property,
        absl::StrFormat("%s has %s = <%d>; the BPMP's is <1>", entry.provider->Path(), kind.cells,
                        entry.cells.size() / kCellSize));
  }
  const uint32_t id = LoadCell(entry.cells);
  if (id > kMaxId) {
    return PropertyError(tree, node, kind.property,
                         absl::StrFormat("%d is no id of the BPMP, which has 24 bits", id));
  }
  return id;
}

template <typename Id>
absl::Status ReadProvided(const Tree& tree, const Node& bpmp, const Node& node,
                          const ListKind& kind, std::vector<Provided<Id>>* provided) {
  BPMP_ASSIGN_OR_RETURN(const std::vector<Specifier> entries, ReadList(tree, node, kind));
  for (const Specifier& entry : entries) {
    if (entry.provider != &bpmp) continue;
    BPMP_ASSIGN_OR_RETURN(const uint32_t id, IdOf(tree, node, kind, entry));
    provided->push_back({Id(id), entry.name});
  }
  return absl::OkStatus();
}

// Rate `index` of `assigned-clock-rates`; none for one that isn't there and for 0, which leaves the
// rate alone.
std::optional<int64_t> RateAt(const Node& node, size_t index) {
  const Property* const rates = node.Find("assigned-clock-rates");
  if (rates == nullptr || rates->value.size() < (index + 1) * kCellSize) return std::nullopt;
  const uint32_t rate = LoadCell(rates->value.substr(index * kCellSize));
  return rate == 0 ? std::nullopt : std::optional<int64_t>(rate);
}

absl::Status ReadAssigned(const Tree& tree, const Node& bpmp, const Node& node,
                          std::vector<AssignedClock>* assigned) {
  BPMP_ASSIGN_OR_RETURN(const std::vector<Specifier> clocks, ReadList(tree, node, kAssignedClocks));
  BPMP_ASSIGN_OR_RETURN(const std::vector<Specifier> parents,
                        ReadList(tree, node, kAssignedClockParents));
  for (size_t i = 0; i < clocks.size(); ++i) {
    if (clocks[i].provider != &bpmp) continue;
    BPMP_ASSIGN_OR_RETURN(const uint32_t id, IdOf(tree, node, kAssignedClocks, clocks[i]));
    AssignedClock one{ClockId(id), std::nullopt, RateAt(node, i)};
    if (i < parents.size() && parents[i].provider == &bpmp) {
      BPMP_ASSIGN_OR_RETURN(const uint32_t parent,
                            IdOf(tree, node, kAssignedClockParents, parents[i]));
      one.parent = ClockId(parent);
    }
    assigned->push_back(one);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<const Node*> FindBpmp(const Tree& tree) {
  const Node* found = nullptr;
  for (const Node& node : tree.nodes()) {
    if (!IsBpmp(node) || !node.IsEnabled()) continue;
    if (found != nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(tree.origin(), ": has two BPMPs, ",
                                                     found->Path(), " and ", node.Path(),
                                                     "; the broker serves one"));
    }
    found = &node;
  }
  if (found == nullptr) {
    return absl::NotFoundError(absl::StrCat(tree.origin(), ": has no BPMP (a node compatible with ",
                                            std::string(kCompatible[0]), ")"));
  }
  return found;
}

absl::StatusOr<BpmpUse> UseOf(const Tree& tree, const Node& bpmp, const Node& node) {
  BpmpUse use;
  BPMP_RETURN_IF_ERROR(ReadProvided(tree, bpmp, node, kClocks, &use.clocks));
  BPMP_RETURN_IF_ERROR(ReadProvided(tree, bpmp, node, kResets, &use.resets));
  BPMP_RETURN_IF_ERROR(ReadProvided(tree, bpmp, node, kPowerDomains, &use.power_domains));
  BPMP_RETURN_IF_ERROR(ReadAssigned(tree, bpmp, node, &use.assigned_clocks));
  return use;
}

}  // namespace bpmp::devicetree
