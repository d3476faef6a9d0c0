// SPDX-License-Identifier: Apache-2.0
// RequestTable: asking what the guest will ask next.
#include <utility>

#include "broker/base/endian.h"
#include "qemu-client/src/request_table.h"

namespace bpmp::client {

RequestTable::Slot* RequestTable::ClaimGuess(const Query& query, absl::Time now) {
  if (guess_ == nullptr || guess_->query->clk != query.clk) return nullptr;
  if (guess_holds_ && guess_->query == query && now - guessed_at_ <= ReadAhead::kFresh) {
    return std::exchange(guess_, nullptr);
  }
  // The guest's own answer will be newer.
  guess_holds_ = false;
  return nullptr;
}

void RequestTable::Guess(const Call& call, const Query& query, absl::Time now, bool* wake) {
  const std::optional<Query> next = ahead_.Next(query);
  if (!next.has_value() || !MayGuess()) return;
  std::array<uint8_t, sizeof(uint32_t)> tx = {};
  StoreLe(absl::MakeSpan(tx), 0, next->clk.word());
  Call guess = call;
  guess.tx = tx;
  guess.waiter = {};
  guess_ = Add(guess, next);
  guessed_at_ = now;
  guess_holds_ = true;
  Await(guess_, guess, now, wake);
}

bool RequestTable::MayGuess() const {
  if (guess_ != nullptr) return false;
  uint32_t used = 0;
  uint32_t sent = 0;
  for (const Slot& slot : slots_) {
    if (!slot.used) continue;
    if (!slot.query.has_value()) return false;
    ++used;
    if (slot.sent) ++sent;
  }
  // What has ended without its answer may still be at work.
  const bool settled = generation_ == done_generation_ && unanswered_ == sent;
  return connected_ && settled && used < kMaxWaiting && used + 2 <= limit_;
}

void RequestTable::Look(const Slot& slot, int32_t error, absl::Span<const uint8_t> rx) {
  if (error == 0) ahead_.Seen(*slot.query);
  if (&slot == guess_ && guess_holds_) ahead_.Keep(*slot.query, guessed_at_, error, rx);
}

void RequestTable::DropGuesses() {
  guess_holds_ = false;
  ahead_.Drop();
}

}  // namespace bpmp::client
