// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_KERNEL_ABI_H_
#define BROKER_BACKEND_KERNEL_ABI_H_

#include <cstdint>

namespace bpmp::backend::kernel {

// How the host proxy is spoken to.
enum class Abi : uint8_t {
  kAuto,     // the first of the others, in this order, that works: flat, 56, 48
  kFlat,     // the ioctls of linux/tegra-bpmp-host.h
  kWrite56,  // write() of a struct tegra_bpmp_message, as Linux has it since 6.7 and 6.6.y
  kWrite48,  // the same without its last member, as before, and as later proxies froze it
};

}  // namespace bpmp::backend::kernel

#endif  // BROKER_BACKEND_KERNEL_ABI_H_
