// SPDX-License-Identifier: Apache-2.0
#include "broker/core/machine.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "broker/core/ops.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/commands.h"

namespace bpmp::core {
namespace {

// Who has the lock on a rate after `vm`: who asked for a rate next, else who holds the clock.
std::optional<VmId> LockHeir(const Ledger& ledger, VmId vm, Line line) {
  for (const auto& [other, hz] : ledger.At(line).rate_votes) {
    if (other != vm) return other;
  }
  for (const VmId other : ledger.HoldersOf(line)) {
    if (other != vm && other != kHost && ledger.Votes(other, line)) return other;
  }
  return std::nullopt;
}

}  // namespace

Machine::Machine(Inventory inventory_in, Profile profile_in, Policy policy_in,
                 Observer* observer_in, Options options_in)
    : inventory(std::move(inventory_in)),
      profile(std::move(profile_in)),
      names(inventory, profile),
      policy(std::move(policy_in)),
      observer(observer_in),
      options(options_in),
      tree(inventory),
      ledger(inventory, observer_in),
      view(inventory, tree, ledger),
      requested(&ledger.lines()),
      judge(inventory, tree, ledger, view, policy),
      strict_judge(inventory, tree, ledger, view, policy, Judge::Mode::kStrict),
      scheduler(this, ledger.lines().size()) {}

void Machine::Emit(EventKind kind, VmId vm, Resource resource, int64_t value, Reason reason,
                   int32_t error) {
  Event event;
  event.kind = kind;
  event.vm = vm;
  event.resource = resource;
  event.value = value;
  event.reason = reason;
  event.error = error;
  observer->OnEvent(event);
}

void Machine::EmitOther(EventKind kind, VmId vm, VmId other, Resource resource, int64_t value) {
  Event event;
  event.kind = kind;
  event.vm = vm;
  event.other = other;
  event.resource = resource;
  event.value = value;
  observer->OnEvent(event);
}

void Machine::EmitRefusal(const Verdict& verdict, VmId vm, Resource resource, uint32_t mrq,
                          uint32_t cmd) {
  Event event;
  event.kind = verdict.error == mrq::Error::kBusy ? EventKind::kConflict : EventKind::kDenied;
  event.vm = vm;
  event.other = verdict.other;
  event.resource = resource;
  event.reason = verdict.reason;
  event.error = mrq::Fail(verdict.error).error;
  event.mrq = mrq;
  event.cmd = cmd;
  observer->OnEvent(event);
}

void Machine::EmitWouldDeny(const Verdict& strict, VmId vm, Resource resource,
                            const mrq::Request& request) {
  Event event;
  event.kind = EventKind::kWouldDeny;
  event.vm = vm;
  event.resource = resource;
  event.reason = strict.reason;
  event.error = mrq::Fail(strict.error).error;
  event.mrq = mrq::MrqCode(request);
  event.cmd = mrq::CommandCode(request);
  observer->OnEvent(event);
}

void Machine::SetGate(Resource resource, GateState state) {
  Apply(Change::Kind::kGate, kHost, resource, static_cast<int64_t>(state));
  if (state == GateState::kOn || state == GateState::kOff) doubtful.erase(resource);
  if (state == GateState::kOff) NoteOurs(resource);
}

void Machine::NoteOurs(Resource resource) {
  if (ledger.At(resource).foreign) Apply(Change::Kind::kForeign, kHost, resource, 0);
}

bool Machine::Unheld(Resource resource) const {
  const Ledger::Entry& entry = ledger.At(resource);
  return entry.holders == 0 && !entry.residue;
}

void Machine::CommitVote(VmId vm, Resource resource) {
  const Line line = ledger.lines().Of(resource);
  if (vm == kHost) {
    if (ledger.At(line).pinned) return;
    Apply(Change::Kind::kPinned, kHost, resource, 1);
    Emit(EventKind::kPinned, kHost, resource, 1);
    return;
  }
  if (ledger.Votes(vm, line)) return;
  Apply(Change::Kind::kVote, vm, resource, 1);
  Emit(EventKind::kVote, vm, resource, 1);
  if (resource.kind == ResourceKind::kClock) VoteForToldRate(vm, ClockId(resource.id));
}

// Linux sends no SET_RATE for a rate that it was told the clock has: that rate is its vote.
void Machine::VoteForToldRate(VmId vm, ClockId clock) {
  const Resource resource = Resource::Of(clock);
  const Line line = ledger.lines().Of(clock);
  const RatePolicy rate_policy = policy.RatePolicyOf(clock);
  if (rate_policy == RatePolicy::kOwner || rate_policy == RatePolicy::kFixed) return;
  if (rate_policy == RatePolicy::kFirst && !ledger.At(line).rate_lock) {
    Apply(Change::Kind::kRateLock, vm, resource, 1);
  }
  if (ledger.RateVote(vm, line) != 0) return;
  if (tree.Rate(clock) == 0) {
    mrq::ClkRequest request;
    request.cmd = mrq::ClkCmd::kGetRate;
    request.clock = clock;
    scheduler.Start(std::make_unique<ReadOp>(vm, line, request, /*needed=*/true));
    return;
  }
  const Judge::Range limits = judge.LimitsOf(vm, clock);
  const int64_t told = tree.Rate(clock);
  Apply(Change::Kind::kRateVote, vm, resource,
        rate_policy == RatePolicy::kRange ? std::clamp(told, limits.min, limits.max) : told);
  // Its limits may not hold what it was told.
  if (rate_policy == RatePolicy::kRange) Settle(vm, clock);
}

void Machine::CatchUpRateVotes(ClockId clock) {
  if (tree.Rate(clock) == 0) return;
  const Line line = ledger.lines().Of(clock);
  for (const VmId holder : ledger.HoldersOf(line)) {
    if (holder != kHost && ledger.Votes(holder, line)) VoteForToldRate(holder, clock);
  }
}

void Machine::CommitRateVote(VmId vm, ClockId clock, AskedRate asked, int64_t real_hz) {
  const Resource resource = Resource::Of(clock);
  const RatePolicy rate_policy = policy.RatePolicyOf(clock);
  if (vm == kHost) {
    Apply(Change::Kind::kRatePin, kHost, resource, real_hz);
    return;
  }
  if (rate_policy == RatePolicy::kOwner || rate_policy == RatePolicy::kFixed) return;
  Apply(Change::Kind::kRateVote, vm, resource, asked.hz);
  if (asked.max_hz) {
    Apply(Change::Kind::kRateMin, vm, resource, asked.hz);
    Apply(Change::Kind::kRateMax, vm, resource, *asked.max_hz);
  }
  if (rate_policy == RatePolicy::kFirst && !ledger.At(resource).rate_lock) {
    Apply(Change::Kind::kRateLock, vm, resource, 1);
  }
}

void Machine::DropVote(VmId vm, Resource resource) {
  const Line line = ledger.lines().Of(resource);
  const Ledger::Entry& entry = ledger.At(line);
  if (vm == kHost) {
    if (entry.rate_pin != 0) Apply(Change::Kind::kRatePin, kHost, resource, 0);
    if (!entry.pinned) return;
    Apply(Change::Kind::kPinned, kHost, resource, 0);
    Emit(EventKind::kPinned, kHost, resource, 0);
    return;
  }
  const Access access = resource.kind == ResourceKind::kClock ? view.Of(vm, ClockId(resource.id))
                                                              : view.Of(vm, DomainId(resource.id));
  if (entry.residue && access == Access::kExclusive) {
    Apply(Change::Kind::kResidue, vm, resource, 0);
  }
  if (ledger.RateVote(vm, line) != 0) Apply(Change::Kind::kRateVote, vm, resource, 0);
  if (ledger.RateMin(vm, line) != 0) Apply(Change::Kind::kRateMin, vm, resource, 0);
  if (ledger.RateMax(vm, line) != 0) Apply(Change::Kind::kRateMax, vm, resource, 0);
  if (entry.rate_lock == vm) {
    Apply(Change::Kind::kRateLock, vm, resource, 0);
    if (const auto heir = LockHeir(ledger, vm, line)) {
      Apply(Change::Kind::kRateLock, *heir, resource, 1);
    }
  }
  if (!ledger.Votes(vm, line)) return;
  Apply(Change::Kind::kVote, vm, resource, 0);
  Emit(EventKind::kVote, vm, resource, 0);
}

mrq::ClkInfo Machine::ShowInfo(VmId vm, ClockId clock) {
  mrq::ClkInfo info = view.Info(vm, clock, policy.RatePolicyOf(clock));
  if (AdmissionOf(vm) == Admission::kClosed) {
    // It can't rely on anything. Should its kernel ask for the clock, it is refused.
    info.flags &= ~mrq::clk_flag::kStateChangeDenied;
    return info;
  }
  // Its kernel reads the flags once and will send no ENABLE: it relies on the pin from now on.
  if ((info.flags & mrq::clk_flag::kStateChangeDenied) != 0 &&
      !ledger.Implied(vm, ledger.lines().Of(clock))) {
    Apply(Change::Kind::kImplied, vm, Resource::Of(clock), 1);
  }
  return info;
}

void Machine::NoteParent(ClockId clock, ClockId parent) {
  const std::vector<ClockId>& candidates = inventory.Find(clock)->parents;
  if (absl::c_linear_search(candidates, parent) && tree.SetParent(clock, parent)) view.Refresh();
}

void Machine::Doubt(VmId vm, Resource resource) {
  SetGate(resource, GateState::kUnknown);
  const auto [it, is_new] = doubtful.try_emplace(resource, Doubtful{vm, 0});
  if (is_new) Emit(EventKind::kUnknown, vm, resource);
  if (++it->second.tried <= options.max_retries || !Unheld(resource)) return;
  Quarantine(it->second.vm, resource, Reason::kFirmwareRefused, 0);
}

void Machine::Quarantine(VmId vm, Resource resource, Reason reason, int32_t error) {
  doubtful.erase(resource);
  if (ledger.At(resource).quarantined) return;
  Apply(Change::Kind::kQuarantine, vm, resource, 1);
  Emit(EventKind::kQuarantined, vm, resource, 0, reason, error);
}

std::vector<const DeviceUse*> Machine::DevicesOf(VmId vm) const {
  std::vector<const DeviceUse*> devices;
  if (const VmPolicy* vm_policy = view.PolicyOf(vm)) {
    for (const DeviceUse& device : vm_policy->devices) devices.push_back(&device);
  }
  if (const auto it = retired.find(vm); it != retired.end()) {
    for (const DeviceUse& device : it->second) devices.push_back(&device);
  }
  return devices;
}

std::optional<bool> Machine::Powered(VmId vm, ResetId reset) const {
  for (const DeviceUse* device : DevicesOf(vm)) {
    if (!absl::c_linear_search(device->resets, reset) || device->domains.empty()) continue;
    const auto is = [&](GateState state) {
      return std::any_of(device->domains.begin(), device->domains.end(), [&](DomainId domain) {
        return ledger.At(Resource::Of(domain)).gate == state;
      });
    };
    if (is(GateState::kOn)) return true;
    const bool all_off =
        !is(GateState::kUnknown) && !is(GateState::kTurningOn) && !is(GateState::kTurningOff);
    return all_off ? std::optional(false) : std::nullopt;
  }
  return std::nullopt;
}

bool Machine::LeavesClock(VmId vm, ClockId clock) const {
  return absl::c_any_of(DevicesOf(vm), [&](const DeviceUse* device) {
    return device->clock_on_exit == ClockOnExit::kLeave &&
           absl::c_linear_search(device->clocks, clock);
  });
}

bool Machine::FirstUse(VmId vm, size_t index, Resource resource) const {
  const DeviceUse& device = view.PolicyOf(vm)->devices[index];
  if (!device.pulse_on_grant || granted.contains({vm, index})) return false;
  if (resource.kind == ResourceKind::kDomain) {
    return absl::c_linear_search(device.domains, DomainId(resource.id));
  }
  return device.domains.empty() && absl::c_linear_search(device.clocks, ClockId(resource.id));
}

bool Machine::HasGrantPulses(VmId vm, Resource resource) const {
  const VmPolicy* vm_policy = view.PolicyOf(vm);
  if (vm == kHost || vm_policy == nullptr) return false;
  for (size_t i = 0; i < vm_policy->devices.size(); ++i) {
    if (FirstUse(vm, i, resource)) return true;
  }
  return false;
}

std::vector<ResetId> Machine::TakeGrantPulses(VmId vm, Resource resource) {
  std::vector<ResetId> pulses;
  const VmPolicy* vm_policy = view.PolicyOf(vm);
  if (vm == kHost || vm_policy == nullptr) return pulses;
  for (size_t i = 0; i < vm_policy->devices.size(); ++i) {
    if (!FirstUse(vm, i, resource)) continue;
    granted.insert({vm, i});
    for (const ResetId reset : vm_policy->devices[i].resets) {
      if (!policy.shared_resets.contains(reset)) pulses.push_back(reset);
    }
  }
  return pulses;
}

void Machine::AnswerVote(Waiter waiter, Resource resource, Reason reason) {
  const std::vector<ResetId> pulses = TakeGrantPulses(waiter.vm, resource);
  if (pulses.empty()) return scheduler.Reply(waiter.ticket, mrq::Ok(), reason);
  for (const ResetId reset : pulses) {
    auto op = std::make_unique<ResetOp>(waiter.vm, ledger.lines().Of(reset), reset,
                                        mrq::ResetCmd::kModule, ResetOp::Purpose::kGrant);
    if (reset == pulses.back()) op->AddWaiter(waiter);
    scheduler.Start(std::move(op));
  }
}

}  // namespace bpmp::core
