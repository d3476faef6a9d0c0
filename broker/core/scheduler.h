// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_SCHEDULER_H_
#define BROKER_CORE_SCHEDULER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "broker/base/ids.h"
#include "broker/core/event.h"
#include "broker/core/ledger.h"
#include "broker/core/op.h"
#include "broker/mrq/types.h"

namespace bpmp::core {

struct Effects;

// Who runs, who waits. Each operation queues on all its lines at once and runs when it is the first
// on all of them: what concerns one resource is done in the order of asking, and nothing can
// deadlock. Keeps track of transfers and tickets; collects what follows into the effects of the
// call in progress.
class Scheduler {
 public:
  // `machine` is not owned.
  Scheduler(Machine* machine, size_t lines) : machine_(*machine), lines_(lines) {}

  // All that follows until the next call goes to `effects`.
  void Collect(Effects* effects) { effects_ = effects; }

  // Takes over the operation and runs it as soon as its lines are free, which may be at once.
  Op* Start(std::unique_ptr<Op> op);

  // Ends `old`, which has all its lines, in favour of `op`, which needs others: it takes the place
  // of `old` and goes before all that has not begun, so that nothing asked later overtakes it.
  void Renew(Op* old, std::unique_ptr<Op> op);

  // --- For operations ---
  void Run(Op* op, const mrq::Request& request);
  void Reply(Ticket ticket, const mrq::Response& response, Reason reason);
  // Frees the lines and destroys the operation at the end of the call in progress.
  void Finish(Op* op);
  // Makes the ticket wait for the operation.
  void Wait(Op* op, Waiter waiter);

  // --- For the core ---
  void Complete(TransferId transfer, const Outcome& outcome);
  void Overdue(TransferId transfer);
  // Answers the ticket now, if it waits.
  void Expire(Ticket ticket);
  // Answers all tickets of the VM with `error`; nothing that they asked for is recorded.
  void Abandon(VmId vm, mrq::Error error, Reason reason);
  // Runs what became ready. To be called at the end of every entry into the core.
  void Pump();

  bool HasWork() const { return !ready_.empty() || !late_.empty(); }
  bool Idle(Line line) const { return lines_[line].queue.empty(); }
  // Something that changes the resource runs or waits.
  bool Mutating(Line line) const { return lines_[line].mutating > 0; }
  // `vm` waits for something that changes the resource.
  bool Pending(VmId vm, Line line) const;
  // The last that was asked for; null when idle.
  Op* Tail(Line line) const;
  uint32_t Waiting(VmId vm) const;
  // Lines where an operation of the VM runs or waits.
  std::vector<Line> BusyFor(VmId vm) const;

 private:
  struct LineState {
    std::vector<Op*> queue;  // the first one has the line; mostly empty, always short
    uint32_t mutating = 0;
  };
  struct OpState {
    std::unique_ptr<Op> op;
    size_t missing = 0;  // lines that it doesn't have yet
    bool begun = false;
  };
  struct TicketState {
    Op* op = nullptr;
    VmId vm;
  };

  // Takes over the operation without queueing it.
  OpState* Adopt(std::unique_ptr<Op> op);
  // Takes the operation from the front of the line.
  void GiveBack(Op* op, Line line);
  // An operation that won't end soon: it, and all that wait behind it, are overdue.
  void SpreadOverdue();

  Machine& machine_;
  Effects* effects_ = nullptr;
  std::vector<LineState> lines_;
  absl::flat_hash_map<Op*, OpState> ops_;
  absl::flat_hash_map<TransferId, Op*> transfers_;
  absl::flat_hash_map<Ticket, TicketState> tickets_;
  std::deque<Op*> ready_;
  std::deque<Op*> late_;  // to be told that they are overdue
  std::vector<std::unique_ptr<Op>> graveyard_;
  uint64_t next_transfer_ = 1;
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_SCHEDULER_H_
