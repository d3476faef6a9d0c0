// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/selftest_device.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/ctl/selftest_checks.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {
namespace {

bool Has(const google::protobuf::RepeatedPtrField<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

using Key = std::pair<v1::ResourceKind, uint32_t>;
using ByKey = absl::flat_hash_map<Key, const v1::ResourceState*>;

ByKey Index(const Resources& resources) {
  ByKey index;
  for (const v1::ResourceState& resource : resources) {
    index[{resource.kind(), resource.id()}] = &resource;
  }
  return index;
}

bool IsOff(const v1::ResourceState& gate) {
  return gate.gate() == v1::GATE_STATE_OFF && gate.holders_size() == 0 &&
         gate.implied_size() == 0 && gate.quarantined_for().empty();
}

}  // namespace

absl::Status CheckIdle(const v1::Device& device, const Resources& resources) {
  if (device.vms_size() > 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        device.name(), " is ", absl::StrJoin(device.vms(), "'s and "),
        "'s; nothing was changed. Choose a device that nobody has: bpmpctl device list"));
  }
  if (device.clocks_size() == 0 && device.power_domains_size() == 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        device.name(),
        " has neither a clock nor a power domain of its own, so nothing says whether the host uses "
        "it; nothing was changed. Choose another device: bpmpctl device list"));
  }
  const ByKey index = Index(resources);
  const auto busy = [&](v1::ResourceKind kind, const auto& ids) -> std::string {
    for (const v1::NamedId& id : ids) {
      const auto found = index.find({kind, id.id()});
      if (found == index.end() || IsOff(*found->second)) {
        continue;
      }
      const std::string holders = absl::StrJoin(found->second->holders(), ", ");
      return absl::StrCat(KindWord(kind), " ", id.name(), " is ",
                          GateCell(found->second->gate()).text,
                          holders.empty() ? "" : absl::StrCat(", held by ", holders));
    }
    return "";
  };
  std::string what = busy(v1::RESOURCE_KIND_CLOCK, device.clocks());
  if (what.empty()) {
    what = busy(v1::RESOURCE_KIND_POWER_DOMAIN, device.power_domains());
  }
  return what.empty() ? absl::OkStatus()
                      : absl::FailedPreconditionError(absl::StrCat(
                            device.name(), " is in use: ", what,
                            "; nothing was changed. Choose a device that is off: bpmpctl device "
                            "list, bpmpctl clock list"));
}

v1::SelftestCheck CheckHolders(const Resources& resources, const std::string& vm) {
  std::vector<std::string> faults;
  for (const v1::ResourceState& one : resources) {
    if (one.gate() != v1::GATE_STATE_ON) {
      faults.push_back(
          absl::StrCat(KindWord(one.kind()), " ", one.name(), " is ", GateCell(one.gate()).text));
    } else if (!Has(one.holders(), vm)) {
      faults.push_back(
          absl::StrCat(vm, " is no holder of ", KindWord(one.kind()), " ", one.name()));
    }
  }
  if (!faults.empty()) {
    return Failed("holders", FirstOf(faults), kSeeLog);
  }
  return Passed("holders", absl::StrCat(vm, " is among those of all ", resources.size()));
}

v1::SelftestCheck CheckReleased(const v1::Vm& vm, const Resources& before, const Resources& after) {
  std::vector<std::string> faults;
  for (const v1::ResourceState& held : vm.holds()) {
    faults.push_back(
        absl::StrCat(vm.name(), " still holds ", KindWord(held.kind()), " ", held.name()));
  }
  const ByKey index = Index(before);
  for (const v1::ResourceState& now : after) {
    const auto was = index.find({now.kind(), now.id()});
    const bool was_off = was != index.end() && IsOff(*was->second);
    const bool stays = was_off && now.gate() == v1::GATE_STATE_ON && now.holders_size() == 0;
    if (now.quarantined_for() == vm.name()) {
      faults.push_back(absl::StrCat(KindWord(now.kind()), " ", now.name(), " is in quarantine"));
    } else if (Has(now.holders(), vm.name()) || stays ||
               (was_off && now.gate() == v1::GATE_STATE_UNKNOWN)) {
      faults.push_back(
          absl::StrCat(KindWord(now.kind()), " ", now.name(), " is ", GateCell(now.gate()).text));
    }
  }
  if (!faults.empty()) {
    return Failed("release", FirstOf(faults), kSeeLog);
  }
  return Passed("release", absl::StrCat("nothing of ", vm.name(), " is left"));
}

Resources ForeignClocks(const v1::Device& device, const v1::ListDevicesResponse& devices,
                        const Resources& resources) {
  std::set<uint32_t> not_these;
  for (const v1::ResourceState& clock : resources) {
    if (clock.has_parent()) {
      not_these.insert(clock.parent());
    }
  }
  const auto add_all = [&](const auto& ids) {
    for (const v1::NamedId& id : ids) {
      not_these.insert(id.id());
    }
  };
  add_all(device.clocks());
  add_all(device.shared_clocks());
  std::set<uint32_t> theirs;
  for (const v1::Device& other : devices.devices()) {
    for (const v1::NamedId& id : other.clocks()) {
      theirs.insert(id.id());
    }
  }
  Resources foreign;
  for (const v1::ResourceState& clock : resources) {
    if (clock.kind() == v1::RESOURCE_KIND_CLOCK && IsOff(clock) && theirs.contains(clock.id()) &&
        !not_these.contains(clock.id())) {
      foreign.push_back(clock);
    }
  }
  return foreign;
}

}  // namespace bpmp::ctl
