// SPDX-License-Identifier: Apache-2.0
// The host's side, in a machine that stands for the host: what /dev/bpmp-host does there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/backend/sim/fault.h"
#include "tests/e2e/host_fixture.h"
#include "tests/e2e/kernel_memory.h"

namespace bpmp::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The lists of the program's own ids; the host has a driver for the same device.
constexpr char kNodes[] = R"(clocks = <&{/bpmp} 155>; resets = <&{/bpmp} 100>; };
    bpmp-host-proxy {
      compatible = "nvidia,bpmp-host-proxy";
      nvidia,bpmp = <&{/bpmp}>;
      allowed-clocks = <155 102>;
      allowed-resets = <100>;
      allowed-power-domains = <18>;)";

// Ways to fail, and the error that the host's callers are told for a clock and for a reset.
constexpr struct {
  const char* how;
  int clock;
  int reset;
} kFailures[] = {{"error=EIO", -5, -5}, {"unavailable", -5, -5}, {"drop", -5, -23}};

class HostTest : public HostFixture {
 protected:
  std::unique_ptr<LinuxGuest> BootHost(const std::string& more = "") {
    auto host = BootMachine(kNodes, more);
    if (host != nullptr) LoadProxy(host.get());
    return host;
  }
};

TEST_P(HostTest, TheDeviceKeepsItsPromises) {
  const auto host = BootHost();
  ASSERT_NE(host, nullptr);
  const std::string said = host->Run("/opt/host_device_test");
  EXPECT_EQ(host->status(), 0) << said;
  EXPECT_THAT(said, ContainsRegex("host_device_test: [0-9]+ checks, 0 failures"));
  EXPECT_THAT(said, Not(HasSubstr("not ok")));
  // What older proxies got wrong is among it.
  EXPECT_THAT(said, ContainsRegex("# a CLK request without payload is refused\n"
                                  "ok [0-9]+ MRQ 22 with tx.size 0\n"));
  EXPECT_THAT(said, HasSubstr(" tx.size too large\n"));
  EXPECT_THAT(said, HasSubstr(" rx.size too large\n"));
  EXPECT_THAT(said, HasSubstr(" tx_size 121\n"));
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

// What was measured of the host proxies that came before (docs/testing.md), and isn't in the
// program.

TEST_P(HostTest, TenThousandRequestsLeaveNoObjectBehind) {
  const auto host = BootHost();
  ASSERT_NE(host, nullptr);
  // What is made once and kept is there after some.
  host->Run("/opt/host_device_test -n 20");
  const KernelMemory before = MemoryOf(host.get());
  if (BuiltIn()) {
    ASSERT_GE(before.objects, 0) << "the debug kernels count objects";
  }
  // Twelve a round: four kinds, by ioctl, by cookie and by write().
  EXPECT_EQ(host->Run("/opt/host_device_test -n 850"), "soak: 10200 requests, 0 wrong answers");
  ExpectNoLeak(before, MemoryOf(host.get()), 10'200);
}

TEST_P(HostTest, FailureNeverReadsAsSuccess) {
  const auto host = BootHost();
  ASSERT_NE(host, nullptr);
  for (const auto& [how, clock, reset] : kFailures) {
    for (const char* const what : {"CLK ENABLE 155 ", "RESET ASSERT 100 "}) {
      broker_.sim().AddFault(*backend::sim::ParseFault(absl::StrCat(what, how)));
    }
    EXPECT_EQ(host->Run("/opt/host_device_test -e"),
              absl::StrFormat("ENABLE by ioctl: returned 0, status 0, err %d, answer empty\n"
                              "ENABLE by write: %d\n"
                              "ASSERT by ioctl: returned 0, status 0, err %d\n"
                              "ASSERT by write: %d\n"
                              "holds: 0",
                              clock, clock, reset, reset))
        << how;
    broker_.sim().ClearFaults();
    EXPECT_FALSE(ClockOn(kUartaClock)) << how;
  }
}

// Whatever stands for the firmware doesn't answer: that is the transport's, and said as such where
// the way to the firmware has a word for it.
TEST_P(HostTest, AFirmwareThatHangsIsATimeOutOfTheTransport) {
  const auto host = BootHost(",timeout-ms=700");
  ASSERT_NE(host, nullptr);
  broker_.sim().AddFault(*backend::sim::ParseFault("CLK ENABLE 155 hang count=1"));
  broker_.sim().AddFault(*backend::sim::ParseFault("RESET ASSERT 100 hang count=1"));
  const std::string said = host->Run("/opt/host_device_test -e");
  EXPECT_THAT(said, HasSubstr(absl::StrCat("ENABLE by ioctl: returned 0, status ",
                                           HasMailbox() ? "0, err -5" : "-110, err 0",
                                           ", answer empty\n")));
  EXPECT_THAT(said, ContainsRegex("ENABLE by write: -(23|5)\n"));
  EXPECT_THAT(said, HasSubstr(absl::StrCat("ASSERT by ioctl: returned 0, status ",
                                           HasMailbox() ? "0, err -23" : "-110, err 0", "\n")));
  EXPECT_THAT(said, ContainsRegex("ASSERT by write: -(23|5)\n"));
  EXPECT_THAT(said, EndsWith("holds: 0"));
  broker_.sim().ClearFaults();
  broker_.sim().ReleaseHangs();
  // It works again once it is heard of again.
  while (host->Run("/opt/host_device_test -n 1") != "soak: 12 requests, 0 wrong answers") {
    ASSERT_NE(host->status(), -1) << "the host has ended";
  }
}

// Not the emulator, which gives up after ten seconds: a change of the rate waits in the host's own
// kernel, with the lock of all clocks.
TEST_P(HostTest, ATransferThatNeverEnds) {
  const auto host = BootHost();
  ASSERT_NE(host, nullptr);
  ASSERT_EQ(Consumer(host.get(), "stuck", "1"), 0);
  const std::string said = host->Run("/opt/host_device_test -x");
  EXPECT_EQ(host->status(), 0) << said;
  EXPECT_THAT(said, ContainsRegex("host_device_test: [0-9]+ checks, 0 failures"));
  if (!BuiltIn()) {
    host->Run("rmmod bpmp_host_proxy");
    EXPECT_NE(host->status(), 0) << "its code runs";
  }
  EXPECT_THAT(host->Run("cat /sys/kernel/debug/bpmp-host/holds"), IsEmpty());

  ASSERT_EQ(Consumer(host.get(), "stuck", "0"), 0);
  host->Run("until grep -q 'clock 155 orphan' /sys/kernel/debug/bpmp-host/holds; do :; done");
  EXPECT_TRUE(ClockOn(kUartaClock)) << "what was abandoned went on to its end";
  const std::string after = host->Run("/opt/host_device_test");
  EXPECT_EQ(host->status(), 0) << after;
  EXPECT_FALSE(ClockOn(kUartaClock));
  if (!BuiltIn()) {
    host->Run("rmmod bpmp_host_proxy");
    EXPECT_EQ(host->status(), 0) << "nothing of it is left";
  }
}

INSTANTIATE_TEST_SUITE_P(Linux, HostTest, ::testing::ValuesIn(kPairs), NameOfTest);
INSTANTIATE_TEST_SUITE_P(LinuxDebug, HostTest, ::testing::ValuesIn(kDebug), NameOfTest);

}  // namespace
}  // namespace bpmp::testing
