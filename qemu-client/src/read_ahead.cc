// SPDX-License-Identifier: Apache-2.0
#include "qemu-client/src/read_ahead.h"

#include <algorithm>
#include <utility>

namespace bpmp::client {
namespace {

// The few words of the BPMP's protocol that this needs (docs/wire-formats.md).
constexpr uint32_t kClkGetRate = 1;
constexpr uint32_t kClkIsEnabled = 6;
constexpr uint32_t kClkGetAllInfo = 14;

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
size_t WayOf(uint32_t command) {
  const auto* const it = std::find_if(kWays.begin(), kWays.end(),
                                      [command](const Way& way) { return way.command == command; });
  return static_cast<size_t>(it - kWays.begin());
}

constexpr int kPatience = 2;

}  // namespace

std::optional<Query> Query::Of(uint32_t mrq, absl::Span<const uint8_t> tx, size_t rx_size) {
  const std::optional<ClkWord> clk = ClkWord::Of(mrq, tx);
  if (!clk.has_value() || WayOf(clk->command) == kWays.size()) return std::nullopt;
  return Query{*clk, rx_size};
}

std::optional<Query> ReadAhead::Next(const Query& query) {
  static_assert(kWays.size() == kPasses);
  const auto& [command, clock] = query.clk;
  if (clock >= kClocks) return std::nullopt;
  const size_t index = WayOf(command);
  const Way& way = kWays[index];
  Pass& pass = passes_[index];
  if (pass.asked[clock]) return std::nullopt;
  pass.asked.set(clock);
  if (clock == pass.next) {
    pass.patience = kPatience;
  } else if (pass.patience > 0) {
    --pass.patience;
  }
  const bool any = command == kClkGetAllInfo;  // what there is isn't known before
  const auto wanted = [&](uint32_t id) { return !pass.asked[id] && (any || exist_[id]); };
  pass.next = clock + way.step;
  while (pass.next < kClocks && !wanted(pass.next)) pass.next += way.step;
  if (pass.next >= kClocks || pass.patience == 0) return std::nullopt;
  return Query{{command, pass.next}, query.rx_size};
}

void ReadAhead::Restart() {
  passes_ = {};
  kept_.reset();
}

void ReadAhead::Seen(const Query& query) {
  const auto& [command, clock] = query.clk;
  if (command == kClkGetAllInfo && clock < kClocks) exist_.set(clock);
}

void ReadAhead::Keep(const Query& query, absl::Time asked, int32_t error,
                     absl::Span<const uint8_t> rx) {
  Kept& kept = kept_.emplace(Kept{query, asked, {error, query.rx_size, {}}});
  std::copy_n(rx.begin(), std::min(rx.size(), query.rx_size), kept.answer.rx.begin());
}

std::optional<ReadAhead::Answer> ReadAhead::Take(const Query& query, absl::Time now) {
  if (!kept_.has_value() || kept_->query.clk != query.clk) return std::nullopt;
  const std::optional<Kept> kept = std::exchange(kept_, std::nullopt);
  if (kept->query != query || now - kept->asked > kFresh) return std::nullopt;
  return kept->answer;
}

}  // namespace bpmp::client
