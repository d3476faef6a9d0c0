// SPDX-License-Identifier: Apache-2.0
#include "broker/core/core.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/core/core_impl.h"
#include "broker/core/ops.h"
#include "broker/mrq/codec.h"

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

Outcome OutcomeOf(const absl::StatusOr<mrq::Response>& result) {
  Outcome outcome;
  if (result.ok()) {
    outcome.response = *result;
  } else {
    outcome.kind =
        absl::IsDeadlineExceeded(result.status()) ? Outcome::Kind::kLost : Outcome::Kind::kFailed;
  }
  return outcome;
}

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
  PinFrom(machine.policy.pins);
  Settle();
}

// What was found on and belongs to a VM is not the host's: it stays on, held by nobody, until the
// owner's first DISABLE or release.
void Core::Impl::TakeOverFound() {
  for (Line line = 0; line < machine.ledger.lines().size(); ++line) {
    if (!machine.ledger.At(line).found) continue;
    const Resource resource = machine.ledger.lines().At(line);
    const auto owns = [&](VmId vm) {
      return resource.kind == ResourceKind::kClock
                 ? machine.view.PolicyOf(vm)->Of(ClockId(resource.id)) == Access::kExclusive
                 : machine.view.PolicyOf(vm)->Of(DomainId(resource.id)) == Access::kExclusive;
    };
    const std::vector<VmId> vms = machine.view.Defined();
    if (std::none_of(vms.begin(), vms.end(), owns)) continue;
    machine.Apply(Change::Kind::kResidue, kHost, resource, 1);
    machine.Apply(Change::Kind::kFound, kHost, resource, 0);
  }
}

void Core::Impl::PinFrom(const std::vector<Pin>& pins) {
  for (const Pin& pin : pins) {
    const Waiter nobody = {kHost, Ticket()};
    if (pin.resource.kind == ResourceKind::kDomain) {
      mrq::PgRequest on;
      on.cmd = mrq::PgCmd::kSetState;
      on.domain = DomainId(pin.resource.id);
      on.arg = static_cast<uint32_t>(mrq::PgState::kOn);
      requests.Decide(nobody, on);
      continue;
    }
    mrq::ClkRequest request;
    request.clock = ClockId(pin.resource.id);
    request.cmd = mrq::ClkCmd::kEnable;
    requests.Decide(nobody, request);
    if (!pin.rate_hz) continue;
    request.cmd = mrq::ClkCmd::kSetRate;
    request.rate_hz = *pin.rate_hz;
    requests.Decide(nobody, request);
  }
}

Decision Core::Impl::Decide(const Call& call) {
  Decision refused;
  if (!Known(call.vm) || (call.vm != kHost && machine.view.PolicyOf(call.vm) == nullptr)) {
    refused.response = mrq::Fail(mrq::Error::kAccess);
    refused.reason = Reason::kNotPermitted;
    return refused;
  }
  if (call.vm != kHost && call.epoch != machine.ledger.EpochOf(call.vm)) {
    refused.response = mrq::Fail(mrq::Error::kAgain);
    refused.reason = Reason::kStaleEpoch;
    return refused;
  }
  if (!Releasing(call.vm)) return requests.Decide({call.vm, call.ticket}, call.request);
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
  for (const auto& [clock, doubt] : machine.unpaid) owing.emplace_back(clock, doubt.vm);
  std::sort(owing.begin(), owing.end());
  for (const auto& [clock, vm] : owing) {
    if (machine.scheduler.Mutating(machine.ledger.lines().Of(clock))) continue;
    machine.Pay(vm, clock);
  }
}

absl::Status Core::Impl::Install(Policy policy) {
  for (const VmId vm : machine.view.Defined()) {
    const bool stays = std::any_of(policy.vms.begin(), policy.vms.end(), [&](const VmPolicy& p) {
      return p.name == vm_names[vm.value()];
    });
    if (stays) continue;
    if (Releasing(vm) || !machine.ledger.TouchedBy(vm).empty()) {
      return absl::FailedPreconditionError(absl::StrCat(
          "vm ", vm_names[vm.value()], " still holds resources; release it before it is removed"));
    }
  }
  std::vector<VmId> before = machine.view.Defined();
  for (const VmId vm : before) machine.view.Set(vm, nullptr);
  machine.policy = std::move(policy);
  for (const VmPolicy& vm : machine.policy.vms) {
    const VmId slot = SlotFor(vm.name);
    machine.view.Set(slot, &vm);
    if (std::erase(before, slot) == 0) machine.Emit(EventKind::kVmDefined, slot, {});
  }
  for (const VmId gone : before) machine.Emit(EventKind::kVmDeleted, gone, {});
  TakeOverFound();
  return absl::OkStatus();
}

absl::Status Core::Impl::ClearQuarantine(Resource resource) {
  if (!machine.ledger.At(resource).quarantined) {
    return absl::NotFoundError(absl::StrCat(machine.names.NameOf(resource), " is not quarantined"));
  }
  const VmId vm = *machine.ledger.At(resource).quarantined;
  machine.Apply(Change::Kind::kQuarantine, vm, resource, 0);
  machine.Emit(EventKind::kCleared, vm, resource);
  if (machine.ledger.At(resource).gate == GateState::kUnknown) machine.doubtful[resource] = {vm, 0};
  if (resource.kind == ResourceKind::kClock && machine.DebtDue(ClockId(resource.id))) {
    machine.Pay(vm, ClockId(resource.id));
  }
  return absl::OkStatus();
}

// --- The public face ----------------------------------------------------------------------------

Core::Core(Inventory inventory, Profile profile, Policy policy, Observer* observer, Options options)
    : impl_(std::make_unique<Impl>(std::move(inventory), std::move(profile), std::move(policy),
                                   observer, options)) {}
Core::~Core() = default;

void Core::Start(Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  impl_->Start();
}

Decision Core::Decide(const Call& call, Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  const Decision decision = impl_->Decide(call);
  if (decision.kind != Decision::Kind::kReply || impl_->machine.scheduler.HasWork()) {
    impl_->Settle();
  }
  return decision;
}

void Core::Complete(TransferId transfer, const Outcome& outcome, Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  impl_->machine.scheduler.Complete(transfer, outcome);
  impl_->Settle();
}

void Core::Overdue(TransferId transfer, Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  impl_->machine.scheduler.Overdue(transfer);
  impl_->Settle();
}

void Core::Expire(Ticket ticket, Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  impl_->Expire(ticket);
  impl_->Settle();
}

uint32_t Core::Release(VmId vm, Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  const uint32_t epoch = impl_->Release(vm);
  impl_->Settle();
  return epoch;
}

bool Core::IsReleasing(VmId vm) const { return impl_->Releasing(vm); }
uint32_t Core::EpochOf(VmId vm) const {
  return impl_->Known(vm) ? impl_->machine.ledger.EpochOf(vm) : 0;
}

void Core::Maintain(Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  impl_->Maintain();
  impl_->Settle();
}
bool Core::NeedsMaintenance() const {
  return !impl_->machine.doubtful.empty() || !impl_->machine.unpaid.empty();
}

absl::Status Core::Install(Policy policy, Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  absl::Status status = impl_->Install(std::move(policy));
  impl_->Settle();
  return status;
}

absl::Status Core::ClearQuarantine(Resource resource, Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  absl::Status status = impl_->ClearQuarantine(resource);
  impl_->Maintain();
  impl_->Settle();
  return status;
}

}  // namespace bpmp::core
