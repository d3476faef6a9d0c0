// SPDX-License-Identifier: Apache-2.0
#include "broker/core/machine.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "broker/core/ops.h"
#include "broker/mrq/codec.h"

namespace bpmp::core {
namespace {

template <typename T>
bool Contains(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
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
      judge(inventory, tree, ledger, view, policy),
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

void Machine::SetGate(Resource resource, GateState state) {
  Apply(Change::Kind::kGate, kHost, resource, static_cast<int64_t>(state));
  if (state == GateState::kOn || state == GateState::kOff) doubtful.erase(resource);
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
  if (resource.kind != ResourceKind::kClock) return;
  // Linux sends no SET_RATE for a rate that it was told the clock has: that rate is its vote.
  const ClockId clock(resource.id);
  if (ledger.RateVote(vm, line) == 0 && tree.Rate(clock) > 0) {
    CommitRateVote(vm, clock, tree.Rate(clock), tree.Rate(clock));
  }
}

void Machine::CommitRateVote(VmId vm, ClockId clock, int64_t asked_hz, int64_t real_hz) {
  const Resource resource = Resource::Of(clock);
  const RatePolicy rate_policy = policy.RatePolicyOf(clock);
  if (vm == kHost) {
    Apply(Change::Kind::kRatePin, kHost, resource, real_hz);
    return;
  }
  if (rate_policy == RatePolicy::kOwner || rate_policy == RatePolicy::kFixed) return;
  Apply(Change::Kind::kRateVote, vm, resource, asked_hz);
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
  if (entry.rate_lock == vm) Apply(Change::Kind::kRateLock, vm, resource, 0);
  if (!ledger.Votes(vm, line)) return;
  Apply(Change::Kind::kVote, vm, resource, 0);
  Emit(EventKind::kVote, vm, resource, 0);
}

mrq::ClkInfo Machine::ShowInfo(VmId vm, ClockId clock) {
  const mrq::ClkInfo info = view.Info(vm, clock, policy.RatePolicyOf(clock));
  // Its kernel reads the flags once and will send no ENABLE: it relies on the pin from now on.
  if ((info.flags & mrq::clk_flag::kStateChangeDenied) != 0 &&
      !ledger.Implied(vm, ledger.lines().Of(clock))) {
    Apply(Change::Kind::kImplied, vm, Resource::Of(clock), 1);
  }
  return info;
}

void Machine::NoteParent(ClockId clock, ClockId parent) {
  const std::vector<ClockId>& candidates = inventory.Find(clock)->parents;
  if (Contains(candidates, parent) && tree.SetParent(clock, parent)) view.Refresh();
}

void Machine::Resettle(VmId vm, Resource resource) {
  if (resource.kind != ResourceKind::kClock) return;
  const ClockId clock(resource.id);
  if (DebtDue(clock)) return Pay(vm, clock);
  const int64_t wanted = judge.WantedRate(clock);
  if (wanted == 0 || wanted == tree.Rate(clock)) return;
  scheduler.Start(MakeRetune(*this, vm, clock, {}, RetuneOp::Cause::kAdjust));
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

std::optional<bool> Machine::Powered(VmId vm, ResetId reset) const {
  const VmPolicy* vm_policy = view.PolicyOf(vm);
  if (vm_policy == nullptr) return std::nullopt;
  for (const DeviceUse& device : vm_policy->devices) {
    if (!Contains(device.resets, reset) || device.domains.empty()) continue;
    return std::any_of(device.domains.begin(), device.domains.end(), [&](DomainId domain) {
      return ledger.At(Resource::Of(domain)).gate == GateState::kOn;
    });
  }
  return std::nullopt;
}

bool Machine::LeavesClock(VmId vm, ClockId clock) const {
  const VmPolicy* vm_policy = view.PolicyOf(vm);
  return vm_policy != nullptr && std::any_of(vm_policy->devices.begin(), vm_policy->devices.end(),
                                             [&](const DeviceUse& device) {
                                               return device.clock_on_exit == ClockOnExit::kLeave &&
                                                      Contains(device.clocks, clock);
                                             });
}

bool Machine::DebtDue(ClockId clock) const {
  const Line line = ledger.lines().Of(clock);
  const Ledger::Entry& entry = ledger.At(line);
  const bool owed = entry.boot_rate != 0 || entry.boot_parent.has_value();
  return owed && entry.debtors.empty() && !ledger.HeldByOtherVm(kHost, line);
}

void Machine::Pay(VmId vm, ClockId clock) {
  Restore(vm, clock, [this, vm, clock](bool ok) {
    if (ok) {
      unpaid.erase(clock);
      return;
    }
    const auto it = unpaid.try_emplace(clock, Doubtful{vm, 0}).first;
    if (++it->second.tried <= options.max_retries) return;
    unpaid.erase(it);
    Quarantine(vm, Resource::Of(clock), Reason::kFirmwareRefused, 0);
  });
}

void Machine::Claim(VmId vm, ClockId clock) {
  const Ledger::Entry& entry = ledger.At(Resource::Of(clock));
  const bool owed = entry.boot_rate != 0 || entry.boot_parent;
  if (!owed || vm == kHost || Contains(entry.debtors, vm) || LeavesClock(vm, clock)) return;
  Apply(Change::Kind::kDebtor, vm, Resource::Of(clock), 1);
}

void Machine::Restore(VmId vm, ClockId clock, std::function<void(bool)> done) {
  const Ledger::Entry& entry = ledger.At(Resource::Of(clock));
  RetuneOp::Target target;
  if (entry.boot_parent) {
    target.reparent = true;
    target.parent = *entry.boot_parent;
  } else {
    target.rate_hz = entry.boot_rate;
  }
  auto op = MakeRetune(*this, vm, clock, target, RetuneOp::Cause::kRestore);
  const bool rate_follows = target.reparent && entry.boot_rate != 0;
  op->set_done([this, vm, clock, rate_follows, done = std::move(done)](bool ok) {
    const bool parent_paid = !ledger.At(Resource::Of(clock)).boot_parent;
    if (ok && rate_follows && parent_paid && DebtDue(clock)) return Restore(vm, clock, done);
    if (done) done(ok);
  });
  scheduler.Start(std::move(op));
}

bool Machine::FirstUse(VmId vm, size_t index, Resource resource) const {
  const DeviceUse& device = view.PolicyOf(vm)->devices[index];
  if (!device.pulse_on_grant || granted.contains({vm, index})) return false;
  if (resource.kind == ResourceKind::kDomain) {
    return Contains(device.domains, DomainId(resource.id));
  }
  return device.domains.empty() && Contains(device.clocks, ClockId(resource.id));
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
