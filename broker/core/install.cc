// SPDX-License-Identifier: Apache-2.0
// A new policy takes the place of the old one.
#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/core/core_impl.h"
#include "broker/core/switch_request.h"

namespace bpmp::core {
namespace {

const VmPolicy* Find(const Policy& policy, const std::string& name) {
  const auto it = absl::c_find_if(policy.vms, [&](const auto& vm) { return vm.name == name; });
  return it == policy.vms.end() ? nullptr : &*it;
}

const Pin* FindPin(const Policy& policy, Resource resource) {
  const auto it =
      absl::c_find_if(policy.pins, [&](const Pin& pin) { return pin.resource == resource; });
  return it == policy.pins.end() ? nullptr : &*it;
}

bool ByVotes(RatePolicy policy) {
  return policy != RatePolicy::kOwner && policy != RatePolicy::kFixed;
}

// Clocks that are decided in another way than before, or within other limits of some VM.
std::set<ClockId> RuledAnew(const Policy& before, const Policy& after) {
  std::set<ClockId> clocks;
  for (const Policy* policy : {&before, &after}) {
    for (const auto& [clock, rule] : policy->rate_policies) {
      if (before.RatePolicyOf(clock) != after.RatePolicyOf(clock)) clocks.insert(clock);
    }
    for (const VmPolicy& vm : policy->vms) {
      for (const auto& [clock, limits] : vm.rate_limits) clocks.insert(clock);
    }
  }
  return clocks;
}

}  // namespace

absl::Status Core::Impl::CheckGone(const Policy& next) const {
  for (const VmId vm : machine.view.Defined()) {
    const std::string& name = vm_names[vm.value()];
    if (Find(next, name) != nullptr) continue;
    if (!Idle(vm)) {
      return absl::FailedPreconditionError(
          absl::StrCat("vm ", name, " still holds resources; release it before it is removed"));
    }
  }
  return absl::OkStatus();
}

// What a VM still does with a device that it no longer has ends as the old policy said, and a
// device that was pulsed for it in this epoch isn't pulsed again.
void Core::Impl::RetireDevices(const Policy& before) {
  const auto granted = std::exchange(machine.granted, {});
  for (const VmPolicy& old : before.vms) {
    const VmId vm = slots.at(old.name);
    const VmPolicy* now = machine.view.PolicyOf(vm);
    for (size_t i = 0; i < old.devices.size(); ++i) {
      const DeviceUse& device = old.devices[i];
      const auto same = [&](const DeviceUse& other) { return other.name == device.name; };
      if (now != nullptr && absl::c_any_of(now->devices, same)) {
        const auto at = absl::c_find_if(now->devices, same) - now->devices.begin();
        if (granted.contains({vm, i})) machine.granted.insert({vm, static_cast<size_t>(at)});
      } else if (now != nullptr) {
        std::vector<DeviceUse>& retired = machine.retired[vm];
        std::erase_if(retired, same);
        retired.push_back(device);
      }
    }
    if (now == nullptr) machine.retired.erase(vm);
  }
  for (auto& [vm, devices] : machine.retired) {
    const std::vector<DeviceUse>& has = machine.view.PolicyOf(vm)->devices;
    std::erase_if(devices, [&](const DeviceUse& device) {
      return absl::c_any_of(has, [&](const DeviceUse& now) { return now.name == device.name; });
    });
  }
}

void Core::Impl::FollowPins(const Policy& before) {
  const Waiter nobody = {kHost, Ticket()};
  for (const Pin& old : before.pins) {
    const Pin* now = FindPin(machine.policy, old.resource);
    if (now == nullptr) {
      const mrq::Request unpin = SwitchRequest(old.resource, false);
      ForgetPin(unpin);
      requests.Decide(nobody, unpin);
    } else if (old.rate_hz && !now->rate_hz) {
      // Not by an unpin: the hardware stays on.
      machine.Apply(Change::Kind::kRatePin, kHost, old.resource, 0);
      machine.Settle(kHost, ClockId(old.resource.id));
    }
  }
  for (const Pin& pin : machine.policy.pins) {
    const Pin* old = FindPin(before, pin.resource);
    if (old != nullptr && old->rate_hz == pin.rate_hz) continue;
    ForgetPin(SwitchRequest(pin.resource, false));
    PinTo(pin);
    pending_pins.push_back({pin, 0});
  }
}

void Core::Impl::FollowRatePolicies(const Policy& before) {
  for (const ClockId clock : RuledAnew(before, machine.policy)) {
    const Resource resource = Resource::Of(clock);
    const Line line = machine.ledger.lines().Of(clock);
    const RatePolicy now = machine.policy.RatePolicyOf(clock);
    const Ledger::Entry entry = machine.ledger.At(line);  // a copy: it changes
    if (entry.rate_lock && now != RatePolicy::kFirst) {
      machine.Apply(Change::Kind::kRateLock, *entry.rate_lock, resource, 0);
    }
    if (now != RatePolicy::kRange) {
      for (const auto& [vm, hz] : entry.rate_mins) {
        machine.Apply(Change::Kind::kRateMin, vm, resource, 0);
      }
      for (const auto& [vm, hz] : entry.rate_maxs) {
        machine.Apply(Change::Kind::kRateMax, vm, resource, 0);
      }
    }
    if (!ByVotes(now)) {
      for (const auto& [vm, hz] : entry.rate_votes) {
        machine.Apply(Change::Kind::kRateVote, vm, resource, 0);
      }
    }
    for (const VmId holder : machine.ledger.HoldersOf(line)) {
      if (holder != kHost && machine.ledger.Votes(holder, line)) {
        machine.VoteForToldRate(holder, clock);
      }
    }
    machine.Settle(kHost, clock);
  }
}

absl::Status Core::Impl::Install(Policy policy, Unallowed unallowed) {
  if (absl::Status status = CheckGone(policy); !status.ok()) return status;
  std::vector<VmId> gone = machine.view.Defined();
  // The view still points into the old one until each VM has its new entry.
  const Policy before = std::exchange(machine.policy, std::move(policy));
  for (const VmId vm : gone) machine.view.Set(vm, nullptr);
  for (const VmPolicy& vm : machine.policy.vms) {
    const VmId slot = SlotFor(vm.name);
    machine.view.Set(slot, &vm);
    if (std::erase(gone, slot) > 0) continue;
    machine.requested.Forget(slot);
    machine.Emit(EventKind::kVmDefined, slot, {});
  }
  for (const VmId vm : gone) {
    machine.admissions.erase(vm);
    machine.Emit(EventKind::kVmDeleted, vm, {});
  }
  RetireDevices(before);
  TakeOverFound();
  FollowRatePolicies(before);
  FollowPins(before);
  if (unallowed == Unallowed::kDrop) {
    for (const VmId vm : machine.view.Defined()) releaser.Withdraw(vm);
  }
  return absl::OkStatus();
}

}  // namespace bpmp::core
