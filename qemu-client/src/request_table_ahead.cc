// SPDX-License-Identifier: Apache-2.0
// RequestTable: asking what the guest will ask next.
#include "broker/base/endian.h"
#include "qemu-client/src/request_table.h"

namespace bpmp::client {

std::optional<Query> RequestTable::QueryOf(const Call& call) {
  const std::optional<Query> query =
      call.read_ahead ? Query::Of(call.mrq, call.tx, call.rx_size) : std::nullopt;
  if (!query.has_value()) DropGuesses();
  return query;
}

RequestTable::Slot* RequestTable::FindGuess(const Query& query, absl::Time now) {
  for (Slot& slot : slots_) {
    if (!slot.used || !slot.guess || slot.stale || slot.query->word != query.word) continue;
    if (slot.query == query && now - slot.asked <= ReadAhead::kFresh) return &slot;
    // The guest's own answer is newer.
    slot.stale = true;
  }
  return nullptr;
}

void RequestTable::Guess(const Call& call, const Query& query, absl::Time now, bool* wake) {
  const std::optional<Query> next = ahead_.Next(query);
  if (!next.has_value() || !MayGuess()) return;
  std::array<uint8_t, sizeof(next->word)> tx = {};
  StoreLe(absl::MakeSpan(tx), 0, next->word);
  Call guess = call;
  guess.tx = tx;
  guess.waiter = {};
  Slot* const slot = Add(guess);
  Await(slot, guess, now, wake);
  slot->guess = true;
  slot->asked = now;
}

bool RequestTable::MayGuess() const {
  uint32_t used = 0;
  uint32_t sent = 0;
  for (const Slot& slot : slots_) {
    if (!slot.used) continue;
    if (slot.guess || !slot.query.has_value()) return false;
    ++used;
    if (slot.sent) ++sent;
  }
  // What has ended without its answer may still be at work.
  const bool settled = generation_ == done_generation_ && unanswered_ == sent;
  return connected_ && settled && used < kMaxWaiting && used + 2 <= limit_;
}

void RequestTable::Look(const Slot& slot, int32_t error, absl::Span<const uint8_t> rx) {
  if (error == 0) ahead_.Seen(*slot.query);
  if (slot.guess && !slot.stale) ahead_.Keep(*slot.query, slot.asked, error, rx);
}

void RequestTable::DropGuesses() {
  for (Slot& slot : slots_) slot.stale = true;
  ahead_.Drop();
}

}  // namespace bpmp::client
