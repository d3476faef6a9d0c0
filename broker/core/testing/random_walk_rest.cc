// SPDX-License-Identifier: Apache-2.0
// The rests of a random walk: everything comes to an end, and core, hardware and model are
// compared.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "broker/core/testing/random_walk.h"
#include "broker/core/testing/requests.h"
#include "broker/mrq/codec.h"

namespace bpmp::core::testing {
namespace {

// Enough tries for any chain of retries to end.
constexpr int kMaxMaintenance = 50;

}  // namespace

void RandomWalk::Settle() {
  for (int i = 0; i < kMaxMaintenance; ++i) {
    while (rig_.in_flight() > 0 && complaint_.empty()) {
      ++steps_;
      EndTransfer(true);
    }
    if (!rig_.core().NeedsMaintenance()) return;
    ++steps_;
    rig_.Maintain();
    Hear();
  }
  if (rig_.core().NeedsMaintenance()) Complain("maintenance never ends");
}

void RandomWalk::Rest() {
  ++rests_;
  Settle();
  if (!waiting_.empty() && complaint_.empty()) {
    Complain(absl::StrCat("nothing is in flight, and nobody answers ",
                          mrq::Describe(rig_.Of(waiting_.begin()->first).request)));
  }
  if (!complaint_.empty()) return;
  model_.Rest();
  Compare();
  rig_.Forget();
  history_.clear();
  for (const Resource resource : rig_.core().Quarantined()) {
    ++steps_;
    rig_.ClearQuarantine(resource).IgnoreError();
    Settle();
  }
}

void RandomWalk::Compare() {
  const Core& core = rig_.core();
  for (const Resource resource : core.Resources(ResourceKind::kClock)) {
    const ClockId clock(resource.id);
    CompareGate(resource, model_.On(clock), rig_.firmware().on(clock));
    const ResourceStatus status = *core.Status(resource);
    const std::string complaint = model_.CheckTune(
        clock, rig_.firmware().rate(clock), rig_.firmware().parent(clock).value_or(ClockId(0)),
        status.quarantined_for.has_value());
    if (!complaint.empty()) Complain(complaint);
  }
  for (const Resource resource : core.Resources(ResourceKind::kDomain)) {
    const DomainId domain(resource.id);
    CompareGate(resource, model_.On(domain), rig_.firmware().on(domain));
  }
  for (uint32_t id = 0; id < kResetCount; ++id) {
    const ResourceStatus status = *core.Status(Resource::Of(ResetId(id)));
    const std::string complaint = model_.CheckReset(
        ResetId(id), rig_.firmware().asserted(ResetId(id)), status.quarantined_for.has_value());
    if (!complaint.empty()) Complain(complaint);
  }
  CompareAnswers();
  CompareCounts();
}

void RandomWalk::CompareGate(Resource resource, bool model_on, bool hardware_on) {
  const ResourceStatus status = *rig_.core().Status(resource);
  CompareHolders(status);
  if (status.busy) Complain(absl::StrCat(status.name, " is busy at rest"));
  const bool in_doubt = status.gate == GateState::kUnknown || status.quarantined_for.has_value();
  if (in_doubt && weather_.refused + weather_.failed + weather_.lost + weather_.overdue == 0) {
    Complain(absl::StrCat(status.name, " is in doubt though nothing failed"));
  }
  if (!in_doubt && model_on != hardware_on) {
    Complain(absl::StrCat(status.name, " is ", hardware_on ? "on" : "off", ", and should not be"));
  }
}

void RandomWalk::CompareHolders(const ResourceStatus& status) {
  for (uint32_t slot = 0; slot < kAgents; ++slot) {
    const VmId vm(slot);
    const auto has = [vm](const std::vector<VmId>& list) {
      return std::find(list.begin(), list.end(), vm) != list.end();
    };
    const bool clock = status.resource.kind == ResourceKind::kClock;
    // Who relies on the host's pin holds the clock as much as who voted for it.
    const bool holds = clock ? model_.Votes(vm, ClockId(status.resource.id)) ||
                                   model_.Implied(vm, ClockId(status.resource.id))
                             : model_.Votes(vm, DomainId(status.resource.id));
    if (has(status.holders) != holds) {
      Complain(absl::StrCat(status.name, has(status.holders) ? " is held by " : " isn't held by ",
                            slot));
    }
    if (clock && has(status.implied) != model_.Implied(vm, ClockId(status.resource.id))) {
      Complain(absl::StrCat(status.name, ": implied vote of ", slot));
    }
  }
}

// A VM's own question gets its own vote.
void RandomWalk::CompareAnswers() {
  for (int i = 0; i < 4; ++i) {
    const VmId vm(1 + Below(kAgents - 1));
    const ClockId clock(1 + Below(kClockCount - 1));
    if (clock == kHole) continue;
    if (rig_.Votes(vm, clock) != model_.Votes(vm, clock)) {
      Complain(absl::StrCat("IS_ENABLED of ", clock.value(), " by ", vm.value()));
    }
    const DomainId domain(Below(kDomainCount));
    if (rig_.Votes(vm, domain) != model_.Votes(vm, domain)) {
      Complain(absl::StrCat("GET_STATE of ", domain.value(), " by ", vm.value()));
    }
  }
}

void RandomWalk::CompareCounts() {
  for (const VmStatus& vm : rig_.core().Vms()) {
    uint32_t clocks = 0;
    for (uint32_t id = 0; id < kClockCount; ++id) clocks += model_.Votes(vm.vm, ClockId(id));
    if (vm.clock_votes != clocks) Complain(absl::StrCat("clock votes of ", vm.name));
    if (vm.waiting != 0) Complain(absl::StrCat(vm.name, " waits at rest"));
    if (vm.releasing) Complain(absl::StrCat("the release of ", vm.name, " never ends"));
  }
}

void RandomWalk::End() {
  if (!complaint_.empty()) return;
  for (uint32_t slot = 1; slot < kAgents; ++slot) Die(VmId(slot));
  for (const ClockId clock : kHostClocks) Ask(kHost, Disable(clock));
  Rest();
  for (const Resource resource : rig_.core().Resources(ResourceKind::kClock)) {
    const ClockId clock(resource.id);
    if (rig_.firmware().on(clock) != (clock == kFound)) {
      Complain(absl::StrCat("at the end ", clock.value(), " is wrong"));
    }
    const ResourceStatus status = *rig_.core().Status(resource);
    if (!status.rate_votes.empty()) Complain(absl::StrCat(status.name, " has rate votes"));
    if (status.owes) Complain(absl::StrCat(status.name, " owes its boot rate or parent"));
  }
  for (uint32_t id = 0; id < kResetCount; ++id) {
    if (rig_.core().Status(Resource::Of(ResetId(id)))->owes) {
      Complain(absl::StrCat("reset ", id, " is still to be asserted"));
    }
  }
}

}  // namespace bpmp::core::testing
