// SPDX-License-Identifier: Apache-2.0
#include "broker/core/core_impl.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/core/judged.h"
#include "broker/core/ops.h"
#include "broker/core/switch_request.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/commands.h"

namespace bpmp::core {
namespace {

bool DropsVote(const mrq::Request& request) {
  if (const auto* clk = std::get_if<mrq::ClkRequest>(&request)) {
    return clk->cmd == mrq::ClkCmd::kDisable;
  }
  const auto* pg = std::get_if<mrq::PgRequest>(&request);
  return pg != nullptr && pg->cmd == mrq::PgCmd::kSetState &&
         pg->arg == static_cast<uint32_t>(mrq::PgState::kOff);
}

}  // namespace

Core::Impl::Impl(Inventory inventory, Profile profile, Policy policy, Observer* observer,
                 Options options)
    : machine(std::move(inventory), std::move(profile), std::move(policy), observer, options),
      requests(&machine),
      releaser(&machine),
      vm_names({"host"}) {
  AssignPolicies();
}

VmId Core::Impl::SlotFor(const std::string& name) {
  const auto [it, added] = slots.try_emplace(name, VmId(static_cast<uint32_t>(vm_names.size())));
  if (added) {
    vm_names.push_back(name);
    machine.ledger.AddAgent(it->second);
  }
  return it->second;
}

void Core::Impl::AssignPolicies() {
  for (const VmPolicy& vm : machine.policy.vms) {
    const VmId slot = SlotFor(vm.name);
    const bool known = machine.view.PolicyOf(slot) != nullptr;
    machine.view.Set(slot, &vm);
    if (!known) machine.Emit(EventKind::kVmDefined, slot, {});
  }
}

void Core::Impl::Start() {
  const auto found = [&](Resource resource) {
    machine.SetGate(resource, GateState::kOn);
    machine.Apply(Change::Kind::kFound, kHost, resource, 1);
    if (machine.options.host_counts_apart) {
      machine.Apply(Change::Kind::kForeign, kHost, resource, 1);
    }
  };
  for (uint32_t id = 0; id < machine.inventory.clocks.size(); ++id) {
    if (machine.inventory.clocks[id].exists() && machine.inventory.clocks[id].found_on) {
      found(Resource::Of(ClockId(id)));
    }
  }
  for (uint32_t id = 0; id < machine.inventory.domains.size(); ++id) {
    if (machine.inventory.domains[id].exists() && machine.inventory.domains[id].found_on) {
      found(Resource::Of(DomainId(id)));
    }
  }
  TakeOverFound();
  for (const Pin& pin : machine.policy.pins) {
    PinTo(pin);
    pending_pins.push_back({pin, 0});
  }
  Settle();
}

// What was found on and belongs to a VM is not the host's: it stays on, held by nobody, until the
// owner's first DISABLE or release. It is the host's again when its owner has left the policy.
void Core::Impl::TakeOverFound() {
  for (Line line = 0; line < machine.ledger.lines().size(); ++line) {
    const Ledger::Entry& entry = machine.ledger.At(line);
    if (!entry.found && !entry.residue) continue;
    const Resource resource = machine.ledger.lines().At(line);
    const auto owns = [&](VmId vm) {
      return resource.kind == ResourceKind::kClock
                 ? machine.view.PolicyOf(vm)->Of(ClockId(resource.id)) == Access::kExclusive
                 : machine.view.PolicyOf(vm)->Of(DomainId(resource.id)) == Access::kExclusive;
    };
    const std::vector<VmId> vms = machine.view.Defined();
    const bool owned = std::any_of(vms.begin(), vms.end(), owns);
    if (owned == entry.residue) continue;
    machine.Apply(Change::Kind::kResidue, kHost, resource, owned ? 1 : 0);
    machine.Apply(Change::Kind::kFound, kHost, resource, owned ? 0 : 1);
  }
}

void Core::Impl::PinTo(const Pin& pin) {
  const Waiter nobody = {kHost, Ticket()};
  requests.Decide(nobody, SwitchRequest(pin.resource, true));
  if (!pin.rate_hz || pin.resource.kind != ResourceKind::kClock) return;
  mrq::ClkRequest request;
  request.clock = ClockId(pin.resource.id);
  request.cmd = mrq::ClkCmd::kSetRate;
  request.rate_hz = *pin.rate_hz;
  requests.Decide(nobody, request);
}

// A configured pin that was refused is asked for some times more; each failure was said.
void Core::Impl::RetryPins() {
  std::erase_if(pending_pins, [&](PendingPin& pending) {
    const Line line = machine.ledger.lines().Of(pending.pin.resource);
    if (machine.scheduler.Mutating(line)) return false;
    if (Stands(pending.pin)) return true;
    if (!GaveUp(pending) && ++pending.tried <= machine.options.max_retries) PinTo(pending.pin);
    return false;
  });
}

bool Core::Impl::Stands(const Pin& pin) const {
  const Ledger::Entry& entry = machine.ledger.At(machine.ledger.lines().Of(pin.resource));
  return entry.pinned && (!pin.rate_hz || entry.rate_pin != 0);
}

// The administrator doesn't want it any longer.
void Core::Impl::ForgetPin(const mrq::Request& request) {
  const auto* clk = std::get_if<mrq::ClkRequest>(&request);
  const Resource resource = clk != nullptr ? Resource::Of(clk->clock)
                                           : Resource::Of(std::get<mrq::PgRequest>(request).domain);
  std::erase_if(pending_pins,
                [&](const PendingPin& pending) { return pending.pin.resource == resource; });
}

Decision Core::Impl::Decide(const Call& call) {
  Decision refused;
  if (!Known(call.vm) || (call.vm != kHost && machine.view.PolicyOf(call.vm) == nullptr)) {
    refused.response = mrq::Fail(mrq::Error::kAccess);
    refused.reason = Reason::kNotPermitted;
    return refused;
  }
  if (const auto verdict = RefuseDrained(call.vm, call.request)) {
    const Judged judged =
        JudgeRequest(machine.judge, machine.inventory, call.vm, call.request, call.max_rate_hz);
    machine.EmitRefusal(*verdict, call.vm, judged.resource, mrq::MrqCode(call.request),
                        mrq::CommandCode(call.request));
    return ReplyWith(mrq::Fail(verdict->error), verdict->reason);
  }
  if (call.vm == kHost && DropsVote(call.request)) ForgetPin(call.request);
  if (!Releasing(call.vm)) {
    return requests.Decide({call.vm, call.ticket}, call.request, call.max_rate_hz);
  }
  parked[call.vm].push_back(call);
  Decision wait;
  wait.kind = Decision::Kind::kWait;
  wait.reason = Reason::kReleasing;
  return wait;
}

void Core::Impl::Settle() {
  machine.scheduler.Pump();
  for (auto finished = releaser.TakeFinished(); !finished.empty();
       finished = releaser.TakeFinished()) {
    for (const VmId vm : finished) {
      auto calls = parked.extract(vm);
      machine.way_is_free = true;
      if (calls.empty()) continue;
      for (const Call& call : calls.mapped()) {
        const Decision decision = Decide(call);
        if (decision.kind == Decision::Kind::kReply) {
          machine.scheduler.Reply(call.ticket, decision.response, decision.reason);
        }
      }
    }
    machine.scheduler.Pump();
  }
  if (!std::exchange(machine.way_is_free, false)) return;
  for (PendingPin& pending : pending_pins) pending.tried = 0;
}

void Core::Impl::Expire(Ticket ticket) {
  for (auto& [vm, calls] : parked) {
    const auto it = std::find_if(calls.begin(), calls.end(),
                                 [&](const Call& call) { return call.ticket == ticket; });
    if (it == calls.end()) continue;
    if (DropsVote(it->request)) {
      it->ticket = Ticket();  // done in its turn, though nobody waits for it
      return machine.scheduler.Reply(ticket, mrq::Ok(), Reason::kReleasing);
    }
    calls.erase(it);
    return machine.scheduler.Reply(ticket, mrq::Fail(mrq::Error::kAgain), Reason::kReleasing);
  }
  machine.scheduler.Expire(ticket);
}

uint32_t Core::Impl::Release(VmId vm) {
  if (auto calls = parked.extract(vm); !calls.empty()) {
    for (const Call& call : calls.mapped()) {
      machine.scheduler.Reply(call.ticket, mrq::Fail(mrq::Error::kAgain), Reason::kStaleEpoch);
    }
  }
  return releaser.Begin(vm);
}

void Core::Impl::Maintain() {
  std::vector<std::pair<Resource, VmId>> again;
  for (const auto& [resource, doubt] : machine.doubtful) again.emplace_back(resource, doubt.vm);
  std::sort(again.begin(), again.end());
  for (const auto& [resource, vm] : again) {
    const Line line = machine.ledger.lines().Of(resource);
    if (machine.scheduler.Mutating(line)) continue;
    machine.scheduler.Start(std::make_unique<GateOp>(vm, line, resource, false));
  }
  std::vector<std::pair<ClockId, VmId>> owing;
  for (const auto& [clock, doubt] : machine.unsettled) owing.emplace_back(clock, doubt.vm);
  std::sort(owing.begin(), owing.end());
  for (const auto& [clock, vm] : owing) {
    if (machine.scheduler.Mutating(machine.ledger.lines().Of(clock))) continue;
    machine.Settle(vm, clock);
  }
  RetryPins();
}

absl::Status Core::Impl::ClearQuarantine(Resource resource) {
  if (!machine.judge.Exists(resource) || !machine.ledger.At(resource).quarantined) {
    return absl::NotFoundError(absl::StrCat(machine.names.NameOf(resource), " is not quarantined"));
  }
  const VmId vm = *machine.ledger.At(resource).quarantined;
  machine.Apply(Change::Kind::kQuarantine, vm, resource, 0);
  machine.Emit(EventKind::kCleared, vm, resource);
  if (machine.ledger.At(resource).gate == GateState::kUnknown) {
    if (resource.kind == ResourceKind::kPcieController) {
      machine.SetGate(resource, GateState::kOff);  // nothing can tell whether it is
    } else {
      machine.doubtful[resource] = {vm, 0};
    }
  }
  if (resource.kind == ResourceKind::kClock && machine.DebtDue(ClockId(resource.id))) {
    machine.Settle(vm, ClockId(resource.id));
  }
  if (resource.kind == ResourceKind::kReset) {
    // Fit for use: what its release had left to do is done.
    if (machine.ledger.ResetMark(vm, machine.ledger.lines().Of(resource)) == kResetTouched) {
      machine.Apply(Change::Kind::kResetMark, vm, resource, 0);
    }
    machine.PayAssert(vm, ResetId(resource.id));
  }
  return absl::OkStatus();
}

}  // namespace bpmp::core
