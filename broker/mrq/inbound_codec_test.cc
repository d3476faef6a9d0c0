// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <vector>

#include "broker/mrq/codec.h"
#include "gtest/gtest.h"

namespace bpmp::mrq {
namespace {

constexpr uint32_t kThermal = 27;
const std::vector<uint8_t> kTripOfEight = {100, 0, 0, 0, 8, 0, 0, 0};

TEST(InboundCodec, ReadsATrip) {
  const auto trip = DecodeInbound(kThermal, kTripOfEight);
  ASSERT_TRUE(trip.ok()) << trip.status();
  EXPECT_EQ(trip->zone, ThermalZoneId(8));
  const auto highest = DecodeInbound(kThermal, {100, 0, 0, 0, 0xff, 0xff, 0xff, 0xff});
  ASSERT_TRUE(highest.ok());
  EXPECT_EQ(highest->zone.value(), 0xffff'ffffu);
}

// The firmware sends whole frames.
TEST(InboundCodec, WhatFollowsIsCutOff) {
  std::vector<uint8_t> frame(kPayloadSize, 0xaa);
  std::copy(kTripOfEight.begin(), kTripOfEight.end(), frame.begin());
  const auto trip = DecodeInbound(kThermal, frame);
  ASSERT_TRUE(trip.ok()) << trip.status();
  const EncodedRequest encoded = EncodeInbound(*trip);
  EXPECT_EQ(std::vector<uint8_t>(encoded.bytes().begin(), encoded.bytes().end()), kTripOfEight);
}

TEST(InboundCodec, WhatIsWrittenIsReadAgain) {
  const EncodedRequest encoded = EncodeInbound({ThermalZoneId(31)});
  EXPECT_EQ(encoded.mrq, kThermal);
  EXPECT_EQ(encoded.size, 8u);
  EXPECT_EQ(encoded.rx_size, 0u);
  const auto trip = DecodeInbound(encoded.mrq, encoded.bytes());
  ASSERT_TRUE(trip.ok());
  EXPECT_EQ(trip->zone, ThermalZoneId(31));
}

TEST(InboundCodec, EveryOtherMrqIsForNoVm) {
  for (uint32_t mrq = 0; mrq < 200; ++mrq) {
    if (mrq == kThermal) continue;
    EXPECT_TRUE(absl::IsUnimplemented(DecodeInbound(mrq, kTripOfEight).status())) << mrq;
    EXPECT_TRUE(absl::IsUnimplemented(DecodeInbound(mrq, {}).status())) << mrq;
  }
}

TEST(InboundCodec, EveryOtherCommandIsForNoVm) {
  for (uint32_t command = 0; command < 256; ++command) {
    if (command == 100) continue;
    const std::vector<uint8_t> data = {static_cast<uint8_t>(command), 0, 0, 0, 8, 0, 0, 0};
    EXPECT_TRUE(absl::IsUnimplemented(DecodeInbound(kThermal, data).status())) << command;
  }
  EXPECT_TRUE(absl::IsUnimplemented(DecodeInbound(kThermal, {100, 1, 0, 0, 8, 0, 0, 0}).status()));
}

TEST(InboundCodec, WhatIsTooShortOrTooLongIsRefused) {
  for (size_t size = 0; size < kTripOfEight.size(); ++size) {
    const absl::Span<const uint8_t> cut(kTripOfEight.data(), size);
    EXPECT_TRUE(absl::IsInvalidArgument(DecodeInbound(kThermal, cut).status())) << size;
  }
  std::vector<uint8_t> longer = kTripOfEight;
  longer.resize(kPayloadSize + 1);
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeInbound(kThermal, longer).status()));
}

}  // namespace
}  // namespace bpmp::mrq
