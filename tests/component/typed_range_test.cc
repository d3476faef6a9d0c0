// SPDX-License-Identifier: Apache-2.0
// Clocks.SetRateRange, through the sockets of two VMs that share a clock.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "tests/component/admin_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;

constexpr ClockId kI2c2{49};
constexpr int32_t kBusy = -16;
constexpr int32_t kInval = -22;
constexpr int64_t kMHz = 1'000'000;

class TypedRangeTest : public AdminFixture {
 protected:
  TypedRangeTest()
      : AdminFixture(
            "clocks { clock: 'i2c2' rate_policy: RATE_POLICY_RANGE } "
            "vms { name: 'slow-vm' clocks { name: 'i2c2' access: ACCESS_VOTE } "
            "      rate_limits { clock: 'i2c2' min_hz: 1000000 max_hz: 100000000 } } "
            "vms { name: 'fast-vm' clocks { name: 'i2c2' access: ACCESS_VOTE } } ") {}

  grpc::Status Ask(const std::string& vm, const std::string& clock, int64_t min_hz,
                   int64_t max_hz) {
    answer_.Clear();
    return Call(*Clocks(vm), &v1::Clocks::Stub::SetRateRange, &answer_, [&](auto* request) {
      *request->mutable_clock() = Named(clock);
      request->set_min_rate_hz(min_hz);
      request->set_max_rate_hz(max_hz);
    });
  }
  int32_t Error(const std::string& vm, int64_t min_mhz, int64_t max_mhz) {
    const grpc::Status status = Ask(vm, "i2c2", min_mhz * kMHz, max_mhz * kMHz);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return answer_.outcome().error();
  }

  v1::SetRateRangeResponse answer_;
};

TEST_F(TypedRangeTest, SetsTheLowestRateThatSuitsEverybody) {
  ASSERT_EQ(Error("slow-vm", 10, 60), 0) << answer_.outcome().reason();
  EXPECT_EQ(answer_.rate_hz(), Rate(kI2c2));
  ASSERT_EQ(Error("fast-vm", 40, 200), 0) << answer_.outcome().reason();
  EXPECT_EQ(answer_.rate_hz(), Rate(kI2c2));
  EXPECT_GT(Rate(kI2c2), 30 * kMHz);
  EXPECT_LE(Rate(kI2c2), 60 * kMHz);

  v1::ResourceState state;
  ASSERT_TRUE(Call(*Admin(), &v1::Admin::Stub::GetResource, &state, [](auto* request) {
                *request->mutable_resource() = Named("i2c2");
                request->mutable_resource()->set_kind(v1::RESOURCE_KIND_CLOCK);
              }).ok());
  ASSERT_EQ(state.rate_votes_size(), 2);
  EXPECT_EQ(state.rate_votes(0).vm(), "slow-vm");
  EXPECT_EQ(state.rate_votes(0).min_rate_hz(), 10 * kMHz);
  EXPECT_EQ(state.rate_votes(0).max_rate_hz(), 60 * kMHz);
}

TEST_F(TypedRangeTest, ADisjointRangeIsBusyAndSaysWhoIsInTheWay) {
  ASSERT_EQ(Error("slow-vm", 10, 30), 0) << answer_.outcome().reason();
  EXPECT_EQ(Error("fast-vm", 40, 200), kBusy);
  EXPECT_THAT(answer_.outcome().reason(), HasSubstr("In the way: slow-vm."));
  EXPECT_EQ(Error("fast-vm", 20, 200), 0) << answer_.outcome().reason();
}

TEST_F(TypedRangeTest, WhatThePolicyDoesNotAllowIsInvalid) {
  EXPECT_EQ(Error("slow-vm", 101, 200), kInval);
  EXPECT_THAT(answer_.outcome().reason(), HasSubstr("within the VM's limits in the policy"));
  ASSERT_TRUE(Ask("serial-vm", "uarta", kMHz, 2 * kMHz).ok());
  EXPECT_EQ(answer_.outcome().error(), kInval);
  EXPECT_THAT(answer_.outcome().reason(), HasSubstr("rate policy isn't 'range'"));
}

TEST_F(TypedRangeTest, WhatIsNoRangeIsNoRequest) {
  const grpc::Status status = Ask("fast-vm", "i2c2", 5, 4);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("a range has a highest rate"));
  EXPECT_EQ(Ask("fast-vm", "i2c2", 0, 4).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace bpmp::testing
