// SPDX-License-Identifier: Apache-2.0
// Linux with the upstream drivers, one machine: what it finds, what it may do, and what it must
// not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "broker/backend/sim/fault.h"
#include "tests/e2e/e2e_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kUartaVm[] = R"(vms { name: "a" devices { device: "uarta" } })";

class BootTest : public E2eTest {
 protected:
  BootTest() : E2eTest(kUartaVm) {}
};

TEST_P(BootTest, FindsTheWholeBoardAndDisturbsNothing) {
  const auto guest = Boot(Machine("a"));
  ASSERT_NE(guest, nullptr);
  if (HasMailbox()) {
    EXPECT_THAT(guest->Run("ls /sys/bus/platform/drivers/tegra-hsp"), HasSubstr("b000000.hsp"));
  } else {
    EXPECT_THAT(guest->Console(), HasSubstr("with transport status"));
  }
  EXPECT_THAT(guest->Console(), HasSubstr("firmware: bpmp-broker-sim-t234-1"));
  // Nor by Linux's cleanup of what it doesn't use, which is over by now.
  EXPECT_THAT(guest->Console(), HasSubstr("Disabling unused clocks"));
  EXPECT_EQ(Edges(), 0U);
  // Each clock has a folder, and the machine has one of its own.
  EXPECT_EQ(guest->Run("ls -d /sys/kernel/debug/clk/*/ | grep -vc clk24mhz"), "435");
  EXPECT_EQ(guest->Run("grep -c . /sys/kernel/debug/clk/uarta/clk_rate"), "1");
  EXPECT_EQ(guest->Run("cat /sys/kernel/debug/clk/uarta/clk_rate"),
            absl::StrCat(Rate(kUartaClock)));
  EXPECT_EQ(guest->Run("ls -d /sys/kernel/debug/pm_genpd/*/ | wc -l"), "31");
}

TEST_P(BootTest, ItsDriverDrivesItsDevice) {
  const auto guest = BootConsumer(WithConsumer(Machine("a"), kUartaNode));
  ASSERT_NE(guest, nullptr);
  EXPECT_THAT(guest->KernelLog(), HasSubstr("3 clocks, 1 resets"));
  EXPECT_EQ(Consumer(guest.get(), "reset", "assert 0"), 0);
  EXPECT_TRUE(ResetAsserted(kUartaReset));
  EXPECT_EQ(Consumer(guest.get(), "reset", "deassert 0"), 0);
  EXPECT_EQ(Consumer(guest.get(), "clk_enable", "0"), 0);
  EXPECT_TRUE(ClockOn(kUartaClock));
  EXPECT_TRUE(broker_.Holds("a", ClockId(kUartaClock)));
  EXPECT_EQ(Consumer(guest.get(), "clk_rate", "0 51000000"), 0);
  EXPECT_EQ(Rate(kUartaClock), 51'000'000);
  EXPECT_THAT(guest->Run("cat /sys/bus/platform/devices/consumer/clk_rate"),
              HasSubstr("0 51000000 1"));
  // To the crystal and back.
  EXPECT_EQ(Consumer(guest.get(), "clk_parent", "0 2"), 0);
  EXPECT_EQ(broker_.sim().WithModel([](auto& m) { return m.Parent(ClockId(kUartaClock)); }),
            ClockId(14));
  EXPECT_EQ(Consumer(guest.get(), "clk_parent", "0 1"), 0);
  EXPECT_EQ(Consumer(guest.get(), "clk_disable", "0"), 0);
  EXPECT_FALSE(broker_.Holds("a", ClockId(kUartaClock)));
  EXPECT_FALSE(ClockOn(kUartaClock));
}

TEST_P(BootTest, WhatIsNotItsOwnIsRefusedAndNothingBreaks) {
  // The memory's clock, another device's reset, and a third one's power domain.
  const auto guest = BootConsumer(WithConsumer(Machine("a"),
                                               "nvidia,bpmp = <&{/bpmp}>; clocks = <&{/bpmp} 31>, "
                                               "<&{/bpmp} 155>; resets = <&{/bpmp} 113>;"));
  ASSERT_NE(guest, nullptr);
  const uint64_t before = Edges();
  EXPECT_EQ(Consumer(guest.get(), "clk_enable", "0"), -22);
  EXPECT_EQ(Consumer(guest.get(), "reset", "assert 0"), -22);
  const int64_t rate = Rate(31);
  // Linux doesn't ask for a rate that it won't get, and says nothing.
  Consumer(guest.get(), "clk_rate", "0 1000000");
  EXPECT_EQ(Rate(31), rate);
  EXPECT_THAT(guest->Run("cat /sys/bus/platform/devices/consumer/clk_rate"),
              HasSubstr(absl::StrCat("0 ", rate, " ")));
  // Who asks all the same, by SET_RATE of clock 31, is refused, and the broker says so.
  const uint64_t since = broker_.events().last() + 1;
  EXPECT_EQ(Consumer(guest.get(), "transfer", "22 16 8 threaded 0x200001f 0 1000000"), 0);
  EXPECT_THAT(guest->Run("cat /sys/bus/platform/devices/consumer/transfer"), StartsWith("-13 "));
  const auto denied = broker_.WaitFor("denied", "a", since);
  EXPECT_EQ(denied.event.resource, core::Resource::Of(ClockId(31)));
  EXPECT_EQ(Rate(31), rate);
  EXPECT_EQ(Edges(), before);
  EXPECT_EQ(Consumer(guest.get(), "clk_enable", "1"), 0) << "its own is its own all the same";
}

TEST_P(BootTest, AFirmwareThatHangsIsAnErrorAndNoMore) {
  const auto guest = BootConsumer(WithConsumer(Machine("a", ",timeout-ms=700"), kUartaNode));
  ASSERT_NE(guest, nullptr);
  broker_.sim().AddFault(*backend::sim::ParseFault("CLK ENABLE 155 hang count=1"));
  EXPECT_EQ(Consumer(guest.get(), "clk_enable", "0"), Unanswered());
  broker_.sim().ClearFaults();
  broker_.sim().ReleaseHangs();
  // What was abandoned is settled before the next request is answered.
  EXPECT_EQ(Consumer(guest.get(), "clk_enable", "0"), 0);
  EXPECT_TRUE(ClockOn(kUartaClock));
  EXPECT_EQ(Consumer(guest.get(), "clk_disable", "0"), 0);
}

TEST_P(BootTest, SleepsAndWakes) {
  GuestMachine machine = WithConsumer(Machine("a"), kUartaNode);
  machine.append = "suspend.pm_test_delay=1";
  const auto guest = BootConsumer(machine);
  ASSERT_NE(guest, nullptr);
  EXPECT_EQ(Consumer(guest.get(), "clk_enable", "0"), 0);
  // With all devices suspended, and without the wait for something that wakes it.
  guest->Run("echo platform > /sys/power/pm_test && echo freeze > /sys/power/state");
  EXPECT_EQ(guest->status(), 0);
  EXPECT_EQ(Consumer(guest.get(), "clk_rate", "0 51000000"), 0);
  EXPECT_EQ(Rate(kUartaClock), 51'000'000);
}

constexpr Versions kAll[] = {{"6_1", "7_2"},
                             {"6_1", "10_0"},
                             {"6_12", "7_2"},
                             {"6_12", "10_0"},
                             {"6_1_STOCK", "7_2", FrontEnd::kMailbox},
                             {"6_1_STOCK", "10_0", FrontEnd::kMailbox},
                             {"6_12_STOCK", "7_2", FrontEnd::kMailbox},
                             {"6_12_STOCK", "10_0", FrontEnd::kMailbox}};
INSTANTIATE_TEST_SUITE_P(Linux, BootTest, ::testing::ValuesIn(kAll), NameOfTest);

}  // namespace
}  // namespace bpmp::testing
