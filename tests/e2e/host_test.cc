// SPDX-License-Identifier: Apache-2.0
// The host's side, in a machine that stands for the host: its BPMP is the simulated one, reached by
// the guest proxy, and our host proxy is loaded on top.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "tests/e2e/e2e_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::IsEmpty;

// The lists of the program's own ids; the host has a driver for the same device.
constexpr char kNodes[] = R"(clocks = <&{/bpmp} 155>; resets = <&{/bpmp} 100>; };
    bpmp-host-proxy {
      compatible = "nvidia,bpmp-host-proxy";
      nvidia,bpmp = <&{/bpmp}>;
      allowed-clocks = <155 102>;
      allowed-resets = <100>;
      allowed-power-domains = <18>;)";

class HostTest : public E2eTest {
 protected:
  HostTest() : E2eTest(R"(vms { name: "stands-for-host" all: ACCESS_EXCLUSIVE })") {}

  std::unique_ptr<LinuxGuest> BootHost() {
    GuestMachine machine = WithConsumer(Machine("stands-for-host"), kNodes);
    machine.cpus = 2;
    machine.memory_mib = 512;
    auto host = BootConsumer(machine);
    if (host != nullptr) {
      host->Run("insmod /lib/bpmp-host-proxy.ko");
      EXPECT_EQ(host->status(), 0) << host->KernelLog();
      // Where the kernel has KUnit, the module's own tests have run.
      if (absl::StrContains(GetParam().linux, "DEBUG")) {
        EXPECT_THAT(host->KernelLog(),
                    ContainsRegex("tegra-bpmp-host-proxy: pass:10 fail:0 skip:0 total:10"));
      }
    }
    return host;
  }
};

TEST_P(HostTest, TheDeviceKeepsItsPromises) {
  const auto host = BootHost();
  ASSERT_NE(host, nullptr);
  const std::string said = host->Run("/opt/host_device_test");
  EXPECT_EQ(host->status(), 0) << said;
  EXPECT_THAT(said, ContainsRegex("host_device_test: [0-9]+ checks, 0 failures"));
  EXPECT_THAT(Complaints(host->KernelLog()), IsEmpty());
}

TEST_P(HostTest, NeitherSideSwitchesOffTheOthers) {
  const auto host = BootHost();
  ASSERT_NE(host, nullptr);
  ASSERT_EQ(Consumer(host.get(), "clk_enable", "0"), 0);
  // It switches the clock on and off and on, and at last all off.
  host->Run("/opt/host_device_test > /dev/null");
  EXPECT_EQ(host->status(), 0);
  EXPECT_TRUE(ClockOn(kUartaClock)) << "the host's own driver still has it";
  EXPECT_EQ(Consumer(host.get(), "clk_disable", "0"), 0);
  EXPECT_FALSE(ClockOn(kUartaClock));
}

constexpr Versions kPairs[] = {{"6_1", "7_2"}, {"6_12", "10_0"}};
INSTANTIATE_TEST_SUITE_P(Linux, HostTest, ::testing::ValuesIn(kPairs),
                         [](const auto& versions) { return NameOf(versions.param); });
constexpr Versions kDebug[] = {{"6_1_DEBUG", "7_2"}, {"6_12_DEBUG", "10_0"}};
INSTANTIATE_TEST_SUITE_P(LinuxDebug, HostTest, ::testing::ValuesIn(kDebug),
                         [](const auto& versions) { return NameOf(versions.param); });

}  // namespace
}  // namespace bpmp::testing
