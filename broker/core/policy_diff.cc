// SPDX-License-Identifier: Apache-2.0
#include "broker/core/policy_diff.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "broker/base/string_view.h"
#include "broker/core/opt_ins.h"

namespace bpmp::core {
namespace {

std::string_view PolicyName(RatePolicy policy) {
  constexpr std::array<std::string_view, 5> kNames = {"owner", "fixed", "first", "max", "range"};
  return kNames[static_cast<size_t>(policy)];
}

// "clock uarta"; a name that says its kind already ("clock 13") is left alone.
std::string Title(Resource resource, const Names& names) {
  const std::string name = names.NameOf(resource);
  const std::string_view kind = KindName(resource.kind);
  return name.rfind(kind, 0) == 0 ? name : absl::StrCat(ToAbsl(kind), " ", name);
}

std::string PinText(const Pin& pin, const Names& names) {
  return absl::StrCat(Title(pin.resource, names),
                      pin.rate_hz ? absl::StrCat(" at ", *pin.rate_hz, " Hz") : "");
}

std::string LimitsText(const RateLimits& limits) {
  const bool open = limits.max_hz == std::numeric_limits<int64_t>::max();
  return open ? absl::StrCat("at least ", limits.min_hz, " Hz")
              : absl::StrCat(limits.min_hz, " to ", limits.max_hz, " Hz");
}

bool Equal(const RateLimits& a, const RateLimits& b) {
  return a.min_hz == b.min_hz && a.max_hz == b.max_hz;
}

void CompareLimits(const VmPolicy& before, const VmPolicy& after, const Names& names,
                   std::vector<std::string>* lines) {
  std::set<ClockId> clocks;
  for (const VmPolicy* vm : {&before, &after}) {
    for (const auto& [clock, limits] : vm->rate_limits) clocks.insert(clock);
  }
  for (const ClockId clock : clocks) {
    const auto old = before.rate_limits.find(clock);
    const auto now = after.rate_limits.find(clock);
    const std::string title = Title(Resource::Of(clock), names);
    if (now == after.rate_limits.end()) {
      lines->push_back(absl::StrCat("has no limits on the rate of ", title, " any longer"));
    } else if (old == before.rate_limits.end() || !Equal(old->second, now->second)) {
      lines->push_back(
          absl::StrCat("has limits on the rate of ", title, ": ", LimitsText(now->second)));
    }
  }
}

const DeviceUse* FindDevice(const VmPolicy& vm, const std::string& name) {
  const auto it = absl::c_find_if(vm.devices, [&](const auto& use) { return use.name == name; });
  return it == vm.devices.end() ? nullptr : &*it;
}

// As the configuration writes them, by their numbers.
constexpr std::array kOnExit = {"assert", "deassert", "pulse", "leave"};
constexpr std::array kClocksOnExit = {"boot", "leave"};
constexpr std::array kOnGrant = {"nothing", "pulse_resets"};

void CompareDevices(const VmPolicy& before, const VmPolicy& after,
                    std::vector<std::string>* lines) {
  for (const DeviceUse& old : before.devices) {
    if (FindDevice(after, old.name) == nullptr) {
      lines->push_back(absl::StrCat("loses device ", old.name));
    }
  }
  for (const DeviceUse& now : after.devices) {
    const DeviceUse* old = FindDevice(before, now.name);
    if (old == nullptr) {
      lines->push_back(absl::StrCat("gains device ", now.name));
      continue;
    }
    const auto differs = [&](const char* field, const char* was, const char* is) {
      if (was == is) return;
      lines->push_back(
          absl::StrFormat("'%s' of device %s is '%s', and was '%s'", field, now.name, is, was));
    };
    differs("on_exit", kOnExit[static_cast<size_t>(old->reset_on_exit)],
            kOnExit[static_cast<size_t>(now.reset_on_exit)]);
    differs("clocks_on_exit", kClocksOnExit[static_cast<size_t>(old->clock_on_exit)],
            kClocksOnExit[static_cast<size_t>(now.clock_on_exit)]);
    differs("on_grant", kOnGrant[old->pulse_on_grant ? 1 : 0],
            kOnGrant[now.pulse_on_grant ? 1 : 0]);
  }
}

}  // namespace

std::string_view AccessName(Access access) {
  constexpr std::array<std::string_view, 4> kNames = {"none", "get", "vote", "exclusive"};
  return kNames[static_cast<size_t>(access)];
}

std::string ResourceList(const std::vector<Resource>& resources, const Names& names) {
  return absl::StrJoin(resources, ", ", [&](std::string* out, Resource resource) {
    absl::StrAppend(out, Title(resource, names));
  });
}

std::vector<std::string> AccessLines(const std::vector<AccessChange>& access, const Names& names) {
  // What changes alike is one line, gains first.
  using Key = std::tuple<bool, Access, Access, bool>;
  std::map<Key, std::vector<Resource>> groups;
  for (const AccessChange& change : access) {
    groups[{change.after < change.before, change.before, change.after, change.derived}].push_back(
        change.resource);
  }
  std::vector<std::string> lines;
  for (const auto& [key, resources] : groups) {
    const auto& [loses, before, after, derived] = key;
    std::string line =
        absl::StrFormat("%s '%s' on %s", loses ? "loses" : "gains",
                        ToAbsl(AccessName(loses ? before : after)), ResourceList(resources, names));
    if (derived) absl::StrAppend(&line, ", as ancestors of its clocks");
    if (loses && after != Access::kNone) {
      absl::StrAppend(&line, "; keeps '", ToAbsl(AccessName(after)), "'");
    }
    if (!loses && before != Access::kNone) {
      absl::StrAppend(&line, "; had '", ToAbsl(AccessName(before)), "'");
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> CompareEntries(const VmPolicy& before, const VmPolicy& after,
                                        const Names& names) {
  std::vector<std::string> lines;
  if (before.audit_only != after.audit_only) {
    lines.emplace_back(after.audit_only
                           ? "is AUDIT-ONLY from now on: what its policy denies is allowed, "
                             "counted and logged"
                           : "is audit-only no longer: its policy is enforced");
  }
  if (before.all_exclusive != after.all_exclusive) {
    lines.emplace_back(after.all_exclusive ? "gains everything: 'all: exclusive'"
                                           : "no longer has everything");
  }
  if (before.hide_ids != after.hide_ids) {
    lines.emplace_back(after.hide_ids ? "is no longer shown the names of what it may not use"
                                      : "is shown the names of all clocks");
  }
  CompareDevices(before, after, &lines);
  CompareLimits(before, after, names, &lines);
  absl::c_move(CompareOptIns(before.opt_ins, after.opt_ins), std::back_inserter(lines));
  return lines;
}

std::vector<std::string> CompareBoards(const Policy& before, const Policy& after,
                                       const Names& names) {
  std::vector<std::string> lines;
  std::set<ClockId> ruled;
  for (const Policy* policy : {&before, &after}) {
    for (const auto& [clock, rule] : policy->rate_policies) ruled.insert(clock);
  }
  for (const ClockId clock : ruled) {
    const RatePolicy old = before.RatePolicyOf(clock);
    const RatePolicy now = after.RatePolicyOf(clock);
    if (old == now) continue;
    lines.push_back(absl::StrFormat("%s: its rate policy is '%s', and was '%s'",
                                    Title(Resource::Of(clock), names), ToAbsl(PolicyName(now)),
                                    ToAbsl(PolicyName(old))));
  }
  std::set<ResetId> shared(before.shared_resets.begin(), before.shared_resets.end());
  shared.insert(after.shared_resets.begin(), after.shared_resets.end());
  for (const ResetId reset : shared) {
    const bool now = after.shared_resets.contains(reset);
    if (now == before.shared_resets.contains(reset)) continue;
    lines.push_back(absl::StrCat(Title(Resource::Of(reset), names),
                                 now ? ": several VMs may share it" : ": is no longer shared"));
  }
  const auto has = [](const Policy& policy, const Pin& pin) {
    return absl::c_any_of(policy.pins, [&](const Pin& other) {
      return other.resource == pin.resource && other.rate_hz == pin.rate_hz;
    });
  };
  for (const Pin& pin : before.pins) {
    if (!has(after, pin)) lines.push_back("the host no longer pins " + PinText(pin, names));
  }
  for (const Pin& pin : after.pins) {
    if (!has(before, pin)) lines.push_back("the host pins " + PinText(pin, names));
  }
  return lines;
}

}  // namespace bpmp::core
