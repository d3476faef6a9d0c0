// SPDX-License-Identifier: Apache-2.0
#include "broker/base/endian.h"

#include <array>
#include <cstdint>

#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp {
namespace {

using ::testing::ElementsAre;

constexpr std::array<uint8_t, 9> kBytes = {0xff, 1, 2, 3, 4, 5, 6, 7, 0x88};

TEST(EndianTest, LoadsTheLowByteFirstFromAnyOffset) {
  EXPECT_EQ(LoadLe<uint8_t>(kBytes, 8), 0x88);
  EXPECT_EQ(LoadLe<uint16_t>(kBytes, 1), 0x0201);
  EXPECT_EQ(LoadLe<uint32_t>(kBytes, 1), 0x04030201U);
  EXPECT_EQ(LoadLe<uint64_t>(kBytes, 1), 0x8807'0605'0403'0201U);
  EXPECT_EQ(LoadLe<uint32_t>(kBytes, 5), 0x88070605U) << "the top bit isn't a sign";
}

TEST(EndianTest, StoresTheLowByteFirstAndNothingElse) {
  std::array<uint8_t, 6> out{};
  StoreLe<uint32_t>(absl::MakeSpan(out), 1, 0x8403'0201);
  EXPECT_THAT(out, ElementsAre(0, 1, 2, 3, 0x84, 0));
  StoreLe<uint16_t>(absl::MakeSpan(out), 4, 0xfffe);
  EXPECT_THAT(out, ElementsAre(0, 1, 2, 3, 0xfe, 0xff));
  StoreLe<uint8_t>(absl::MakeSpan(out), 0, 9);
  EXPECT_THAT(out, ElementsAre(9, 1, 2, 3, 0xfe, 0xff));
}

TEST(EndianTest, WhatIsStoredIsLoaded) {
  std::array<uint8_t, 8> out{};
  for (const uint64_t value :
       {uint64_t{0}, uint64_t{1} << 63, ~uint64_t{0}, uint64_t{408'000'000}}) {
    StoreLe(absl::MakeSpan(out), 0, value);
    EXPECT_EQ(LoadLe<uint64_t>(out, 0), value);
  }
}

}  // namespace
}  // namespace bpmp
