// SPDX-License-Identifier: Apache-2.0
#include "qemu-client/src/read_ahead.h"

#include <algorithm>
#include <utility>

#include "broker/base/endian.h"

namespace bpmp::client {
namespace {

// The few words of the BPMP's protocol that this needs (docs/wire-formats.md).
constexpr uint32_t kMrqClk = 22;
constexpr uint32_t kClkGetRate = 1;
constexpr uint32_t kClkIsEnabled = 6;
constexpr uint32_t kClkGetAllInfo = 14;
constexpr uint32_t kClockMask = 0x00ff'ffff;

// The order in which Linux looks at clocks: its driver asks which there are by their ids, and
// registers them likewise, with each one's rate. At the end of a boot it looks for clocks to switch
// off, and goes through its lists backwards.
struct Way {
  uint32_t command;
  uint32_t step;  // modulo 2^32
};
constexpr std::array kWays = {Way{kClkGetAllInfo, 1}, Way{kClkGetRate, 1},
                              Way{kClkIsEnabled, ~uint32_t{0}}};

// kWays.size(): it isn't one of them.
size_t WayOf(uint32_t word) {
  const auto* const it = std::find_if(kWays.begin(), kWays.end(),
                                      [word](const Way& way) { return way.command == word >> 24; });
  return static_cast<size_t>(it - kWays.begin());
}

constexpr int kPatience = 2;

}  // namespace

std::optional<Query> Query::Of(uint32_t mrq, absl::Span<const uint8_t> tx, size_t rx_size) {
  if (mrq != kMrqClk || tx.size() < sizeof(uint32_t)) return std::nullopt;
  const uint32_t word = LoadLe<uint32_t>(tx, 0);
  if (WayOf(word) == kWays.size()) return std::nullopt;
  return Query{word, rx_size};
}

std::optional<Query> ReadAhead::Next(const Query& query) {
  static_assert(kWays.size() == kPasses);
  const uint32_t clock = query.word & kClockMask;
  if (clock >= kClocks) return std::nullopt;
  const size_t index = WayOf(query.word);
  const Way& way = kWays[index];
  Pass& pass = passes_[index];
  if (pass.asked[clock]) return std::nullopt;
  pass.asked.set(clock);
  if (clock == pass.next) {
    pass.patience = kPatience;
  } else if (pass.patience > 0) {
    --pass.patience;
  }
  const auto wanted = [&](uint32_t id) {
    return !pass.asked[id] && (way.command == kClkGetAllInfo || exist_[id]);
  };
  pass.next = clock + way.step;
  while (pass.next < kClocks && !wanted(pass.next)) pass.next += way.step;
  if (pass.next >= kClocks || pass.patience == 0) return std::nullopt;
  return Query{way.command << 24 | pass.next, query.rx_size};
}

void ReadAhead::Restart() {
  passes_ = {};
  kept_.reset();
}

void ReadAhead::Seen(const Query& query) {
  const uint32_t clock = query.word & kClockMask;
  if (query.word >> 24 == kClkGetAllInfo && clock < kClocks) exist_.set(clock);
}

void ReadAhead::Keep(const Query& query, absl::Time asked, int32_t error,
                     absl::Span<const uint8_t> rx) {
  Kept& kept = kept_.emplace(Kept{query, asked, {error, query.rx_size, {}}});
  std::copy_n(rx.begin(), std::min(rx.size(), query.rx_size), kept.answer.rx.begin());
}

std::optional<ReadAhead::Answer> ReadAhead::Take(const Query& query, absl::Time now) {
  if (!kept_.has_value() || kept_->query.word != query.word) return std::nullopt;
  const std::optional<Kept> kept = std::exchange(kept_, std::nullopt);
  if (kept->query != query || now - kept->asked > kFresh) return std::nullopt;
  return kept->answer;
}

}  // namespace bpmp::client
