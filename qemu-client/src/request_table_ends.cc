// SPDX-License-Identifier: Apache-2.0
// RequestTable: what happens as time passes, and how requests end without an answer.
#include <algorithm>
#include <cerrno>

#include "qemu-client/src/request_table.h"

namespace bpmp::client {

// --- Time ---------------------------------------------------------------------------------------

bool RequestTable::Overdue(absl::Time now, absl::Time half, absl::Time deadline, bool* probed) {
  if (now >= deadline) return true;
  if (now >= half && !*probed) {
    *probed = true;
    probe_wanted_ = probe_ == 0;
  }
  return false;
}

RequestTable::Ticked RequestTable::Tick(absl::Time now) {
  EndedList ended;
  Ticked ticked;
  {
    MutexLock lock(&mutex_);
    const int status = connected_ ? -ETIMEDOUT : -ENOTCONN;
    bool block = false;
    for (Slot& slot : slots_) {
      if (!slot.used || !Overdue(now, slot.half, slot.deadline, &slot.probed)) continue;
      // What the guest didn't ask for is no reason to let it wait for nothing any more.
      block = block || (&slot != guess_ && (!connected_ || heard_ < slot.half));
      Fail(&slot, status, &ended);
    }
    std::erase_if(reset_waiters_, [&](ResetWaiter& waiting) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      if (!Overdue(now, waiting.half, waiting.deadline, &waiting.probed)) return false;
      block = block || !connected_ || heard_ < waiting.half;
      ended.push_back({waiting.waiter, status});
      return true;
    });
    ticked.blocked = block && blocked_ == 0;
    if (ticked.blocked) {
      blocked_ = status;
      // In any case a sign of life is on its way that will end this.
      probe_wanted_ = connected_ && probe_ == 0;
    }
    ticked.write = probe_wanted_ && CanTake();
    ticked.ended = !ended.empty();
  }
  Tell(ended);
  return ticked;
}

absl::Time RequestTable::NextTick() {
  MutexLock lock(&mutex_);
  armed_ = absl::InfiniteFuture();
  for (const Slot& slot : slots_) {
    if (slot.used) armed_ = std::min(armed_, slot.probed ? slot.deadline : slot.half);
  }
  for (const ResetWaiter& waiting : reset_waiters_) {
    armed_ = std::min(armed_, waiting.probed ? waiting.deadline : waiting.half);
  }
  return armed_;
}

size_t RequestTable::waiting() const {
  MutexLock lock(&mutex_);
  return static_cast<size_t>(std::count_if(slots_.begin(), slots_.end(),
                                           [](const Slot& slot) { return slot.used; })) +
         reset_waiters_.size();
}

absl::Time RequestTable::heard() const {
  MutexLock lock(&mutex_);
  return heard_;
}

// --- Ends ---------------------------------------------------------------------------------------

void RequestTable::Fail(Slot* slot, int status, EndedList* ended) {
  if (slot->generation == generation_) {
    votes_.Note(slot->mrq, {slot->tx.data(), slot->tx_size}, false);
  }
  ended->push_back({slot->waiter, status});
  Free(slot);
}

void RequestTable::FailResets(int status, EndedList* ended) {
  for (const ResetWaiter& waiting : reset_waiters_) ended->push_back({waiting.waiter, status});
  reset_waiters_.clear();
}

void RequestTable::Tell(const EndedList& ended) {
  for (const Ended& end : ended) end.waiter.Tell(end.status);
}

void RequestTable::Close() {
  EndedList ended;
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    for (Slot& slot : slots_) {
      if (slot.used) Fail(&slot, -ESHUTDOWN, &ended);
    }
    FailResets(-ESHUTDOWN, &ended);
  }
  Tell(ended);
}

RequestTable::Votes RequestTable::votes() const {
  MutexLock lock(&mutex_);
  return {votes_.clocks(), votes_.domains()};
}

}  // namespace bpmp::client
