// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_OP_H_
#define BROKER_CORE_OP_H_

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "broker/base/ids.h"
#include "broker/core/event.h"
#include "broker/core/ledger.h"
#include "broker/mrq/types.h"

namespace bpmp::core {

struct Machine;
struct Outcome;

// Who waits for an operation. A ticket of 0 is nobody: the operation is internal, or its caller has
// been answered already.
struct Waiter {
  VmId vm;
  Ticket ticket;
};

// Something that takes one or more transfers: an edge, a read, a rate change. It holds one or more
// lines for as long as it runs, so that a resource has at most one transfer in flight and requests
// for it are done in order. The scheduler owns it and calls it; it calls the machine.
//
// Life: the scheduler queues it on its lines and waits until it is the first on all; then Begin();
// then one Answer() for each transfer it runs; until it finishes itself (Scheduler::Finish).
class Op {
 public:
  // `lines` ascending; none for what concerns no resource. `vm`: on whose behalf.
  Op(VmId vm, std::vector<Line> lines) : vm_(vm), lines_(std::move(lines)) {}
  virtual ~Op() = default;
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;

  virtual void Begin(Machine& machine) = 0;
  virtual void Answer(Machine& machine, const Outcome& outcome) = 0;
  // Changes something, or answers what depends on such changes.
  virtual bool mutating() const { return true; }
  // Its transfers may wait as long as they must for their turn at the backend, because they must
  // not fail by load: what turns something off or undoes something.
  virtual bool patient() const { return false; }
  // A caller has been answered without waiting further. The default forgets it.
  virtual void Leave(Ticket ticket);
  // What such a caller is told when its time is up.
  virtual mrq::Error late_answer() const { return mrq::Error::kTimedOut; }
  // A transfer of it, or of what it waits for, has passed its deadline: whoever waits for `done`
  // stops waiting.
  void Overdue() {
    overdue_ = true;
    Done(false);
  }
  bool overdue() const { return overdue_; }

  VmId vm() const { return vm_; }
  const std::vector<Line>& lines() const { return lines_; }
  std::vector<Waiter>& waiters() { return waiters_; }
  void AddWaiter(Waiter waiter) { waiters_.push_back(waiter); }
  bool WaitedForBy(VmId vm) const;

  // Called once, when the operation ends or is overdue, with why it failed, or kNone.
  using DoneFn = std::function<void(Reason)>;
  void set_done(DoneFn done) { done_ = std::move(done); }

 protected:
  // Answers everybody and forgets them.
  void ReplyAll(Machine& machine, const mrq::Response& response, Reason reason);
  void Done(bool ok);
  DoneFn TakeDone() { return std::exchange(done_, nullptr); }

  std::vector<Waiter> waiters_;

 private:
  const VmId vm_;
  const std::vector<Line> lines_;
  DoneFn done_;
  bool overdue_ = false;
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_OP_H_
