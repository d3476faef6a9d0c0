// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DEVICETREE_CELLS_H_
#define BROKER_DEVICETREE_CELLS_H_

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bpmp::devicetree {

// A cell of a device tree: 32 bits, big-endian.
inline constexpr size_t kCellSize = 4;

// The cell at the beginning. REQUIRES: bytes.size() >= kCellSize.
inline uint32_t LoadCell(std::string_view bytes) {
  assert(bytes.size() >= kCellSize);
  uint32_t value = 0;
  for (size_t i = 0; i < kCellSize; ++i) {
    value = value << 8 | static_cast<uint8_t>(bytes[i]);
  }
  return value;
}

}  // namespace bpmp::devicetree

#endif  // BROKER_DEVICETREE_CELLS_H_
