// SPDX-License-Identifier: Apache-2.0
#include <utility>
#include <variant>

#include "broker/core/machine.h"
#include "broker/core/ops.h"
#include "broker/mrq/codec.h"

namespace bpmp::core {

void Op::ReplyAll(Machine& machine, const mrq::Response& response, Reason reason) {
  for (const Waiter& waiter : std::exchange(waiters_, {})) {
    machine.scheduler.Reply(waiter.ticket, response, reason);
  }
}

void ReadOp::Begin(Machine& machine) {
  if (waiters_.empty() && !needed_) return machine.scheduler.Finish(this);
  machine.scheduler.Run(this, request_);
}

void ReadOp::Answer(Machine& machine, const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::kFailed:
      ReplyAll(machine, mrq::Fail(outcome.failure), Reason::kBackendFailed);
      break;
    case Outcome::Kind::kLost:
      ReplyAll(machine, mrq::Fail(mrq::Error::kTimedOut), Reason::kTimedOut);
      break;
    case Outcome::Kind::kAnswered:
      if (outcome.response.ok() && request_.cmd == mrq::ClkCmd::kGetRate) {
        if (const auto hz = mrq::ReadRate(outcome.response); hz.ok()) {
          machine.tree.SetRate(request_.clock, *hz);
          machine.CatchUpRateVotes(request_.clock);
        }
      } else if (outcome.response.ok() && request_.cmd == mrq::ClkCmd::kGetParent) {
        if (const auto parent = mrq::ReadU32(outcome.response); parent.ok()) {
          machine.NoteParent(request_.clock, ClockId(*parent));
        }
      } else if (outcome.response.ok() && request_.cmd == mrq::ClkCmd::kGetFmaxAtVmin) {
        if (const auto hz = mrq::ReadRate(outcome.response); hz.ok()) {
          machine.fmax_at_vmin[request_.clock] = *hz;
        }
      }
      ReplyAll(machine, outcome.response,
               outcome.response.ok() ? Reason::kReadable : Reason::kFirmwareRefused);
  }
  machine.scheduler.Finish(this);
}

void LaterOp::Begin(Machine& machine) {
  // Who went away has not been shown anything.
  if (waiters_.empty()) return machine.scheduler.Finish(this);
  const auto* clk = std::get_if<mrq::ClkRequest>(&request_);
  if (clk != nullptr && clk->cmd == mrq::ClkCmd::kGetAllInfo) {
    ReplyAll(machine, mrq::OkClkInfo(machine.ShowInfo(vm(), clk->clock)), Reason::kReadable);
  } else if (clk != nullptr) {
    const Verdict verdict = machine.judge.IsEnabled(vm(), clk->clock);
    ReplyAll(machine, mrq::OkU32(static_cast<uint32_t>(verdict.value)), verdict.reason);
  } else if (const auto* pg = std::get_if<mrq::PgRequest>(&request_)) {
    const Verdict verdict = machine.judge.GetState(vm(), pg->domain);
    ReplyAll(machine, mrq::OkU32(static_cast<uint32_t>(verdict.value)), verdict.reason);
  }
  machine.scheduler.Finish(this);
}

}  // namespace bpmp::core
