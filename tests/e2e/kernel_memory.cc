// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/kernel_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "absl/strings/numbers.h"

namespace bpmp::testing {
namespace {

constexpr int64_t kSmallestBytes = 32;
// The shell's, the kernel's own.
constexpr int64_t kFewObjects = 500;
// Free pages that two CPUs keep for themselves are not in MemFree.
constexpr int64_t kNoiseKib = 2048;

int64_t Number(LinuxGuest* guest, const std::string& command) {
  const std::string text = guest->Run(command);
  int64_t number = 0;
  EXPECT_TRUE(absl::SimpleAtoi(text, &number)) << command << ": " << text;
  return number;
}

}  // namespace

KernelMemory MemoryOf(LinuxGuest* guest) {
  KernelMemory memory;
  guest->Run("echo 3 > /proc/sys/vm/drop_caches; [ -e /sys/kernel/slab/kmalloc-128/objects ]");
  if (guest->status() == 0) {
    // To shrink a cache takes its objects out of KASAN's quarantine.
    memory.objects = Number(guest,
                            "for c in /sys/kernel/slab/kmalloc-*; do echo 1 > $c/shrink; "
                            "cat $c/objects; done | awk '{ n += $1 } END { print n }'");
  }
  memory.free_kib = Number(guest, "awk '/^MemFree:/ { print $2 }' /proc/meminfo");
  return memory;
}

void ExpectNoLeak(const KernelMemory& before, const KernelMemory& after, int requests) {
  if (before.objects >= 0) {
    EXPECT_LT(after.objects - before.objects, kFewObjects);
  } else {
    EXPECT_LT(before.free_kib - after.free_kib,
              std::max<int64_t>(requests * kSmallestBytes / 1024, kNoiseKib));
  }
}

}  // namespace bpmp::testing
