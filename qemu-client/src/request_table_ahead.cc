// SPDX-License-Identifier: Apache-2.0
// RequestTable: asking what the guest will ask next.
#include <algorithm>

#include "broker/base/endian.h"
#include "qemu-client/src/request_table.h"

namespace bpmp::client {

std::optional<Query> RequestTable::QueryOf(const Call& call) {
  const std::optional<Query> query = Query::Of(call.mrq, call.tx, call.rx_size);
  if (!query.has_value()) DropGuesses();
  return call.read_ahead ? query : std::nullopt;
}

RequestTable::Slot* RequestTable::FindGuess(const Query& query, absl::Time now) {
  const auto it = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) {
    return slot.used && slot.guess && !slot.stale && slot.query == query &&
           now - slot.asked <= ReadAhead::kFresh;
  });
  return it == slots_.end() ? nullptr : &*it;
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
  if (slot == nullptr) return;
  Await(slot, guess, now, wake);
  slot->guess = true;
  slot->asked = now;
}

bool RequestTable::MayGuess() const {
  return connected_ && generation_ == done_generation_ && reset_waiters_.empty() &&
         std::none_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
           return slot.used && (slot.guess || !slot.query.has_value());
         });
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
