// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdint>
#include <optional>

#include "absl/algorithm/container.h"
#include "broker/core/machine.h"
#include "broker/core/ops.h"
#include "broker/mrq/codec.h"

namespace bpmp::core {
namespace {

// What `cmd` makes of a VM's mark on a reset.
int64_t MarkAfter(mrq::ResetCmd cmd) {
  return cmd == mrq::ResetCmd::kAssert ? 0 : kResetWanted | kResetTouched;
}

// What each exit rule does with a reset that was deasserted or pulsed; absent: nothing.
std::optional<mrq::ResetCmd> CommandFor(ResetOnExit on_exit) {
  constexpr std::array<std::optional<mrq::ResetCmd>, 4> kCommands = {
      mrq::ResetCmd::kAssert, mrq::ResetCmd::kDeassert, mrq::ResetCmd::kModule, std::nullopt};
  return kCommands[static_cast<size_t>(on_exit)];
}

ResetOnExit OnExit(const Machine& machine, VmId vm, ResetId reset) {
  for (const DeviceUse* device : machine.DevicesOf(vm)) {
    if (absl::c_linear_search(device->resets, reset)) return device->reset_on_exit;
  }
  return ResetOnExit::kAssert;
}

}  // namespace

void SettleReset(Machine& machine, VmId vm, ResetId reset, mrq::ResetCmd cmd) {
  const Resource resource = Resource::Of(reset);
  machine.Apply(Change::Kind::kResetMark, vm, resource, MarkAfter(cmd));
  if (cmd != mrq::ResetCmd::kDeassert) {
    machine.Withhold(vm, reset, cmd);
  } else if (machine.ledger.At(resource).assert_owed) {
    machine.Apply(Change::Kind::kAssertOwed, vm, resource, 0);
  }
}

void ResetOp::Begin(Machine& machine) {
  bool wanted = true;
  switch (purpose_) {
    case Purpose::kRequest:
      wanted = BeginRequest(machine);
      break;
    case Purpose::kGrant:
      wanted = BeginGrant(machine);
      break;
    case Purpose::kRelease:
      wanted = BeginRelease(machine);
      break;
    case Purpose::kSettle:
      wanted = machine.ledger.At(Resource::Of(reset_)).assert_owed &&
               machine.judge.Wanting(reset_, kHost).empty();
      if (!wanted) End(machine, true);
      break;
  }
  if (!wanted) return;
  mrq::ResetRequest request;
  request.cmd = cmd_;
  request.reset = reset_;
  machine.scheduler.Run(this, request);
}

bool ResetOp::BeginRequest(Machine& machine) {
  // A caller that has left needs no reset; one that still waits may have lost the right to it.
  if (waiters_.empty()) {
    End(machine, true);
    return false;
  }
  const Verdict verdict = machine.judge.Reset(vm(), cmd_, reset_);
  if (verdict.kind == Verdict::Kind::kProceed) return true;
  if (verdict.kind == Verdict::Kind::kRefuse) {
    ReplyAll(machine, mrq::Fail(verdict.error), verdict.reason);
  } else {
    SettleReset(machine, vm(), reset_, cmd_);
    ReplyAll(machine, mrq::Ok(), verdict.reason);
  }
  End(machine, true);
  return false;
}

bool ResetOp::BeginGrant(Machine& machine) {
  const Verdict verdict = machine.judge.Reset(vm(), cmd_, reset_);
  if (verdict.kind == Verdict::Kind::kProceed) return true;
  machine.Emit(EventKind::kEdgeFailed, vm(), Resource::Of(reset_), 1, verdict.reason,
               mrq::Fail(verdict.error).error);
  ReplyAll(machine, mrq::Ok(), Reason::kReset);
  End(machine, false);
  return false;
}

bool ResetOp::BeginRelease(Machine& machine) {
  const Resource resource = Resource::Of(reset_);
  const int64_t mark = machine.ledger.ResetMark(vm(), machine.ledger.lines().Of(reset_));
  const bool touched = (mark & kResetTouched) != 0;
  const auto command = CommandFor(OnExit(machine, vm(), reset_));
  const bool shared = machine.policy.shared_resets.contains(reset_);
  // Another has it, together with this VM or, by a new policy, in its place.
  const bool others = shared || machine.view.Of(vm(), reset_) != Access::kExclusive;
  const bool wanted = others && !machine.judge.Wanting(reset_, vm()).empty();
  const bool unpowered = machine.Powered(vm(), reset_) == false;
  if (touched && command && !wanted && !unpowered) {
    cmd_ = *command;
    return true;
  }
  if (mark != 0) machine.Apply(Change::Kind::kResetMark, vm(), resource, 0);
  if (touched && (wanted || unpowered)) {
    machine.Emit(EventKind::kReleaseStep, vm(), resource, 0,
                 wanted ? Reason::kWanted : Reason::kUnpowered);
  }
  if (touched && wanted && shared && command == mrq::ResetCmd::kAssert) {
    machine.Withhold(vm(), reset_, *command);
  }
  End(machine, true);
  return false;
}

void ResetOp::Mark(Machine& machine, bool left) {
  if (vm() == kHost || purpose_ == Purpose::kSettle) return;
  int64_t mark = purpose_ == Purpose::kRelease ? 0 : MarkAfter(cmd_);
  // The line may be deasserted still: the next release must assert it.
  if (left) mark |= kResetTouched;
  machine.Apply(Change::Kind::kResetMark, vm(), Resource::Of(reset_), mark);
}

void ResetOp::Answer(Machine& machine, const Outcome& outcome) {
  const Resource resource = Resource::Of(reset_);
  const bool answered = outcome.kind == Outcome::Kind::kAnswered;
  const bool unpowered = answered && purpose_ == Purpose::kRelease &&
                         outcome.response.error == mrq::Fail(mrq::Error::kNotSup).error &&
                         machine.Powered(vm(), reset_) != true;
  const bool ok = answered && outcome.response.ok();
  const bool lost = outcome.kind == Outcome::Kind::kLost;
  if (ok) {
    const ResetState state =
        cmd_ == mrq::ResetCmd::kAssert ? ResetState::kAsserted : ResetState::kDeasserted;
    machine.Apply(Change::Kind::kResetState, vm(), resource, static_cast<int64_t>(state));
    if (machine.ledger.At(resource).assert_owed) {
      machine.Apply(Change::Kind::kAssertOwed, vm(), resource, 0);
    }
    machine.Emit(EventKind::kReset, vm(), resource, static_cast<int64_t>(cmd_) - 1);
  } else if (lost) {
    machine.Apply(Change::Kind::kResetState, vm(), resource,
                  static_cast<int64_t>(ResetState::kUnknown));
  }
  // A VM that is released wants nothing any more, whatever became of it.
  const bool done = ok || unpowered;
  if (done || lost || purpose_ == Purpose::kRelease) Mark(machine, !done);

  mrq::Response response = answered ? outcome.response : mrq::Fail(outcome.failure);
  Reason reason = answered ? Reason::kFirmwareRefused : Reason::kBackendFailed;
  if (lost) {
    response = mrq::Fail(mrq::Error::kTimedOut);
    reason = Reason::kTimedOut;
  }
  if (!ok && !unpowered && purpose_ != Purpose::kRelease) {
    machine.Emit(EventKind::kEdgeFailed, vm(), resource, 0, reason, response.error);
  }
  if (purpose_ == Purpose::kSettle && !ok) {
    machine.Quarantine(vm(), resource, reason, response.error);
  }
  if (purpose_ == Purpose::kGrant || ok || unpowered) {
    ReplyAll(machine, mrq::Ok(), Reason::kReset);
  } else {
    ReplyAll(machine, response, reason);
  }
  End(machine, ok || unpowered);
}

void ResetOp::End(Machine& machine, bool ok) {
  // A mark that went may have been the last that kept the line deasserted.
  // After a release that failed it is an administrator's to say when it may be asserted.
  if (purpose_ != Purpose::kSettle && (ok || purpose_ != Purpose::kRelease)) {
    machine.PayAssert(vm(), reset_);
  }
  machine.scheduler.Finish(this);
  Done(ok);
}

}  // namespace bpmp::core
