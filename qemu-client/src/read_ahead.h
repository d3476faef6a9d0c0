// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_SRC_READ_AHEAD_H_
#define QEMU_CLIENT_SRC_READ_AHEAD_H_

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "qemu-client/src/clk_word.h"
#include "qemu-client/src/payload.h"

namespace bpmp::client {

// A request that may be made before the guest makes it: a look at a clock, which changes nothing.
struct Query {
  ClkWord clk;         // the request's only word that counts
  size_t rx_size = 0;  // of the answer
  bool operator==(const Query&) const = default;

  // Null: the request is none.
  static std::optional<Query> Of(uint32_t mrq, absl::Span<const uint8_t> tx, size_t rx_size);
};

// What a guest will ask next, and what was answered before it asked.
//
// A kernel that boots looks at all clocks, one after the other, three times, and waits for each
// answer. With the next one asked ahead, its answer is on its way while the guest still deals with
// the one before.
//
// A guess is the next clock, in the order of the ids, that the guest hasn't asked about since it
// started; where it was told which clocks there are (GET_ALL_INFO), one of them. The guest leaves
// that order for a clock's parents and comes back to it; after two wrong guesses in a row there are
// no more, until it asks in order again. Only the first question about a clock is followed by a
// guess: a guest that has booted, and looks at its clocks now and then, causes none.
//
// Not thread-safe.
class ReadAhead {
 public:
  // How old an answer may be, from when it was asked for: a moment that the answer to a request of
  // the guest's own may also take to reach it on a busy host.
  static constexpr absl::Duration kFresh = absl::Milliseconds(10);
  // Clocks with this and higher ids aren't guessed. A Tegra234 has none above 476.
  static constexpr uint32_t kClocks = 1024;

  struct Answer {
    int32_t error = 0;  // the BPMP's
    size_t rx_size = 0;
    std::array<uint8_t, kMaxPayload> rx = {};
  };

  // The guest starts anew.
  void Restart();
  // The guest asks this. What it asks next, if that can be guessed.
  std::optional<Query> Next(const Query& query);
  // `query` was answered without an error, whoever has asked.
  void Seen(const Query& query);

  // An answer that nobody has asked for yet, in place of the one before.
  void Keep(const Query& query, absl::Time asked, int32_t error, absl::Span<const uint8_t> rx);
  // The answer to `query`, if it is kept and fresh; it is given once, and never after a newer one.
  std::optional<Answer> Take(const Query& query, absl::Time now);
  // Something may have changed: no answer is kept.
  void Drop() { kept_.reset(); }

 private:
  // One of the guest's ways through all clocks.
  struct Pass {
    std::bitset<kClocks> asked;
    uint32_t next = 0;  // in order
    int patience = 0;   // wrong guesses that may still follow
  };
  struct Kept {
    Query query;
    absl::Time asked;
    Answer answer;
  };

  static constexpr size_t kPasses = 3;

  std::array<Pass, kPasses> passes_;
  std::bitset<kClocks> exist_;  // as the guest was told
  std::optional<Kept> kept_;
};

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_SRC_READ_AHEAD_H_
