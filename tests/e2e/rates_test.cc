// SPDX-License-Identifier: Apache-2.0
// Guests that share a clock whose rate more than one of them may set, and that come and go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/core/event.h"
#include "tests/e2e/e2e_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::StartsWith;

constexpr uint32_t kUartbClock = 156;
constexpr uint32_t kUartcClock = 157;
// In the consumer's list.
constexpr int kFirst = 0;
constexpr int kMax = 1;
constexpr int kRange = 2;
constexpr char kClocks[] =
    "nvidia,bpmp = <&{/bpmp}>; clocks = <&{/bpmp} 155>, <&{/bpmp} 156>, <&{/bpmp} 157>;";

class RatesTest : public E2eTest {
 protected:
  RatesTest() : E2eTest(Config()) {}

  static std::string Config() {
    std::string config =
        R"(clocks { clock: "uarta" rate_policy: RATE_POLICY_FIRST }
           clocks { clock: "uartb" rate_policy: RATE_POLICY_MAX }
           clocks { clock: "uartc" rate_policy: RATE_POLICY_RANGE })";
    for (const char* vm : {"one", "two"}) {
      absl::StrAppend(&config, "vms { name: \"", vm,
                      R"(" clocks { name: "uarta" access: ACCESS_VOTE }
                           clocks { name: "uartb" access: ACCESS_VOTE }
                           clocks { name: "uartc" access: ACCESS_VOTE }
                           rate_limits { clock: "uartc" min_hz: 1000000 max_hz: )",
                      vm == std::string("one") ? "60000000" : "200000000", " } }");
    }
    return config;
  }
  void SetUp() override {
    E2eTest::SetUp();
    if (IsSkipped()) return;
    one_ = BootConsumer(WithConsumer(Machine("one"), kClocks));
    two_ = BootConsumer(WithConsumer(Machine("two"), kClocks));
    ASSERT_TRUE(one_ != nullptr && two_ != nullptr);
  }

  // clk_set_rate() calls it success even where the firmware refuses.
  static void SetRate(LinuxGuest* guest, int clock, int64_t hz) {
    EXPECT_EQ(Consumer(guest, "clk_rate", absl::StrCat(clock, " ", hz)), 0);
  }
  // Linux asks first what it would get, and then doesn't ask for what it won't. Who asks all the
  // same is told, as is the broker's administrator, who is in the way.
  void ExpectConflict(LinuxGuest* guest, const char* vm, const char* other, uint32_t clock,
                      int64_t hz) {
    const uint64_t since = broker_.events().last() + 1;
    EXPECT_EQ(
        Consumer(guest, "transfer", absl::StrCat("22 16 8 threaded ", 2U << 24 | clock, " 0 ", hz)),
        0);
    EXPECT_THAT(guest->Run("cat /sys/bus/platform/devices/consumer/transfer"), StartsWith("-16 "));
    const auto conflict = broker_.WaitFor("conflict", vm, since);
    EXPECT_EQ(conflict.event.resource, core::Resource::Of(ClockId(clock)));
    EXPECT_EQ(conflict.event.other, broker_.vm(other));
  }
  // Its vCPU stops for ever, and the broker has released it.
  void End(std::unique_ptr<LinuxGuest>* guest, const char* vm) {
    const uint64_t since = broker_.events().last() + 1;
    (*guest)->qemu().Kill();
    broker_.WaitFor("released", vm, since);
    guest->reset();
  }
  std::unique_ptr<LinuxGuest> one_;
  std::unique_ptr<LinuxGuest> two_;
};

TEST_P(RatesTest, TheFirstHasTheRateUntilItLeaves) {
  ASSERT_EQ(Consumer(one_.get(), "clk_enable", "0"), 0);
  ASSERT_EQ(Consumer(two_.get(), "clk_enable", "0"), 0);
  SetRate(one_.get(), kFirst, 51'000'000);
  EXPECT_EQ(Rate(kUartaClock), 51'000'000);
  SetRate(two_.get(), kFirst, 25'500'000);
  EXPECT_EQ(Rate(kUartaClock), 51'000'000);
  ExpectConflict(two_.get(), "two", "one", kUartaClock, 25'500'000);
  EXPECT_EQ(Rate(kUartaClock), 51'000'000);
  End(&one_, "one");
  EXPECT_TRUE(ClockOn(kUartaClock)) << "the other has it on";
  SetRate(two_.get(), kFirst, 25'500'000);
  EXPECT_EQ(Rate(kUartaClock), 25'500'000);
}

TEST_P(RatesTest, TheHighestVoteWinsOfThoseThatAreLeft) {
  // As drivers do it: the rate first. Who enables without one votes for what there is.
  SetRate(one_.get(), kMax, 51'000'000);
  SetRate(two_.get(), kMax, 25'500'000);
  ASSERT_EQ(Consumer(one_.get(), "clk_enable", "1"), 0);
  ASSERT_EQ(Consumer(two_.get(), "clk_enable", "1"), 0);
  EXPECT_EQ(Rate(kUartbClock), 51'000'000);
  SetRate(two_.get(), kMax, 102'000'000);
  EXPECT_EQ(Rate(kUartbClock), 102'000'000);
  End(&two_, "two");
  EXPECT_EQ(Rate(kUartbClock), 51'000'000);
  EXPECT_TRUE(ClockOn(kUartbClock));
}

TEST_P(RatesTest, ARateSuitsEverybodyOrIsRefused) {
  SetRate(one_.get(), kRange, 25'500'000);
  SetRate(two_.get(), kRange, 51'000'000);
  ASSERT_EQ(Consumer(one_.get(), "clk_enable", "2"), 0);
  ASSERT_EQ(Consumer(two_.get(), "clk_enable", "2"), 0);
  EXPECT_EQ(Rate(kUartcClock), 51'000'000);
  // More than the first VM's limit, for as long as it lives.
  ExpectConflict(two_.get(), "two", "one", kUartcClock, 102'000'000);
  EXPECT_EQ(Rate(kUartcClock), 51'000'000);
  End(&one_, "one");
  SetRate(two_.get(), kRange, 102'000'000);
  EXPECT_EQ(Rate(kUartcClock), 102'000'000);
}

INSTANTIATE_TEST_SUITE_P(Linux, RatesTest, ::testing::ValuesIn(kPairs), NameOfTest);

}  // namespace
}  // namespace bpmp::testing
