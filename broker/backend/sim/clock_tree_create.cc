// SPDX-License-Identifier: Apache-2.0
// How a ClockTree comes to be: every check, and the links between its clocks.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/backend/sim/clock_tree.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"

namespace bpmp::backend::sim {
namespace {

// Linux allocates by the highest id and asks for each; real SoCs stay below this.
constexpr uint32_t kMaxClockId = 1023;
// Keeps every product of a rate and a term in 63 bits.
constexpr int64_t kMaxRateHz = 100'000'000'000;
constexpr uint32_t kMaxTerm = 1u << 16;

uint32_t FlagsOf(const ClockSpec& spec) {
  uint32_t flags = 0;
  flags |= spec.kind == ClockKind::kMux ? mrq::clk_flag::kHasMux : 0;
  flags |= spec.source == RateSource::kDivider || spec.source == RateSource::kTunable
               ? mrq::clk_flag::kHasSetRate
               : 0;
  flags |= spec.parents.empty() ? mrq::clk_flag::kIsRoot : 0;
  return flags;
}

absl::Status Bad(const ClockSpec& spec, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(ToString(spec.id), " (", ToAbsl(spec.name), ") ", ToAbsl(what)));
}

absl::Status CheckSpec(const ClockSpec& spec) {
  if (spec.id.value() > kMaxClockId) {
    return Bad(spec, "has too high an id");
  }
  if (spec.name.empty() || spec.name.size() >= mrq::kNameSize) {
    return Bad(spec, "has an empty name or one of more than 39 bytes");
  }
  if (spec.parents.size() > mrq::kMaxParents) {
    return Bad(spec, "has more than 16 candidate parents");
  }
  if (spec.parents.size() > 1 && spec.kind != ClockKind::kMux) {
    return Bad(spec, "has several candidate parents and is no mux");
  }
  if (spec.parents.empty() != (spec.source == RateSource::kRoot)) {
    return Bad(spec, "is a root with parents, or has neither");
  }
  if (spec.kind == ClockKind::kInput && spec.source != RateSource::kRoot) {
    return Bad(spec, "is an input and no root");
  }
  if (MakesOwnRate(spec.source) && (spec.rate_hz <= 0 || spec.rate_hz > kMaxRateHz)) {
    return Bad(spec, "has no rate or too high a one");
  }
  const uint32_t least = spec.source == RateSource::kDivider ? ClockTree::kMinHalfSteps : 1;
  if (spec.numerator < 1 || spec.numerator > kMaxTerm ||
      (!MakesOwnRate(spec.source) && spec.denominator < least) || spec.denominator > kMaxTerm) {
    return Bad(spec, "has an impossible ratio");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ClockTree> ClockTree::Create(const std::vector<ClockSpec>& specs) {
  if (specs.empty()) {
    return absl::InvalidArgumentError("a clock tree needs at least one clock");
  }
  ClockTree tree;
  std::set<std::string_view> names;
  for (const ClockSpec& spec : specs) {
    BPMP_RETURN_IF_ERROR(CheckSpec(spec));
    if (!names.insert(spec.name).second) {
      return Bad(spec, "has the name of another clock");
    }
    BPMP_RETURN_IF_ERROR(tree.Add(spec));
  }
  for (const Node& node : tree.nodes_) {
    BPMP_RETURN_IF_ERROR(tree.CheckParents(node));
  }
  BPMP_RETURN_IF_ERROR(tree.LinkAndSettle());
  return tree;
}

absl::Status ClockTree::Add(const ClockSpec& spec) {
  if (Has(spec.id)) {
    return Bad(spec, "is there twice");
  }
  nodes_.resize(std::max<size_t>(nodes_.size(), spec.id.value() + 1));
  Node& node = At(spec.id);
  node.spec = spec;
  node.known = true;
  node.flags = FlagsOf(spec);
  node.parent = spec.parents.empty() ? ClockId() : spec.parents.front();
  node.denominator = spec.denominator;
  node.own_rate = spec.rate_hz;
  return absl::OkStatus();
}

absl::Status ClockTree::CheckParents(const Node& node) const {
  std::set<ClockId> seen;
  for (const ClockId parent : node.spec.parents) {
    if (!Has(parent)) {
      return Bad(node.spec, absl::StrCat("has a parent that isn't there, ", ToString(parent)));
    }
    if (!seen.insert(parent).second) {
      return Bad(node.spec, absl::StrCat("has a parent twice, ", ToString(parent)));
    }
  }
  return absl::OkStatus();
}

// Visits every clock after all of its candidate parents. What can't be visited is in a cycle or
// below one.
absl::Status ClockTree::LinkAndSettle() {
  std::vector<size_t> parents_left(nodes_.size());
  std::vector<ClockId> ready;
  for (Node& node : nodes_) {
    for (const ClockId parent : node.spec.parents) {
      At(parent).children.push_back(node.spec.id);
    }
    parents_left[node.spec.id.value()] += node.spec.parents.size();
    if (node.known && node.spec.parents.empty()) {
      ready.push_back(node.spec.id);
    }
  }
  for (size_t next = 0; next < ready.size(); ++next) {
    Node& node = At(ready[next]);
    node.rate = RateIf(node, nullptr, 0);
    if (node.rate <= 0) {
      return Bad(node.spec, "has a rate below 1 Hz");
    }
    for (const ClockId child : node.children) {
      if (--parents_left[child.value()] == 0) {
        ready.push_back(child);
      }
    }
  }
  for (const Node& node : nodes_) {
    if (parents_left[node.spec.id.value()] > 0) {
      return Bad(node.spec, "is its own ancestor, or below a clock that is");
    }
  }
  return absl::OkStatus();
}

}  // namespace bpmp::backend::sim
