// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <utility>

#include "broker/core/machine.h"
#include "broker/core/opt_in_ops.h"
#include "broker/mrq/codec.h"

namespace bpmp::core {
namespace {

int64_t BitOf(const mrq::PcieSwitch& request) { return request.pll ? kPciePll : kPcieState; }

// What the VM has on of the controller now.
void SetMark(Machine& machine, VmId vm, PcieControllerId controller, int64_t mark) {
  const Resource resource = Resource::Of(controller);
  if (machine.ledger.PcieMark(vm, machine.ledger.lines().Of(controller)) != mark) {
    machine.Apply(Change::Kind::kPcieMark, vm, resource, mark);
  }
}

// After a switch: what is said of the hardware, and to whom.
void NoteSwitched(Machine& machine, VmId vm, const mrq::PcieSwitch& request) {
  const Resource resource = Resource::Of(request.controller);
  if (!request.pll) machine.SetGate(resource, request.on ? GateState::kOn : GateState::kOff);
  machine.Emit(request.pll ? EventKind::kEndpointPll : EventKind::kEdge, vm, resource,
               request.on ? 1 : 0);
}

struct Ending {
  mrq::Response response;
  Reason reason = Reason::kEdge;
};

// What a transfer came to for who asked for it.
Ending EndingOf(const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::kLost) {
    return {mrq::Fail(mrq::Error::kTimedOut), Reason::kTimedOut};
  }
  if (outcome.kind == Outcome::Kind::kFailed) {
    return {mrq::Fail(outcome.failure), Reason::kBackendFailed};
  }
  if (outcome.response.ok()) return {mrq::Ok(), Reason::kEdge};
  return {mrq::Fail(static_cast<mrq::Error>(-outcome.response.error)), Reason::kFirmwareRefused};
}

}  // namespace

void PcieOp::Begin(Machine& machine) {
  // Who has left needs nothing switched on; what it wanted off has to be off.
  if (waiters_.empty() && request_.on) return machine.scheduler.Finish(this);
  const Verdict verdict = machine.judge.Pcie(vm(), request_);
  if (verdict.kind == Verdict::Kind::kRefuse) {
    ReplyAll(machine, mrq::Fail(verdict.error), verdict.reason);
    return machine.scheduler.Finish(this);
  }
  machine.scheduler.Run(this, mrq::ToUphyRequest(request_));
}

void PcieOp::Answer(Machine& machine, const Outcome& outcome) {
  const Ending ending = EndingOf(outcome);
  const Resource resource = Resource::Of(request_.controller);
  const int64_t mark =
      machine.ledger.PcieMark(vm(), machine.ledger.lines().Of(request_.controller));
  const bool ok = ending.reason == Reason::kEdge;
  const bool lost = outcome.kind == Outcome::Kind::kLost;
  if (request_.on && (ok || lost)) {
    // After a lost answer it may be on: a release must still switch it off.
    SetMark(machine, vm(), request_.controller, mark | BitOf(request_));
  } else if (!request_.on && ok) {
    SetMark(machine, vm(), request_.controller, mark & ~BitOf(request_));
  }
  if (ok) {
    NoteSwitched(machine, vm(), request_);
  } else {
    if (lost && !request_.pll) machine.SetGate(resource, GateState::kUnknown);
    machine.Emit(EventKind::kEdgeFailed, vm(), resource, request_.on ? 1 : 0, ending.reason,
                 ending.response.error);
  }
  ReplyAll(machine, ending.response, ending.reason);
  machine.scheduler.Finish(this);
}

void PcieReleaseOp::Begin(Machine& machine) { Next(machine); }

void PcieReleaseOp::Next(Machine& machine) {
  const int64_t mark = machine.ledger.PcieMark(vm(), machine.ledger.lines().Of(controller_));
  if (mark == 0) {
    machine.scheduler.Finish(this);
    return Done(!failed_);
  }
  doing_ = (mark & kPciePll) != 0 ? kPciePll : kPcieState;
  machine.scheduler.Run(this, mrq::ToUphyRequest({controller_, doing_ == kPciePll, false}));
}

void PcieReleaseOp::Answer(Machine& machine, const Outcome& outcome) {
  const mrq::PcieSwitch done = {controller_, doing_ == kPciePll, false};
  const Resource resource = Resource::Of(controller_);
  if (EndingOf(outcome).reason == Reason::kEdge) {
    NoteSwitched(machine, vm(), done);
  } else {
    failed_ = true;
    machine.SetGate(resource, GateState::kUnknown);
  }
  const int64_t mark = machine.ledger.PcieMark(vm(), machine.ledger.lines().Of(controller_));
  SetMark(machine, vm(), controller_, mark & ~doing_);
  Next(machine);
}

}  // namespace bpmp::core
