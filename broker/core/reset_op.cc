// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "broker/core/machine.h"
#include "broker/core/ops.h"
#include "broker/mrq/codec.h"

namespace bpmp::core {

int64_t MarkAfter(mrq::ResetCmd cmd) {
  return cmd == mrq::ResetCmd::kAssert ? 0 : kResetWanted | kResetTouched;
}

void ResetOp::Begin(Machine& machine) {
  if (purpose_ == Purpose::kRequest) {
    // A caller that has left needs no reset; one that still waits may have lost the right to it.
    if (waiters_.empty()) return machine.scheduler.Finish(this);
    const Verdict verdict = machine.judge.Reset(vm(), cmd_, reset_);
    if (verdict.kind == Verdict::Kind::kRefuse) {
      ReplyAll(machine, mrq::Fail(verdict.error), verdict.reason);
      return machine.scheduler.Finish(this);
    }
    if (verdict.kind == Verdict::Kind::kSettled) {
      Mark(machine, false);
      ReplyAll(machine, mrq::Ok(), verdict.reason);
      return machine.scheduler.Finish(this);
    }
  }
  mrq::ResetRequest request;
  request.cmd = cmd_;
  request.reset = reset_;
  machine.scheduler.Run(this, request);
}

void ResetOp::Mark(Machine& machine, bool lost) {
  if (vm() == kHost) return;
  int64_t mark = purpose_ == Purpose::kRelease ? 0 : MarkAfter(cmd_);
  // After a lost answer the line may be deasserted: a release must still assert it.
  if (lost) mark |= kResetTouched;
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
    machine.Emit(EventKind::kReset, vm(), resource, static_cast<int64_t>(cmd_) - 1);
  } else if (lost) {
    machine.Apply(Change::Kind::kResetState, vm(), resource,
                  static_cast<int64_t>(ResetState::kUnknown));
  }
  if (ok || unpowered || lost) Mark(machine, lost);

  if (purpose_ == Purpose::kGrant || ok || unpowered) {
    ReplyAll(machine, mrq::Ok(), Reason::kReset);
  } else if (answered) {
    ReplyAll(machine, outcome.response, Reason::kFirmwareRefused);
  } else {
    ReplyAll(machine, mrq::Fail(lost ? mrq::Error::kTimedOut : mrq::Error::kIo),
             lost ? Reason::kTimedOut : Reason::kBackendFailed);
  }
  machine.scheduler.Finish(this);
  Done(ok || unpowered);
}

}  // namespace bpmp::core
