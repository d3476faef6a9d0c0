// SPDX-License-Identifier: Apache-2.0
// RequestTable: how requests are asked, sent and answered. How they end otherwise:
// request_table_ends.cc.
#include "qemu-client/src/request_table.h"

#include <algorithm>
#include <cerrno>

namespace bpmp::client {
namespace {

// Asked before a reset where the session has asked for nothing yet: the broker takes a reset that
// is the first thing a resumed session says for that of the VMM's own start, and releases nothing.
constexpr uint32_t kMrqPing = 0;
constexpr size_t kPingSize = 4;

}  // namespace

// --- Asking -------------------------------------------------------------------------------------

int RequestTable::Submit(const Call& call, absl::Time now, bool* wake) {
  const std::optional<Query> query = Query::Of(call.mrq, call.tx, call.rx_size);
  int blocked = 0;
  std::optional<ReadAhead::Answer> answer;
  *wake = false;
  {
    MutexLock lock(&mutex_);
    if (closed_) return -ESHUTDOWN;
    blocked = blocked_;
    if (blocked != 0) {
      votes_.Note(call.mrq, call.tx, false);
    } else {
      const bool ahead = call.read_ahead && query.has_value();
      if (ahead) {
        answer = ahead_.Take(*query, now);
      } else {
        DropGuesses();
      }
      if (!answer.has_value()) {
        if (!HasPlace()) return -EBUSY;
        Slot* slot = ahead ? ClaimGuess(*query, now) : nullptr;
        if (slot == nullptr) slot = Add(call, query);
        Await(slot, call, now, wake);
      }
      if (ahead) Guess(call, *query, now, wake);
    }
  }
  if (blocked != 0) call.waiter.Tell(blocked);
  if (answer.has_value()) {
    Deliver(call.waiter, answer->error, {answer->rx.data(), answer->rx_size}, answer->rx_size);
  }
  return 0;
}

int RequestTable::Reset(Waiter waiter, absl::Duration timeout, absl::Time now, bool* wake) {
  int blocked = 0;
  {
    MutexLock lock(&mutex_);
    if (closed_) return -ESHUTDOWN;
    blocked = blocked_;
    if (blocked == 0) {
      reset_waiters_.push_back(
          {generation_ + 1, now + timeout / 2, now + timeout, /*probed=*/false, waiter});
      *wake = NeedsWake(reset_waiters_.back().half);
    }
    ++generation_;
    votes_.Clear();
    DropGuesses();
    ahead_.Restart();
  }
  if (blocked != 0) waiter.Tell(blocked);
  return 0;
}

bool RequestTable::HasPlace() const {
  // The last place is a guess's.
  int needed = guess_ == nullptr ? 2 : 1;
  for (const Slot& slot : slots_) {
    if (!slot.used && --needed == 0) return true;
  }
  return false;
}

RequestTable::Slot* RequestTable::Add(const Call& call, const std::optional<Query>& query) {
  Slot* const slot =
      std::find_if(slots_.begin(), slots_.end(), [](const Slot& one) { return !one.used; });
  slot->used = true;
  slot->sent = false;
  slot->ticket = ++last_ticket_;
  slot->generation = generation_;
  slot->mrq = call.mrq;
  slot->tx_size = call.tx.size();
  slot->rx_size = call.rx_size;
  std::copy(call.tx.begin(), call.tx.end(), slot->tx.begin());
  slot->query = query;
  return slot;
}

void RequestTable::Await(Slot* slot, const Call& call, absl::Time now, bool* wake) {
  slot->waiter = call.waiter;
  slot->probed = false;
  slot->half = now + call.timeout / 2;
  slot->deadline = now + call.timeout;
  if (NeedsWake(slot->half)) *wake = true;
}

void RequestTable::Free(Slot* slot) {
  slot->used = false;
  if (slot == guess_) guess_ = nullptr;
}

bool RequestTable::NeedsWake(absl::Time time) {
  if (time >= armed_) return false;
  armed_ = time;
  return true;
}

// --- The stream ---------------------------------------------------------------------------------

void RequestTable::Connected(uint32_t max_outstanding, absl::Time now) {
  MutexLock lock(&mutex_);
  connected_ = true;
  asked_ = false;
  limit_ = std::max(max_outstanding, 1U);
  unanswered_ = 0;
  Hear(now);
}

void RequestTable::Disconnected(int refusal) {
  EndedList ended;
  {
    MutexLock lock(&mutex_);
    connected_ = false;
    probe_wanted_ = false;
    probe_ = 0;
    // A broker that was silent already, and is gone now, isn't waited for once more.
    if (blocked_ != 0) blocked_ = -ENOTCONN;
    if (refusal != 0) blocked_ = refusal;
    for (Slot& slot : slots_) {
      if (!slot.used) continue;
      if (slot.sent || &slot == guess_) {
        Fail(&slot, -ECONNRESET, &ended);
      } else if (refusal != 0) {
        Fail(&slot, refusal, &ended);
      }
    }
    if (refusal != 0) FailResets(refusal, &ended);
    sent_generation_ = done_generation_;
    sent_resets_.clear();
    ahead_.Drop();
  }
  Tell(ended);
}

bool RequestTable::CanTake() { return connected_ && unanswered_ < limit_; }

bool RequestTable::Take(Outgoing* out) {
  MutexLock lock(&mutex_);
  if (!CanTake()) return false;
  Slot* const next = NextUnsent();
  if (probe_wanted_ && probe_ == 0) {
    probe_wanted_ = false;
    out->kind = Outgoing::Kind::kKeepAlive;
    probe_ = last_sequence_ + 1;
  } else if (next != nullptr && next->generation <= sent_generation_) {
    TakeRequest(next, out);
  } else if (sent_generation_ < generation_) {
    TakeReset(next, out);
  } else {
    return false;
  }
  out->sequence = ++last_sequence_;
  ++unanswered_;
  return true;
}

RequestTable::Slot* RequestTable::NextUnsent() {
  Slot* next = nullptr;
  for (Slot& slot : slots_) {
    if (!slot.used || slot.sent) continue;
    if (next == nullptr || slot.ticket < next->ticket) next = &slot;
  }
  return next;
}

void RequestTable::TakeRequest(Slot* slot, Outgoing* out) {
  asked_ = true;
  slot->sent = true;
  slot->sequence = last_sequence_ + 1;
  out->kind = Outgoing::Kind::kRequest;
  out->mrq = slot->mrq;
  out->rx_size = static_cast<uint32_t>(slot->rx_size);
  out->tx_size = slot->tx_size;
  std::copy_n(slot->tx.begin(), slot->tx_size, out->tx.begin());
}

void RequestTable::TakeReset(const Slot* next, Outgoing* out) {
  if (!asked_) {
    asked_ = true;
    out->kind = Outgoing::Kind::kRequest;
    out->mrq = kMrqPing;
    out->rx_size = kPingSize;
    out->tx_size = kPingSize;
    out->tx.fill(0);
    return;
  }
  out->kind = Outgoing::Kind::kReset;
  sent_generation_ = next != nullptr ? next->generation : generation_;
  sent_resets_.push_back({last_sequence_ + 1, sent_generation_});
}

void RequestTable::Probe() {
  MutexLock lock(&mutex_);
  probe_wanted_ = probe_ == 0;
}

// --- Answers ------------------------------------------------------------------------------------

void RequestTable::Deliver(const Waiter& waiter, int32_t error, absl::Span<const uint8_t> rx,
                           size_t rx_size) {
  if (error != 0) return waiter.Tell(0, error);
  std::array<uint8_t, kMaxPayload> bytes = {};
  std::copy_n(rx.begin(), std::min(rx.size(), rx_size), bytes.begin());
  waiter.Tell(0, 0, bytes.data(), rx_size);
}

void RequestTable::Hear(absl::Time now) {
  heard_ = now;
  if (connected_) blocked_ = 0;
  if (unanswered_ > 0) --unanswered_;
}

void RequestTable::EndDoneResets(EndedList* ended) {
  std::erase_if(reset_waiters_, [&, done = done_generation_](const ResetWaiter& waiting) {
    if (waiting.generation > done) return false;
    ended->push_back({waiting.waiter, 0});
    return true;
  });
}

void RequestTable::OnResponse(uint64_t sequence, int32_t error, absl::Span<const uint8_t> rx,
                              absl::Time now) {
  Waiter waiter;
  EndedList resets;
  size_t rx_size = 0;
  {
    MutexLock lock(&mutex_);
    Hear(now);
    Slot* slot = nullptr;
    for (Slot& candidate : slots_) {
      if (candidate.used && candidate.sent && candidate.sequence == sequence) slot = &candidate;
    }
    if (slot == nullptr) return;
    // What was asked before a reset says nothing about what the guest holds after it.
    if (slot->generation == generation_ &&
        votes_.Note(slot->mrq, {slot->tx.data(), slot->tx_size}, error == 0)) {
      // The reset before it is done, told or not: doing it once more would drop this vote.
      done_generation_ = generation_;
      EndDoneResets(&resets);
    }
    if (slot->query.has_value()) Look(*slot, error, rx);
    waiter = slot->waiter;
    rx_size = slot->rx_size;
    Free(slot);
  }
  Tell(resets);
  Deliver(waiter, error, rx, rx_size);
}

void RequestTable::OnResetDone(uint64_t sequence, absl::Time now) {
  EndedList ended;
  {
    MutexLock lock(&mutex_);
    Hear(now);
    for (const SentReset& sent : sent_resets_) {
      if (sent.sequence == sequence) done_generation_ = std::max(done_generation_, sent.generation);
    }
    std::erase_if(sent_resets_, [&](const SentReset& sent) { return sent.sequence == sequence; });
    EndDoneResets(&ended);
  }
  Tell(ended);
}

void RequestTable::OnKeepAlive(uint64_t sequence, absl::Time now) {
  MutexLock lock(&mutex_);
  Hear(now);
  if (probe_ == sequence) probe_ = 0;
}

}  // namespace bpmp::client
