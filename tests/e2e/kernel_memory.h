// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_E2E_KERNEL_MEMORY_H_
#define TESTS_E2E_KERNEL_MEMORY_H_

#include <cstdint>

#include "tests/e2e/linux_guest.h"

namespace bpmp::testing {

// What a guest's kernel has given out.
struct KernelMemory {
  int64_t free_kib = 0;  // of the whole machine
  int64_t objects = -1;  // of kmalloc(), what KASAN keeps back not counted; -1: not a debug kernel
};
KernelMemory MemoryOf(LinuxGuest* guest);

// Expects that `requests` requests between the two left nothing behind. Where objects can't be
// counted: not more than as many pages as come and go by themselves, each CPU keeping some; a
// small object that is lost with each of ten thousand requests shows on debug kernels alone.
void ExpectNoLeak(const KernelMemory& before, const KernelMemory& after, int requests);

}  // namespace bpmp::testing

#endif  // TESTS_E2E_KERNEL_MEMORY_H_
