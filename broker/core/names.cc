// SPDX-License-Identifier: Apache-2.0
#include "broker/core/names.h"

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/base/string_view.h"
#include "broker/base/suggest.h"

namespace bpmp::core {
namespace {

std::optional<uint32_t> Number(std::string_view text) {
  uint32_t value = 0;
  if (absl::StartsWith(ToAbsl(text), "0x")) {
    return absl::SimpleHexAtoi(ToAbsl(text), &value) ? std::optional(value) : std::nullopt;
  }
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

std::optional<PcieControllerId> Names::FindPcieController(std::string_view number) const {
  const auto id = Number(number);
  if (id && inventory_.Has(PcieControllerId(*id))) return PcieControllerId(*id);
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
    case ResourceKind::kPcieController:
      return as_resource(FindPcieController(name_or_id));
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
    case ResourceKind::kPcieController:
      break;
    case ResourceKind::kNone:
      return "nothing";
  }
  return absl::StrCat(ToAbsl(KindName(resource.kind)), " ", resource.id);
}

std::string Names::Unknown(ResourceKind kind, std::string_view name) const {
  return absl::StrCat("no ", ToAbsl(KindName(kind)), " '", ToAbsl(name), "'",
                      DidYouMean(name, All(kind)));
}

std::vector<std::string> Names::All(ResourceKind kind) const {
  std::vector<std::string> names;
  if (kind == ResourceKind::kClock) {
    for (const ClockInfo& clock : inventory_.clocks) {
      if (clock.exists()) names.push_back(clock.name);
    }
  } else if (kind == ResourceKind::kDomain) {
    for (const DomainInfo& domain : inventory_.domains) {
      if (domain.exists()) names.push_back(domain.name);
    }
  } else if (kind == ResourceKind::kReset) {
    // Not "reset 5", which NameOf() makes up and nobody can write.
    for (uint32_t id = 0; id <= inventory_.max_reset_id; ++id) {
      std::string name = profile_.NameOf(ResetId(id));
      if (FindReset(name)) names.push_back(std::move(name));
    }
  }
  return names;
}

std::string_view KindName(ResourceKind kind) {
  constexpr std::array<std::string_view, 5> kNames = {"nothing", "clock", "power domain", "reset",
                                                      "PCIe controller"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace bpmp::core
