// SPDX-License-Identifier: Apache-2.0
// What the host proxy makes of its node in the device tree: lists that it must not guess at, clocks
// that may be controlled though others run from them, and a second node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/e2e/host_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCompatible[] = "compatible = \"nvidia,bpmp-host-proxy\"; ";

// Nodes that are no proxy, for the lists below: what their properties lack is said after them.
constexpr char kOthers[] = R"(};
    no-specifier { ref_clock: clock { clocks = <&{/bpmp}>; };
                   ref_reset: reset { resets = <100>; };
                   ref_domain: domain { power-domains = [00 01 02]; }; };)";

// Each alone fails the probe, with this error.
struct BadNode {
  const char* name;
  const char* properties;
  const char* said;
};
constexpr BadNode kBad[] = {
    {"clocks-of-bytes", "allowed-clocks = [00 00 9b];",
     "error -22: allowed-clocks: not a list of numbers"},
    {"controlled-of-bytes", "allowed-clocks = <155>; controlled-clocks = <155>, [00];",
     "error -22: controlled-clocks: not a list of numbers"},
    {"resets-of-text", "allowed-resets = \"uart\";",
     "error -22: allowed-resets: not a list of numbers"},
    {"domains-of-bytes", "allowed-power-domains = [12];",
     "error -22: allowed-power-domains: not a list of numbers"},
    {"clock-of-25-bits", "allowed-clocks = <155 0x1000000>;",
     "error -22: allowed-clocks: 16777216 is no clock"},
    {"control-of-32-bits", "controlled-clocks = <0xffffffff>;",
     "error -22: controlled-clocks: 4294967295 is no clock"},
    {"devices-of-bytes", "allowed-devices = <&{/consumer}>, [00 01];",
     "error -22: allowed-devices: not a list of nodes"},
    {"device-zero", "allowed-devices = <0>;", "error -22: allowed-devices: entry 0 is no node"},
    {"device-nowhere", "allowed-devices = <&{/consumer}>, <0xdead>;",
     "error -22: allowed-devices: entry 1 is no node"},
    {"device-without-clock", "allowed-devices = <&ref_clock>;",
     "error -22: /no-specifier/clock: bad clocks"},
    {"device-without-reset", "allowed-devices = <&{/consumer}>, <&ref_reset>;",
     "error -22: /no-specifier/reset: bad resets"},
    {"device-without-domain", "allowed-devices = <&ref_domain>;",
     "error -22: /no-specifier/domain: bad power-domains"},
    {"other-bpmp", "nvidia,bpmp = <&{/consumer}>; allowed-clocks = <155>;",
     "nvidia,bpmp: /consumer is no BPMP"},
};

// MGBE0's clock, and what the four MGBEs share: the latter can be controlled because somebody said
// so, and PLLP's output, which half of the board runs from, only enabled. No board has a clock 9999
// or a power domain 777.
constexpr char kControlled[] = R"(};
    first {
      compatible = "nvidia,bpmp-host-proxy";
      nvidia,bpmp = <&{/bpmp}>;
      allowed-clocks = <380 155 102 9999>;
      controlled-clocks = <366>;
      allowed-resets = <100>;
      allowed-power-domains = <18 777>;
    };
    second {
      compatible = "nvidia,bpmp-host-proxy";
      allowed-clocks = <167>;)";
constexpr uint32_t kMgbesApp = 366;
constexpr uint32_t kMgbe1App = 389;

class HostProbeTest : public HostFixture {
 protected:
  // What the kernel's log has of the proxy.
  static std::string Said(LinuxGuest* host) {
    return host->Run("dmesg | grep bpmp-host-proxy") + "\n";
  }
  static void ExpectNoDevice(LinuxGuest* host) {
    host->Run("ls /dev/bpmp-host");
    EXPECT_NE(host->status(), 0);
    host->Run("ls /sys/kernel/debug/bpmp-host");
    EXPECT_NE(host->status(), 0);
  }
  static std::string SetRate(LinuxGuest* host, uint32_t clock, int64_t hz) {
    return host->Run(absl::StrCat("/opt/host_device_test -c ", clock, " -s ", hz));
  }
};

TEST_P(HostProbeTest, AListThatCannotBeReadIsNotGuessedAt) {
  std::string nodes = kOthers;
  for (const BadNode& bad : kBad) {
    absl::StrAppend(&nodes, bad.name, " { ", kCompatible, bad.properties, " };\n");
  }
  // Linux makes devices of these alone, and the last is ended by whoever makes the tree.
  absl::StrAppend(&nodes, "last { ");
  const auto host = BootMachine(nodes);
  ASSERT_NE(host, nullptr);
  ASSERT_TRUE(LoadProxy(host.get()));
  const std::string said = Said(host.get());
  for (const BadNode& bad : kBad) {
    EXPECT_THAT(said, HasSubstr(absl::StrCat("bpmp-host-proxy ", bad.name, ": ", bad.said, "\n")));
  }
  EXPECT_THAT(said, Not(HasSubstr("/dev/bpmp-host: ")));
  ExpectNoDevice(host.get());
  if (!BuiltIn()) {
    host->Run("rmmod bpmp_host_proxy");
    EXPECT_EQ(host->status(), 0) << "nothing of all that is left";
  }
}

TEST_P(HostProbeTest, ControlledClocksAreSetThoughOthersRunFromThem) {
  const auto host = BootMachine(kControlled);
  ASSERT_NE(host, nullptr);
  ASSERT_TRUE(LoadProxy(host.get()));
  const std::string allowed = host->Run("cat /sys/kernel/debug/bpmp-host/allowed") + "\n";
  EXPECT_THAT(allowed, AllOf(HasSubstr("clock 366 control\n"), HasSubstr("clock 380 control\n"),
                             HasSubstr("clock 155 control\n"), HasSubstr("clock 102 enable\n"),
                             HasSubstr("clock 292 enable\n"), Not(HasSubstr("clock 389 "))));

  const int64_t before = Rate(kMgbesApp);
  EXPECT_EQ(SetRate(host.get(), 102, 204'000'000), "SET_RATE of clock 102: err -13, rate 0");
  EXPECT_EQ(SetRate(host.get(), kMgbe1App, 120'000'000), "SET_RATE of clock 389: err -13, rate 0");
  EXPECT_EQ(Rate(kMgbesApp), before);
  EXPECT_EQ(SetRate(host.get(), kMgbesApp, 120'000'000),
            "SET_RATE of clock 366: err 0, rate 120000000");
  EXPECT_EQ(Rate(kMgbesApp), 120'000'000);
  EXPECT_EQ(Rate(kMgbe1App), 120'000'000) << "as the binding warns";
  EXPECT_EQ(SetRate(host.get(), kMgbesApp, before),
            absl::StrCat("SET_RATE of clock 366: err 0, rate ", before));
}

TEST_P(HostProbeTest, WhatTheHostDoesNotHaveIsSaidAndASecondNodeRefused) {
  const auto host = BootMachine(kControlled);
  ASSERT_NE(host, nullptr);
  ASSERT_TRUE(LoadProxy(host.get()));
  EXPECT_THAT(Said(host.get()),
              AllOf(HasSubstr("bpmp-host-proxy first: the host has no clock 9999\n"),
                    HasSubstr("bpmp-host-proxy first: the host has no power domain 777: -"),
                    HasSubstr("bpmp-host-proxy first: /dev/bpmp-host: "),
                    HasSubstr("bpmp-host-proxy second: error -16: there is a proxy already")));
  const std::string allowed = host->Run("cat /sys/kernel/debug/bpmp-host/allowed") + "\n";
  EXPECT_THAT(allowed, AllOf(HasSubstr("clock 9999 control (the host has none)\n"),
                             HasSubstr("power-domain 777 control (the host has none)\n"),
                             Not(HasSubstr("clock 167 "))));
  // The first goes on as if nothing were.
  EXPECT_EQ(host->Run("/opt/host_device_test -n 1"), "soak: 12 requests, 0 wrong answers");
  EXPECT_EQ(SetRate(host.get(), 9999, 1'000'000), "SET_RATE of clock 9999: err -22, rate 0");
}

INSTANTIATE_TEST_SUITE_P(Linux, HostProbeTest, ::testing::ValuesIn(kPairs), NameOfTest);
INSTANTIATE_TEST_SUITE_P(LinuxDebug, HostProbeTest, ::testing::ValuesIn(kDebug), NameOfTest);

}  // namespace
}  // namespace bpmp::testing
