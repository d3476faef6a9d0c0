// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::mrq {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

using Bytes = std::vector<uint8_t>;

absl::Span<const uint8_t> PayloadOf(const Response& response) {
  return {response.data.data(), response.size};
}

ClkInfo InfoOf(std::string_view name, uint8_t num_parents) {
  ClkInfo info;
  info.flags = clk_flag::kHasMux | clk_flag::kStateChangeDenied;
  info.parent = ClockId(100);
  info.num_parents = num_parents;
  for (uint8_t i = 0; i < std::min<size_t>(num_parents, kMaxParents); ++i) {
    info.parents.at(i) = ClockId(100U + i);
  }
  std::copy_n(name.begin(), std::min(name.size(), info.name.size()), info.name.begin());
  return info;
}

TEST(ResponseCodecTest, AFailureIsNegativeAndEmpty) {
  const Response response = Fail(Error::kTimedOut);
  EXPECT_FALSE(response.ok());
  EXPECT_EQ(response.error, -23);
  EXPECT_EQ(response.size, 0);
  EXPECT_THAT(response.data, Each(0));
  EXPECT_TRUE(Fail(Error::kOk).ok());
}

TEST(ResponseCodecTest, IntegersAreLittleEndian) {
  EXPECT_TRUE(Ok().ok());
  EXPECT_EQ(Ok().size, 0);
  EXPECT_THAT(PayloadOf(OkU32(0x04030201)), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(PayloadOf(OkRate(0x0807060504030201)), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_THAT(PayloadOf(OkRate(-2)), ElementsAre(0xfe, 255, 255, 255, 255, 255, 255, 255));
}

TEST(ResponseCodecTest, IntegersSurviveARoundTrip) {
  for (const uint32_t value : {0U, 1U, 0x7fff'ffffU, 0x8000'0000U, 0xffff'ffffU}) {
    EXPECT_EQ(ReadU32(OkU32(value)).value(), value);
  }
  for (const int64_t hz :
       {int64_t{0}, int64_t{408'000'000}, int64_t{-1}, std::numeric_limits<int64_t>::max(),
        std::numeric_limits<int64_t>::min()}) {
    EXPECT_EQ(ReadRate(OkRate(hz)).value(), hz);
  }
}

TEST(ResponseCodecTest, ShortAnswersAreErrorsAtEveryLength) {
  const Bytes bytes(kPayloadSize);
  for (size_t size = 0; size <= kPayloadSize; ++size) {
    const Response response = FromBytes(0, absl::MakeConstSpan(bytes).first(size));
    EXPECT_EQ(ReadU32(response).ok(), size >= 4) << size;
    EXPECT_EQ(ReadRate(response).ok(), size >= 8) << size;
    EXPECT_EQ(ReadClkInfo(response).ok(), size >= 113) << size;
  }
  EXPECT_EQ(ReadU32(Ok()).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ResponseCodecTest, FromBytesKeepsAFrameAndNoMore) {
  const Response response = FromBytes(-5, Bytes(kPayloadSize + 1, 0xee));
  EXPECT_EQ(response.error, -5);
  EXPECT_EQ(response.size, kPayloadSize);
  EXPECT_THAT(response.data, Each(0xee));
  EXPECT_EQ(FromBytes(0, {}), Ok());
}

TEST(ResponseCodecTest, ASizeThatLiesIsNotBelieved) {
  Response response = OkU32(5);
  response.size = 255;
  EXPECT_EQ(ReadU32(response).value(), 5U);
  EXPECT_TRUE(ReadClkInfo(response).ok());
  EXPECT_EQ(ReadName(response), "\x05");
}

TEST(ResponseCodecTest, ClockInformationSurvivesARoundTrip) {
  const std::string longest(kNameSize - 1, 'n');
  for (const uint8_t parents : std::vector<uint8_t>{0, 1, 15, 16}) {
    for (const std::string& name : {std::string(), std::string("uarta"), longest}) {
      const ClkInfo info = InfoOf(name, parents);
      const Response response = OkClkInfo(info);
      EXPECT_EQ(response.size, 113);
      EXPECT_EQ(ReadClkInfo(response).value(), info);
    }
  }
}

TEST(ResponseCodecTest, ClockInformationThatDoesNotFitIsCutWhenWritten) {
  const ClkInfo unterminated = InfoOf(std::string(kNameSize, 'n'), 17);
  const absl::StatusOr<ClkInfo> read = ReadClkInfo(OkClkInfo(unterminated));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, InfoOf(std::string(kNameSize - 1, 'n'), 16));
}

TEST(ResponseCodecTest, ClockInformationIsRefusedWithTooManyParents) {
  for (const int parents : {17, 128, 254, 255}) {
    Response response = OkClkInfo(InfoOf("x", 16));
    response.data[72] = static_cast<uint8_t>(parents);
    EXPECT_EQ(ReadClkInfo(response).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(ResponseCodecTest, ClockInformationIsRefusedWithoutNul) {
  Response response = OkClkInfo(InfoOf(std::string(kNameSize - 1, 'n'), 1));
  ASSERT_TRUE(ReadClkInfo(response).ok());
  response.data[112] = 'n';
  EXPECT_FALSE(ReadClkInfo(response).ok());
  response.data[73] = 0;  // a hole, whatever follows
  EXPECT_TRUE(ReadClkInfo(response).ok());
}

TEST(ResponseCodecTest, NamesAreCutAndPadded) {
  const std::string letters(50, 'x');
  EXPECT_EQ(OkName("vic").size, 40);
  EXPECT_EQ(ReadName(OkName("vic")), "vic");
  EXPECT_EQ(ReadName(OkName("")), "");
  EXPECT_EQ(ReadName(OkName(letters)), letters.substr(0, 39));
  EXPECT_EQ(OkName(letters).data[39], 0);
  EXPECT_EQ(ReadName(FromBytes(0, Bytes(40, 'y'))), std::string(39, 'y'));
  EXPECT_EQ(ReadName(Ok()), "");
}

TEST(ResponseCodecTest, TagsMayFillTheirField) {
  const std::string letters(50, 'x');
  EXPECT_EQ(OkFwTag("abc").size, 32);
  EXPECT_EQ(ReadFwTag(OkFwTag("abc")), "abc");
  EXPECT_EQ(ReadFwTag(OkFwTag(letters)), letters.substr(0, 32));
  EXPECT_EQ(ReadFwTag(FromBytes(0, Bytes(120, 'y'))), std::string(32, 'y'));
}

TEST(ResponseCodecTest, MemoryLatenciesAreATable) {
  const EmcLatency table = {2, {{{204000, 1180}, {3199000, 150}}}};
  const Response response = OkEmcLatency(table);
  EXPECT_EQ(response.size, 116);
  EXPECT_EQ(ReadEmcLatency(response).value(), table);
  // Firmware may send no more than it has.
  EXPECT_EQ(ReadEmcLatency(FromBytes(0, {response.data.data(), 20})).value(), table);
  EXPECT_FALSE(ReadEmcLatency(FromBytes(0, {response.data.data(), 19})).ok());
  EXPECT_FALSE(ReadEmcLatency(FromBytes(0, {response.data.data(), 3})).ok());
}

TEST(ResponseCodecTest, AMemoryLatencyTableHasNoMorePairsThanItHasRoomFor) {
  Bytes rx(120, 0xff);
  const EmcLatency table = ReadEmcLatency(FromBytes(0, rx)).value();
  EXPECT_EQ(table.count, kMaxEmcPairs);
  EXPECT_EQ(ReadU32(OkEmcLatency(table)).value(), kMaxEmcPairs);
  EmcLatency wild;
  wild.count = 0xffff'ffff;
  EXPECT_EQ(ReadU32(OkEmcLatency(wild)).value(), kMaxEmcPairs);
}

TEST(ResponseCodecTest, RandomAnswersAreReadOrRefused) {
  std::mt19937 engine(11);
  int infos = 0;
  for (int i = 0; i < 100'000; ++i) {
    Bytes rx(engine() % (kPayloadSize + 8));
    std::generate(rx.begin(), rx.end(), [&engine] { return static_cast<uint8_t>(engine() % 40); });
    const Response response = FromBytes(static_cast<int32_t>(engine()), rx);
    const absl::StatusOr<ClkInfo> info = ReadClkInfo(response);
    if (info.ok()) {
      ++infos;
      ASSERT_LE(info->num_parents, kMaxParents);
      ASSERT_EQ(info->name.back(), '\0');
      ASSERT_EQ(ReadClkInfo(OkClkInfo(*info)).value(), *info);
    }
    ASSERT_LT(ReadName(response).size(), kNameSize);
    ASSERT_LE(ReadFwTag(response).size(), kFwTagSize);
  }
  EXPECT_GT(infos, 100);
}

}  // namespace
}  // namespace bpmp::mrq
