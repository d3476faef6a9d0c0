// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_MRQ_LAYOUT_H_
#define BROKER_MRQ_LAYOUT_H_

#include <cstddef>
#include <cstdint>

#include "broker/mrq/types.h"

// Where the fields of the two structured answers lie, as byte offsets. Structs are packed on the
// wire, so no C++ struct is laid over them.
namespace bpmp::mrq {

// CLK GET_ALL_INFO.
namespace clk_info {
inline constexpr size_t kFlags = 0;
inline constexpr size_t kParent = kFlags + sizeof(uint32_t);
inline constexpr size_t kParents = kParent + sizeof(uint32_t);
inline constexpr size_t kNumParents = kParents + kMaxParents * sizeof(uint32_t);
inline constexpr size_t kName = kNumParents + sizeof(uint8_t);
inline constexpr size_t kSize = kName + kNameSize;
static_assert(kParents == 8 && kNumParents == 72 && kName == 73 && kSize == 113);
}  // namespace clk_info

// EMC_DVFS_LATENCY: a count, then pairs of kHz and ns.
namespace emc {
inline constexpr size_t kCount = 0;
inline constexpr size_t kPairs = kCount + sizeof(uint32_t);
inline constexpr size_t kPairSize = 2 * sizeof(uint32_t);
inline constexpr size_t kSize = kPairs + kMaxEmcPairs * kPairSize;
static_assert(kSize == 116);
}  // namespace emc

static_assert(clk_info::kSize <= kPayloadSize && emc::kSize <= kPayloadSize);

}  // namespace bpmp::mrq

#endif  // BROKER_MRQ_LAYOUT_H_
