// SPDX-License-Identifier: Apache-2.0
// A guest that does anything, on an emulator with ASan and UBSan.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "broker/mrq/codec.h"
#include "tests/component/guest_requests.h"
#include "tests/qemu/qemu_fixture.h"

namespace bpmp::testing {

uint64_t FuzzSeed() {
  uint64_t seed = 0;
  const char* const given = std::getenv("BPMP_PROPERTY_SEED");
  if (given == nullptr || !absl::SimpleAtoi(given, &seed)) seed = 1;
  std::printf("seed %lu\n", static_cast<unsigned long>(seed));
  return seed;
}
namespace {

constexpr int kOperations = 1'000'000;
constexpr int kBatch = 500;

class FuzzTest : public QemuTest {
 protected:
  // Mostly what is near to sense: sizes around the limits, ids that exist, the doorbell often.
  std::string Operation() {
    static constexpr const char* kSuffixes[] = {"b", "w", "l", "q"};
    const size_t width = Below(4);
    const char* const suffix = kSuffixes[width];
    uint64_t offset = Below(10) == 0 ? Below(0x1000 - 8) : Below(window::kEnd);
    uint64_t value = random_();
    switch (Below(16)) {
      case 0:
        offset = window::kMrq;
        value = Below(100);
        break;
      case 1:
        offset = window::kMrq + Below(8) - 4;
        break;
      case 2:
        offset = window::kTxSize;
        value = Below(130);
        break;
      case 3:
        offset = window::kRxSize;
        value = Below(130);
        break;
      case 4:
        offset = window::kTx;
        value = Below(20) << 24 | Below(480);
        break;
      default:
        break;
    }
    const uint64_t address = 0x090c0000 + offset;
    if (Below(3) == 0) return absl::StrFormat("read%s 0x%x", suffix, address);
    return absl::StrFormat("write%s 0x%x 0x%x", suffix, address, value);
  }
  uint64_t Below(uint64_t limit) { return random_() % limit; }

  std::mt19937_64 random_;
};

TEST_P(FuzzTest, NothingComesOfIt) {
  random_.seed(FuzzSeed());
  // An emulator that ends leaves what it has to the system.
  setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
  const auto qemu = Start("a");
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  std::vector<std::string> batch(kBatch);
  for (int done = 0; done < kOperations; done += kBatch) {
    for (std::string& operation : batch) operation = Operation();
    qemu->Batch(batch);
  }
  EXPECT_GT(Requests("a"), 1000U);
  // It still does what it is for.
  Window window(qemu.get());
  EXPECT_EQ(window.Ask(GetRate(kUarta)).ret, 0);
  EXPECT_EQ(window.Ask(GetRate(kUarta)).tstat, 0);
  qemu->Qmp(R"({"execute": "quit"})");
  EXPECT_EQ(qemu->WaitForEnd(), 0);
  EXPECT_THAT(qemu->Output(), ::testing::Not(::testing::HasSubstr("Sanitizer")));
  EXPECT_THAT(qemu->Output(), ::testing::Not(::testing::HasSubstr("runtime error")));
}

INSTANTIATE_TEST_SUITE_P(Qemu, FuzzTest, ::testing::Values("10_0_SANITIZED"),
                         [](const auto& version) { return version.param; });

}  // namespace
}  // namespace bpmp::testing
