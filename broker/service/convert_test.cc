// SPDX-License-Identifier: Apache-2.0
#include "broker/service/convert.h"

#include <gtest/gtest.h>

#include <string>

#include "broker/mrq/codec.h"

namespace bpmp::service {
namespace {

TEST(ConvertTest, EnumerationsGoThereAndBack) {
  for (const auto access :
       {core::Access::kNone, core::Access::kGet, core::Access::kVote, core::Access::kExclusive}) {
    EXPECT_EQ(FromProto(ToProto(access)), access);
  }
  for (const auto policy :
       {core::RatePolicy::kOwner, core::RatePolicy::kFixed, core::RatePolicy::kFirst,
        core::RatePolicy::kMax, core::RatePolicy::kRange}) {
    EXPECT_EQ(FromProto(ToProto(policy)), policy);
  }
  for (const auto kind : {core::ResourceKind::kNone, core::ResourceKind::kClock,
                          core::ResourceKind::kDomain, core::ResourceKind::kReset}) {
    EXPECT_EQ(FromProto(ToProto(kind)), kind);
  }
}

TEST(ConvertTest, WhatIsNotSpecifiedOrUnknownIsTheLeast) {
  EXPECT_EQ(FromProto(v1::ACCESS_UNSPECIFIED), core::Access::kNone);
  EXPECT_EQ(FromProto(static_cast<v1::Access>(99)), core::Access::kNone);
  EXPECT_EQ(FromProto(static_cast<v1::Access>(-1)), core::Access::kNone);
  EXPECT_EQ(FromProto(v1::RATE_POLICY_UNSPECIFIED), core::RatePolicy::kOwner);
  EXPECT_EQ(FromProto(static_cast<v1::ResourceKind>(99)), core::ResourceKind::kNone);
}

TEST(ConvertTest, TimeIsSecondsAndPositiveNanoseconds) {
  google::protobuf::Timestamp time;
  ToProto(absl::FromUnixMillis(1'500), &time);
  EXPECT_EQ(time.seconds(), 1);
  EXPECT_EQ(time.nanos(), 500'000'000);
  ToProto(absl::FromUnixMillis(-500), &time);
  EXPECT_EQ(time.seconds(), -1);
  EXPECT_EQ(time.nanos(), 500'000'000);
}

TEST(ConvertTest, AnAnswerIsCutOrPaddedToTheRoomThereIs) {
  const mrq::Response response = mrq::OkU32(0x04030201);
  v1::MrqResponse proto;
  ToProto(response, 2, &proto);
  EXPECT_EQ(proto.rx(), std::string("\1\2", 2));
  ToProto(response, 6, &proto);
  EXPECT_EQ(proto.rx(), std::string("\1\2\3\4\0\0", 6));
  ToProto(response, 0, &proto);
  EXPECT_TRUE(proto.rx().empty());
}

TEST(ConvertTest, AnAnswerWithAnErrorHasOnlyZeroes) {
  mrq::Response response = mrq::OkU32(0x04030201);
  response.error = -13;
  v1::MrqResponse proto;
  ToProto(response, 4, &proto);
  EXPECT_EQ(proto.error(), -13);
  EXPECT_EQ(proto.rx(), std::string(4, '\0'));
}

TEST(ConvertTest, AnOutcomeNamesTheFirmwaresOwnErrors) {
  v1::Outcome outcome;
  ToProto(0, &outcome);
  EXPECT_EQ(outcome.ByteSizeLong(), 0u);
  ToProto(-23, &outcome);
  EXPECT_EQ(outcome.error(), -23);
  EXPECT_EQ(outcome.error_name(), "ETIMEDOUT");
}

TEST(ConvertTest, AFrameHasATopEachWay) {
  v1::MrqRequest request;
  request.set_tx(std::string(120, 'x'));
  request.set_rx_size(120);
  EXPECT_TRUE(CheckFrame(request).ok());
  request.set_rx_size(121);
  EXPECT_TRUE(absl::IsInvalidArgument(CheckFrame(request)));
  request.set_rx_size(0);
  request.set_tx(std::string(121, 'x'));
  EXPECT_EQ(CheckFrame(request).message(),
            "a frame has at most 120 bytes each way; this has 121 in tx and room for 0 in rx");
}

}  // namespace
}  // namespace bpmp::service
