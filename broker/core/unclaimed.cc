// SPDX-License-Identifier: Apache-2.0
#include "broker/core/unclaimed.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/string_view.h"
#include "broker/core/names.h"

namespace bpmp::core {
namespace {

// The VMs whose policy names the resource: not by what it feeds alone.
std::vector<std::string> UsersOf(const Core& core, Resource resource) {
  std::vector<std::string> users;
  for (const VmStatus& vm : core.Vms()) {
    if (!vm.defined) continue;
    const Core::Grant grant = core.GrantOf(vm.vm, resource);
    if (grant.access >= Access::kVote && !grant.derived) users.push_back(vm.name);
  }
  return users;
}

bool HeldByVm(const ResourceStatus& status) {
  return std::any_of(status.holders.begin(), status.holders.end(),
                     [](VmId holder) { return holder != kHost; });
}

// Whether it is on for a reason that is known.
bool IsClaimed(const Core& core, const ResourceStatus& status) {
  return HeldByVm(status) || status.pinned ||
         (status.found_on && UsersOf(core, status.resource).empty());
}

// Every clock from which one runs that is claimed.
std::set<uint32_t> Feeding(const Core& core) {
  std::set<uint32_t> feeding;
  for (const Resource clock : core.Resources(ResourceKind::kClock)) {
    auto status = core.Status(clock);
    if (!IsClaimed(core, *status)) continue;
    while (status && status->parent && feeding.insert(status->parent->value()).second) {
      status = core.Status(Resource::Of(*status->parent));
    }
  }
  return feeding;
}

// "clock fuse (of gpu-vm, display-vm)"
std::string Named(const Core& core, Resource resource) {
  return absl::StrCat(ToAbsl(KindName(resource.kind)), " ", core.NameOf(resource), " (of ",
                      absl::StrJoin(UsersOf(core, resource), ", "), ")");
}

std::string TextOf(const Core& core, const std::vector<Resource>& resources) {
  std::vector<std::string> vms_alone;
  std::vector<std::string> hosts;
  for (const Resource resource : resources) {
    (core.Status(resource)->residue ? vms_alone : hosts).push_back(Named(core, resource));
  }
  std::string text = "on since before this broker started, and claimed by no VM: ";
  if (!vms_alone.empty()) {
    absl::StrAppend(&text, absl::StrJoin(vms_alone, ", "),
                    ", which stay on until their VM turns them off or is released (bpmpctl vm "
                    "release VM)");
  }
  if (!hosts.empty()) {
    absl::StrAppend(&text, vms_alone.empty() ? "" : "; ", absl::StrJoin(hosts, ", "),
                    ", which are the host's now and stay on until it boots again");
  }
  return text;
}

}  // namespace

Unclaimed FindUnclaimed(const Core& core) {
  Unclaimed unclaimed;
  const std::set<uint32_t> feeding = Feeding(core);
  for (const ResourceKind kind : {ResourceKind::kClock, ResourceKind::kDomain}) {
    for (const Resource resource : core.Resources(kind)) {
      const auto status = core.Status(resource);
      if ((!status->found_on && !status->residue) || IsClaimed(core, *status)) continue;
      if (kind == ResourceKind::kClock && feeding.count(resource.id) > 0) continue;
      unclaimed.resources.push_back(resource);
    }
  }
  if (!unclaimed.resources.empty()) unclaimed.text = TextOf(core, unclaimed.resources);
  return unclaimed;
}

}  // namespace bpmp::core
