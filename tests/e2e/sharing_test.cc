// SPDX-License-Identifier: Apache-2.0
// Several guests that use the same clocks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/e2e/e2e_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kClockOnly[] = "clocks = <&{/bpmp} 155>, <&{/bpmp} 14>;";

class SharingTest : public E2eTest {
 protected:
  SharingTest() : E2eTest(Config()) {}

  // One VM that owns a device, and seven that may keep its clock on.
  static std::string Config() {
    std::string config = R"(vms { name: "owner" devices { device: "uarta" } })";
    for (int vm = 1; vm < kVms; ++vm) {
      absl::StrAppend(&config, "vms { name: \"vm", vm,
                      "\" clocks { name: \"uarta\" access: ACCESS_VOTE } }");
    }
    return config;
  }
  static constexpr int kVms = 8;
};

TEST_P(SharingTest, TwoGuestsAndOneClock) {
  const auto owner = BootConsumer(WithConsumer(Machine("owner"), kUartaNode));
  const auto other = BootConsumer(WithConsumer(Machine("vm1"), kClockOnly));
  ASSERT_TRUE(owner != nullptr && other != nullptr);
  ASSERT_EQ(Consumer(owner.get(), "clk_enable", "0"), 0);
  ASSERT_EQ(Consumer(other.get(), "clk_enable", "0"), 0);
  // The owner sets the rate, whoever else only keeps it on.
  EXPECT_EQ(Consumer(owner.get(), "clk_rate", "0 51000000"), 0);
  EXPECT_EQ(Rate(kUartaClock), 51'000'000);
  // The clock's flags tell newer kernels that they can't; older ones ask what they could get, and
  // are told the rate that there is. Both call it success.
  EXPECT_EQ(Consumer(other.get(), "clk_rate", "0 25500000"), 0);
  EXPECT_EQ(Rate(kUartaClock), 51'000'000);
  // Nobody moves a clock to another parent under somebody else.
  EXPECT_EQ(Consumer(owner.get(), "clk_parent", "0 2"), -22);
  EXPECT_EQ(Consumer(other.get(), "clk_parent", "0 1"), -22);
  // It is off when the last one leaves, and not before.
  EXPECT_EQ(Consumer(owner.get(), "clk_disable", "0"), 0);
  EXPECT_TRUE(ClockOn(kUartaClock));
  EXPECT_EQ(Consumer(other.get(), "clk_disable", "0"), 0);
  EXPECT_FALSE(ClockOn(kUartaClock));
}

TEST_P(SharingTest, AGuestThatBootsDisturbsNobody) {
  const auto owner = BootConsumer(WithConsumer(Machine("owner"), kUartaNode));
  ASSERT_NE(owner, nullptr);
  ASSERT_EQ(Consumer(owner.get(), "clk_enable", "0"), 0);
  const uint64_t before = Edges();
  // Its cleanup of unused clocks sees all that the owner has on.
  const auto other = Boot(Machine("vm1"));
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(Edges(), before);
  EXPECT_TRUE(ClockOn(kUartaClock));
}

TEST_P(SharingTest, EightGuestsAndOneClock) {
  std::vector<std::unique_ptr<LinuxGuest>> guests;
  const GuestMachine owner = WithConsumer(Machine("owner"), kUartaNode);
  for (int vm = 0; vm < kVms; ++vm) {
    GuestMachine machine = owner;
    if (vm > 0) machine.device = Machine(absl::StrCat("vm", vm)).device;
    guests.push_back(Start(machine));  // all boot at once
  }
  for (const auto& guest : guests) {
    ASSERT_TRUE(guest->Ready()) << guest->Console();
    guest->Run("insmod /lib/bpmp-consumer.ko");
    ASSERT_EQ(Consumer(guest.get(), "clk_enable", "0"), 0);
    EXPECT_TRUE(ClockOn(kUartaClock));
  }
  for (const auto& guest : guests) {
    EXPECT_TRUE(ClockOn(kUartaClock));
    ASSERT_EQ(Consumer(guest.get(), "clk_disable", "0"), 0);
  }
  EXPECT_FALSE(ClockOn(kUartaClock));
}

// A kernel with the guest proxy has Linux' own driver too, and takes whichever BPMP it finds.
class FrontEndsTest : public SharingTest {};

TEST_P(FrontEndsTest, BothServeAtOnce) {
  const auto owner = BootConsumer(WithConsumer(Machine("owner"), kUartaNode));
  GuestMachine stock = Machine("vm1");
  stock.device = absl::StrReplaceAll(stock.device, {{"nvidia-bpmp-guest", "nvidia-bpmp-mailbox"}});
  const auto other = BootConsumer(WithConsumer(stock, kClockOnly));
  ASSERT_TRUE(owner != nullptr && other != nullptr);
  EXPECT_THAT(owner->KernelLog(), HasSubstr("with transport status"));
  EXPECT_THAT(other->KernelLog(), Not(HasSubstr("with transport status")));
  ASSERT_EQ(Consumer(owner.get(), "clk_enable", "0"), 0);
  ASSERT_EQ(Consumer(other.get(), "clk_enable", "0"), 0);
  EXPECT_EQ(Consumer(owner.get(), "clk_parent", "0 2"), -22);
  EXPECT_EQ(Consumer(owner.get(), "clk_disable", "0"), 0);
  EXPECT_TRUE(ClockOn(kUartaClock));
  EXPECT_EQ(Consumer(other.get(), "clk_disable", "0"), 0);
  EXPECT_FALSE(ClockOn(kUartaClock));
}

INSTANTIATE_TEST_SUITE_P(Linux, FrontEndsTest, ::testing::ValuesIn(kWindowPairs), NameOfTest);
INSTANTIATE_TEST_SUITE_P(Linux, SharingTest, ::testing::ValuesIn(kPairs), NameOfTest);

}  // namespace
}  // namespace bpmp::testing
