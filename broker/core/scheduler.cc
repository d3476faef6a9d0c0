// SPDX-License-Identifier: Apache-2.0
#include "broker/core/scheduler.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "broker/core/core.h"
#include "broker/mrq/codec.h"

namespace bpmp::core {

void Op::Leave(Ticket ticket) {
  std::erase_if(waiters_, [&](const Waiter& waiter) { return waiter.ticket == ticket; });
}

bool Op::WaitedForBy(VmId vm) const {
  return std::any_of(waiters_.begin(), waiters_.end(),
                     [&](const Waiter& waiter) { return waiter.vm == vm; });
}

void Op::Done(bool ok) {
  if (!done_) return;
  const DoneFn done = std::exchange(done_, nullptr);
  const Reason failure = overdue_ ? Reason::kTimedOut : Reason::kFirmwareRefused;
  done(ok ? Reason::kNone : failure);
}

Scheduler::OpState* Scheduler::Adopt(std::unique_ptr<Op> op) {
  Op* const adopted = op.get();
  OpState& state = ops_[adopted];
  state.op = std::move(op);
  for (const Waiter& waiter : adopted->waiters()) {
    if (waiter.ticket != Ticket()) tickets_[waiter.ticket] = {adopted, waiter.vm};
  }
  if (adopted->mutating()) {
    for (const Line line : adopted->lines()) ++lines_[line].mutating;
  }
  return &state;
}

Op* Scheduler::Start(std::unique_ptr<Op> op) {
  Op* const started = op.get();
  OpState* const state = Adopt(std::move(op));
  for (const Line line : started->lines()) {
    std::vector<Op*>& queue = lines_[line].queue;
    if (!queue.empty()) {
      ++state->missing;
      if (queue.back()->overdue()) late_.push_back(started);
    }
    queue.push_back(started);
  }
  if (state->missing == 0) ready_.push_back(started);
  return started;
}

void Scheduler::Renew(Op* old, std::unique_ptr<Op> op) {
  Op* const renewed = op.get();
  OpState* const state = Adopt(std::move(op));
  for (const Line line : renewed->lines()) {
    std::vector<Op*>& queue = lines_[line].queue;
    auto place = queue.begin();
    if (place != queue.end() && *place == old) ++place;
    if (place == queue.begin() && place != queue.end()) {
      OpState& first = ops_[*place];
      if (first.begun) {
        ++state->missing;
        if (first.op->overdue()) late_.push_back(renewed);
        ++place;
      } else {
        ++first.missing;
      }
    } else if (place != queue.begin()) {
      ++state->missing;  // until `old` leaves
    }
    queue.insert(place, renewed);
  }
  if (state->missing == 0) ready_.push_back(renewed);
  Finish(old);
}

void Scheduler::Run(Op* op, const mrq::Request& request) {
  const TransferId id(next_transfer_++);
  transfers_[id] = op;
  effects_->transfers.push_back({id, op->vm(), request, op->patient()});
}

void Scheduler::Reply(Ticket ticket, const mrq::Response& response, Reason reason) {
  if (ticket == Ticket()) return;
  tickets_.erase(ticket);
  effects_->replies.push_back({ticket, response, reason});
}

void Scheduler::Wait(Op* op, Waiter waiter) {
  op->AddWaiter(waiter);
  if (waiter.ticket != Ticket()) tickets_[waiter.ticket] = {op, waiter.vm};
}

void Scheduler::Finish(Op* op) {
  const auto it = ops_.find(op);
  if (it == ops_.end()) return;
  graveyard_.push_back(std::move(it->second.op));
  ops_.erase(it);
  for (const Line line : op->lines()) GiveBack(op, line);
}

void Scheduler::GiveBack(Op* op, Line index) {
  LineState& line = lines_[index];
  if (op->mutating()) --line.mutating;
  line.queue.erase(line.queue.begin());
  if (line.queue.empty()) return;
  Op* const next = line.queue.front();
  if (--ops_[next].missing == 0) ready_.push_back(next);
}

void Scheduler::Complete(TransferId transfer, const Outcome& outcome) {
  const auto it = transfers_.find(transfer);
  if (it == transfers_.end()) return;
  Op* const op = it->second;
  transfers_.erase(it);
  op->Answer(machine_, outcome);
}

void Scheduler::Overdue(TransferId transfer) {
  const auto it = transfers_.find(transfer);
  if (it == transfers_.end()) return;
  late_.push_back(it->second);
}

void Scheduler::SpreadOverdue() {
  Op* const op = late_.front();
  late_.pop_front();
  if (!ops_.contains(op) || op->overdue()) return;
  for (const Line line : op->lines()) {
    const std::vector<Op*>& queue = lines_[line].queue;
    late_.insert(late_.end(), std::find(queue.begin(), queue.end(), op) + 1, queue.end());
  }
  op->Overdue();
}

void Scheduler::Expire(Ticket ticket) {
  const auto it = tickets_.find(ticket);
  if (it == tickets_.end()) return;
  Op* const op = it->second.op;
  op->Leave(ticket);
  Reply(ticket, mrq::Fail(op->late_answer()), Reason::kTimedOut);
}

void Scheduler::Abandon(VmId vm, mrq::Error error, Reason reason) {
  std::vector<std::pair<Ticket, Op*>> mine;
  for (const auto& [ticket, state] : tickets_) {
    if (state.vm == vm) mine.emplace_back(ticket, state.op);
  }
  std::sort(mine.begin(), mine.end());
  for (const auto& [ticket, op] : mine) {
    op->Leave(ticket);
    Reply(ticket, mrq::Fail(error), reason);
  }
}

void Scheduler::Pump() {
  while (!ready_.empty() || !late_.empty()) {
    if (!late_.empty()) {
      SpreadOverdue();
      continue;
    }
    Op* const op = ready_.front();
    ready_.pop_front();
    // A renewed one may have gone before it, so that it became ready a second time.
    const auto it = ops_.find(op);
    if (it == ops_.end() || it->second.begun || it->second.missing > 0) continue;
    it->second.begun = true;
    op->Begin(machine_);
  }
  graveyard_.clear();
}

bool Scheduler::Pending(VmId vm, Line line) const {
  const std::vector<Op*>& queue = lines_[line].queue;
  return std::any_of(queue.begin(), queue.end(),
                     [&](const Op* op) { return op->mutating() && op->WaitedForBy(vm); });
}

Op* Scheduler::Tail(Line line) const {
  const std::vector<Op*>& queue = lines_[line].queue;
  return queue.empty() ? nullptr : queue.back();
}

uint32_t Scheduler::Waiting(VmId vm) const {
  return static_cast<uint32_t>(std::count_if(tickets_.begin(), tickets_.end(),
                                             [&](const auto& t) { return t.second.vm == vm; }));
}

std::vector<Line> Scheduler::BusyFor(VmId vm) const {
  std::vector<Line> busy;
  for (const auto& [op, state] : ops_) {
    if (!op->mutating() || (op->vm() != vm && !op->WaitedForBy(vm))) continue;
    busy.insert(busy.end(), op->lines().begin(), op->lines().end());
  }
  std::sort(busy.begin(), busy.end());
  busy.erase(std::unique(busy.begin(), busy.end()), busy.end());
  return busy;
}

}  // namespace bpmp::core
