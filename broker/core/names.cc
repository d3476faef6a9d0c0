// SPDX-License-Identifier: Apache-2.0
#include "broker/core/names.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/base/string_view.h"

namespace bpmp::core {
namespace {

// Edit distance, for suggestions only; names have at most 39 bytes, but what people type may not.
size_t Distance(std::string_view a, std::string_view b) {
  constexpr size_t kLongest = 64;
  a = a.substr(0, kLongest);
  b = b.substr(0, kLongest);
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

std::optional<uint32_t> Number(std::string_view text) {
  uint32_t value = 0;
  if (absl::SimpleAtoi(ToAbsl(text), &value)) return value;
  return std::nullopt;
}

}  // namespace

Names::Names(const Inventory& inventory, const Profile& profile)
    : inventory_(inventory), profile_(profile) {
  for (uint32_t id = 0; id < inventory.clocks.size(); ++id) {
    if (inventory.clocks[id].exists()) clocks_[inventory.clocks[id].name] = ClockId(id);
  }
  for (uint32_t id = 0; id < inventory.domains.size(); ++id) {
    if (inventory.domains[id].exists()) domains_[inventory.domains[id].name] = DomainId(id);
  }
}

std::optional<ClockId> Names::FindClock(std::string_view name_or_id) const {
  if (const auto it = clocks_.find(ToAbsl(name_or_id)); it != clocks_.end()) return it->second;
  const auto id = Number(name_or_id);
  if (id && inventory_.Find(ClockId(*id)) != nullptr) return ClockId(*id);
  return std::nullopt;
}

std::optional<DomainId> Names::FindDomain(std::string_view name_or_id) const {
  if (const auto it = domains_.find(ToAbsl(name_or_id)); it != domains_.end()) return it->second;
  const auto id = Number(name_or_id);
  if (id && inventory_.Find(DomainId(*id)) != nullptr) return DomainId(*id);
  return std::nullopt;
}

std::optional<ResetId> Names::FindReset(std::string_view name_or_id) const {
  ResetId reset;
  if (profile_.FindReset(name_or_id, &reset) && inventory_.Has(reset)) return reset;
  const auto id = Number(name_or_id);
  if (id && inventory_.Has(ResetId(*id))) return ResetId(*id);
  return std::nullopt;
}

std::optional<Resource> Names::Find(ResourceKind kind, std::string_view name_or_id) const {
  const auto as_resource = [](auto id) {
    return id ? std::optional(Resource::Of(*id)) : std::nullopt;
  };
  switch (kind) {
    case ResourceKind::kClock:
      return as_resource(FindClock(name_or_id));
    case ResourceKind::kDomain:
      return as_resource(FindDomain(name_or_id));
    case ResourceKind::kReset:
      return as_resource(FindReset(name_or_id));
    case ResourceKind::kNone:
      break;
  }
  return std::nullopt;
}

std::string Names::NameOf(Resource resource) const {
  switch (resource.kind) {
    case ResourceKind::kClock:
      if (const auto* clock = inventory_.Find(ClockId(resource.id))) return clock->name;
      break;
    case ResourceKind::kDomain:
      if (const auto* domain = inventory_.Find(DomainId(resource.id))) return domain->name;
      break;
    case ResourceKind::kReset:
      return profile_.NameOf(ResetId(resource.id));
    case ResourceKind::kNone:
      return "nothing";
  }
  return absl::StrCat(ToAbsl(KindName(resource.kind)), " ", resource.id);
}

std::string Names::Unknown(ResourceKind kind, std::string_view name) const {
  std::string best;
  size_t best_distance = name.size() / 2 + 1;
  const auto consider = [&](const std::string& candidate) {
    const size_t distance = Distance(name, candidate);
    if (distance < best_distance || (distance == best_distance && candidate < best)) {
      best_distance = distance;
      best = candidate;
    }
  };
  if (kind == ResourceKind::kClock) {
    for (const auto& [candidate, id] : clocks_) consider(candidate);
  } else if (kind == ResourceKind::kDomain) {
    for (const auto& [candidate, id] : domains_) consider(candidate);
  } else {
    // Not "reset 5", which NameOf() makes up and nobody can write.
    for (uint32_t id = 0; id <= inventory_.max_reset_id; ++id) {
      const std::string candidate = profile_.NameOf(ResetId(id));
      if (FindReset(candidate)) consider(candidate);
    }
  }
  std::string text = absl::StrCat("no ", ToAbsl(KindName(kind)), " '", ToAbsl(name), "'");
  if (!best.empty()) absl::StrAppend(&text, "; did you mean '", best, "'?");
  return text;
}

std::string_view KindName(ResourceKind kind) {
  constexpr std::array<std::string_view, 4> kNames = {"nothing", "clock", "power domain", "reset"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace bpmp::core
