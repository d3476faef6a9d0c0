// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_KERNEL_WRITE_MESSAGE_H_
#define BROKER_BACKEND_KERNEL_WRITE_MESSAGE_H_

#include <cstddef>
#include <cstdint>

namespace bpmp::backend::kernel {

// What the known host proxies take by write(): Linux' own struct tegra_bpmp_message of a 64-bit
// kernel, with pointers of the caller. The proxy reads and writes all three: this structure, what
// `tx_data` and what `rx_data` points to.
struct WriteMessage {
  uint32_t mrq = 0;
  uint32_t pad0 = 0;
  void* tx_data = nullptr;
  uint64_t tx_size = 0;
  void* rx_data = nullptr;
  uint64_t rx_size = 0;
  int32_t ret = 0;  // the firmware's error word
  uint32_t pad1 = 0;
  // Not in the short form.
  uint64_t flags = 0;
};

inline constexpr size_t kShortWrite = 48;
inline constexpr size_t kLongWrite = 56;

static_assert(sizeof(void*) == 8, "the write() ABI is for 64-bit hosts");
static_assert(offsetof(WriteMessage, tx_data) == 8);
static_assert(offsetof(WriteMessage, tx_size) == 16);
static_assert(offsetof(WriteMessage, rx_data) == 24);
static_assert(offsetof(WriteMessage, rx_size) == 32);
static_assert(offsetof(WriteMessage, ret) == 40);
static_assert(offsetof(WriteMessage, flags) == kShortWrite);
static_assert(sizeof(WriteMessage) == kLongWrite);

}  // namespace bpmp::backend::kernel

#endif  // BROKER_BACKEND_KERNEL_WRITE_MESSAGE_H_
