// SPDX-License-Identifier: Apache-2.0
#include "qemu-client/src/vote_record.h"

#include <algorithm>

#include "broker/base/endian.h"
#include "qemu-client/src/clk_word.h"

namespace bpmp::client {
namespace {

// The few words of the BPMP's protocol that make and end votes (docs/wire-formats.md).
constexpr uint32_t kClkEnable = 7;
constexpr uint32_t kClkDisable = 8;
constexpr uint32_t kMrqPg = 66;
constexpr uint32_t kPgSetState = 1;
constexpr uint32_t kPgOff = 0;

void Insert(std::vector<uint32_t>* ids, size_t limit, uint32_t id) {
  const auto at = std::lower_bound(ids->begin(), ids->end(), id);
  if (at != ids->end() && *at == id) return;
  if (ids->size() < limit) ids->insert(at, id);
}

void Erase(std::vector<uint32_t>* ids, uint32_t id) {
  const auto at = std::lower_bound(ids->begin(), ids->end(), id);
  if (at != ids->end() && *at == id) ids->erase(at);
}

}  // namespace

VoteRecord::VoteRecord() {
  clocks_.reserve(kMaxClocks);
  domains_.reserve(kMaxDomains);
}

bool VoteRecord::Note(uint32_t mrq, absl::Span<const uint8_t> tx, bool succeeded) {
  if (const auto clk = ClkWord::Of(mrq, tx)) {
    if (clk->command == kClkDisable) Erase(&clocks_, clk->clock);
    if (clk->command != kClkEnable || !succeeded) return false;
    Insert(&clocks_, kMaxClocks, clk->clock);
    return true;
  }
  if (mrq == kMrqPg && tx.size() >= 12 && LoadLe<uint32_t>(tx, 0) == kPgSetState && succeeded) {
    const uint32_t id = LoadLe<uint32_t>(tx, 4);
    if (LoadLe<uint32_t>(tx, 8) == kPgOff) {
      Erase(&domains_, id);
      return false;
    }
    Insert(&domains_, kMaxDomains, id);
    return true;
  }
  return false;
}

void VoteRecord::Clear() {
  clocks_.clear();
  domains_.clear();
}

}  // namespace bpmp::client
