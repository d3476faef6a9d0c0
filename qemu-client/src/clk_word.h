// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_SRC_CLK_WORD_H_
#define QEMU_CLIENT_SRC_CLK_WORD_H_

#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "broker/base/endian.h"

namespace bpmp::client {

// The first word of an MRQ CLK request (docs/wire-formats.md): the command above 24 bits of clock.
struct ClkWord {
  uint32_t command = 0;
  uint32_t clock = 0;

  static constexpr uint32_t kMrq = 22;
  static constexpr int kClockBits = 24;

  // Null: another MRQ, or cut off.
  static std::optional<ClkWord> Of(uint32_t mrq, absl::Span<const uint8_t> tx) {
    if (mrq != kMrq || tx.size() < sizeof(uint32_t)) return std::nullopt;
    const uint32_t word = LoadLe<uint32_t>(tx, 0);
    return ClkWord{word >> kClockBits, word & ((1U << kClockBits) - 1)};
  }
  uint32_t word() const { return command << kClockBits | clock; }
  bool operator==(const ClkWord&) const = default;
};

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_SRC_CLK_WORD_H_
