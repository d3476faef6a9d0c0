// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BASE_ENDIAN_H_
#define BROKER_BASE_ENDIAN_H_

#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

namespace bpmp {

// Little-endian integers inside byte strings, whatever the order of the host's own. No alignment is
// needed. Signed fields are loaded unsigned and cast by the caller, where two's complement shows.
//
// REQUIRES: offset + sizeof(T) <= bytes.size(). Asserted, not checked: who calls has already looked
// at the length, because it has a better error to give.

template <std::unsigned_integral T>
constexpr T LoadLe(absl::Span<const uint8_t> bytes, size_t offset) {
  assert(offset <= bytes.size() && sizeof(T) <= bytes.size() - offset);
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value | static_cast<T>(T{bytes[offset + i]} << (8 * i)));
  }
  return value;
}

template <std::unsigned_integral T>
constexpr void StoreLe(absl::Span<uint8_t> bytes, size_t offset, T value) {
  assert(offset <= bytes.size() && sizeof(T) <= bytes.size() - offset);
  for (size_t i = 0; i < sizeof(T); ++i) {
    bytes[offset + i] = static_cast<uint8_t>(value >> (8 * i));
  }
}

}  // namespace bpmp

#endif  // BROKER_BASE_ENDIAN_H_
