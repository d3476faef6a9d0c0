// SPDX-License-Identifier: Apache-2.0
// The same path on kernels that look for mistakes: KASAN, lockdep, and the kernel's own unit tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/e2e/e2e_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DebugTest : public E2eTest {
 protected:
  DebugTest() : E2eTest(R"(vms { name: "a" devices { device: "uarta" } })") {}
};

TEST_P(DebugTest, NothingIsFound) {
  GuestMachine bare = Machine("a");
  bare.cpus = Cpus();
  bare.memory_mib = 512;
  GuestMachine machine =
      WithConsumer(bare, "clocks = <&{/bpmp} 155>, <&{/bpmp} 102>; resets = <&{/bpmp} 100>;");
  machine.append = "suspend.pm_test_delay=1";
  const auto guest = BootConsumer(machine);
  ASSERT_NE(guest, nullptr);
  // Without these, that nothing is found means nothing.
  EXPECT_THAT(guest->Console(), AllOf(HasSubstr("KernelAddressSanitizer initialized"),
                                      HasSubstr("Lock dependency validator")));
  EXPECT_THAT(guest->Console(),
              AllOf(ContainsRegex("tegra-bpmp-guest-proxy: pass:5 fail:0 skip:0 total:5"),
                    ContainsRegex("tegra-bpmp-guest-callers: pass:3 fail:0 skip:0 total:3")));
  for (int round = 0; round < 20; ++round) {
    ASSERT_EQ(Consumer(guest.get(), "clk_enable", "0"), 0);
    ASSERT_EQ(Consumer(guest.get(), "clk_rate", "0 51000000"), 0);
    ASSERT_EQ(Consumer(guest.get(), "reset", "pulse 0"), 0);
    ASSERT_EQ(Consumer(guest.get(), "clk_disable", "0"), 0);
  }
  guest->Run("echo platform > /sys/power/pm_test && echo freeze > /sys/power/state");
  EXPECT_EQ(guest->status(), 0);
  EXPECT_EQ(Consumer(guest.get(), "clk_enable", "0"), 0);
  // From the first line: nothing is cut off.
  const std::string log = guest->KernelLog();
  EXPECT_THAT(log, HasSubstr("Booting Linux"));
  EXPECT_THAT(Complaints(log), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Linux, DebugTest, ::testing::ValuesIn(kDebug), NameOfTest);

}  // namespace
}  // namespace bpmp::testing
