// SPDX-License-Identifier: Apache-2.0
// The broker on the host: a machine that stands for it has the host proxy and, built for arm64,
// bpmp-broker on top with its `kernel` backend. The BPMP behind all that is the simulated one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/backend/sim/fault.h"
#include "tests/e2e/e2e_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The host has a driver of its own for the same devices: UARTA's clock is its first, VIC's the
// second. NVJPG1 (20, 10, 36) is nobody's.
constexpr char kConsumer[] =
    "clocks = <&{/bpmp} 155>, <&{/bpmp} 167>; resets = <&{/bpmp} 100>; "
    "power-domains = <&{/bpmp} 29>; }; ";
constexpr char kById[] = R"(bpmp-host-proxy {
      compatible = "nvidia,bpmp-host-proxy";
      nvidia,bpmp = <&{/bpmp}>;
      allowed-clocks = <155 167 20>;
      allowed-resets = <100 113 10>;
      allowed-power-domains = <29 36>;)";
constexpr char kByDevice[] = R"(passed_through: vic {
      compatible = "bpmp-broker,no-driver";
      clocks = <&{/bpmp} 167>; resets = <&{/bpmp} 113>; power-domains = <&{/bpmp} 29>;
    };
    bpmp-host-proxy {
      compatible = "nvidia,bpmp-host-proxy";
      nvidia,bpmp = <&{/bpmp}>;
      allowed-devices = <&passed_through>;)";

// In one line, as the guest's shell reads it. Without the device tree, for which UARTA's clock is
// the consumer's as well, so that no VM would have it alone.
std::string ConfigLine(const std::string& abi) {
  return absl::StrCat(
      "printf '%s\\n' 'runtime_dir: /run/bpmp-broker' 'metrics: off' 'device_tree: none' "
      "'backend:' '  kernel: "
      "{device: "
      "/dev/bpmp-host, abi: ",
      abi,
      "}' 'vms:' '  - {name: serial, devices: [uarta]}' '  - name: video' '    devices: [vic]' '   "
      " "
      "clocks: [{name: uarta, access: vote}]' > /etc/broker.yaml");
}

std::string BrokerArchive() {
  const char* const path = std::getenv("BPMP_BROKER_ARM64");
  return path == nullptr ? "" : path;
}

class HostBrokerTest : public E2eTest {
 protected:
  HostBrokerTest() : E2eTest(R"(vms { name: "stands-for-host" all: ACCESS_EXCLUSIVE })") {}

  void SetUp() override {
    E2eTest::SetUp();
    if (!IsSkipped() && BrokerArchive().empty()) {
      GTEST_SKIP()
          << "BPMP_BROKER_ARM64 doesn't say where an archive with the broker for arm64 is; "
             "tests/e2e/broker_arm64.sh makes one";
    }
  }

  // With the module, and no broker yet.
  std::unique_ptr<LinuxGuest> BootHost(const std::string& proxy_node) {
    GuestMachine bare = Machine("stands-for-host");
    bare.cpus = Cpus();
    bare.memory_mib = 512;
    GuestMachine machine = WithConsumer(bare, absl::StrCat(kConsumer, proxy_node));
    // Linux unpacks archives that follow one another.
    const std::string both = directory_.path() + "/initramfs";
    std::ofstream(both, std::ios::binary)
        << std::ifstream(machine.initramfs, std::ios::binary).rdbuf()
        << std::ifstream(BrokerArchive(), std::ios::binary).rdbuf();
    machine.initramfs = both;
    auto host = BootConsumer(machine);
    if (host != nullptr) {
      host->Run(
          "mkdir -p /run /tmp /etc; export PATH=$PATH:/usr/bin NO_COLOR=1; insmod "
          "/lib/bpmp-host-proxy.ko");
      EXPECT_EQ(host->status(), 0) << host->KernelLog();
    }
    return host;
  }

  // Starts the broker and waits until it has heard from the firmware. False: it has ended.
  static bool StartBroker(LinuxGuest* host, const std::string& abi = "auto") {
    host->Run(ConfigLine(abi));
    host->Run("bpmp-broker --config /etc/broker.yaml > /tmp/log 2>&1 & broker=$!");
    host->Run(
        "until grep -q 'the backend answers' /tmp/log; do kill -0 $broker || break; done; "
        "kill -0 $broker");
    EXPECT_EQ(host->status(), 0) << host->Run("cat /tmp/log");
    return host->status() == 0;
  }
  // Ends it and returns its log.
  static std::string StopBroker(LinuxGuest* host, const std::string& signal = "TERM") {
    host->Run(absl::StrCat("kill -", signal, " $broker; wait $broker"));
    EXPECT_EQ(host->status(), signal == "TERM" ? 0 : 137);
    return host->Run("cat /tmp/log");
  }

  // What bpmpctl says; its exit code goes to host->status().
  static std::string Ctl(LinuxGuest* host, const std::string& arguments) {
    return host->Run("bpmpctl --timeout 60s " + arguments + " 2>&1");
  }
  static void Ask(LinuxGuest* host, const std::string& request) {
    const std::string said = Ctl(host, "request " + request);
    EXPECT_EQ(host->status(), 0) << request << ": " << said;
  }
  // How often the host's framework says that a clock is enabled, and prepared.
  static std::string ClkSummary(LinuxGuest* host, const std::string& clock) {
    return host->Run(absl::StrCat("awk '$1 == \"", clock,
                                  "\" {print $2, $3}' /sys/kernel/debug/clk/clk_summary"));
  }
  // What there is in a domain, by the host's framework, and each device's state.
  static std::string GenpdSummary(LinuxGuest* host) {
    return host->Run("cat /sys/kernel/debug/pm_genpd/pm_genpd_summary");
  }
  static std::string Look(LinuxGuest* host, const std::string& file) {
    return host->Run("cat /sys/kernel/debug/bpmp-host/" + file);
  }

  const TemporaryDirectory directory_;
};

TEST_P(HostBrokerTest, TheSelftestPassesByEveryAbi) {
  const auto host = BootHost(kById);
  ASSERT_NE(host, nullptr);
  struct {
    const char* abi;
    const char* spoken;
  } constexpr kAbis[] = {{"auto", "flat ABI, version"},
                         {"write48", "write() of 48 bytes"},
                         {"write56", "write() of 56 bytes"}};
  for (const auto& [abi, spoken] : kAbis) {
    SCOPED_TRACE(abi);
    ASSERT_TRUE(StartBroker(host.get(), abi));
    const std::string looked = Ctl(host.get(), "selftest");
    EXPECT_EQ(host->status(), 0) << looked;
    EXPECT_THAT(looked, ContainsRegex("backend +ok +kernel answers"));
    const uint64_t edges = Edges();
    const std::string switched = Ctl(host.get(), "selftest --switch nvjpg1");
    EXPECT_EQ(host->status(), 0) << switched;
    EXPECT_THAT(switched, HasSubstr("14 checks, all passed"));
    EXPECT_GE(Edges(), edges + 6) << "the hardware itself was switched, both ways";
    EXPECT_FALSE(ClockOn(20));
    EXPECT_FALSE(DomainOn(36));
    EXPECT_THAT(StopBroker(host.get()), HasSubstr(spoken));
  }
  EXPECT_THAT(Look(host.get(), "holds"), IsEmpty());
}

TEST_P(HostBrokerTest, NeitherAVmNorTheHostCutsTheOther) {
  const auto host = BootHost(kById);
  ASSERT_NE(host, nullptr);
  ASSERT_TRUE(StartBroker(host.get()));
  // The host lets go first.
  ASSERT_EQ(Consumer(host.get(), "domain", "1"), 0);
  ASSERT_EQ(Consumer(host.get(), "clk_enable", "1"), 0);
  Ask(host.get(), "video pg on vic");
  EXPECT_EQ(ClkSummary(host.get(), "vic"), "1 1");
  Ask(host.get(), "video clk enable vic");
  EXPECT_EQ(ClkSummary(host.get(), "vic"), "2 2");
  EXPECT_THAT(GenpdSummary(host.get()), AllOf(ContainsRegex("consumer +active"),
                                              ContainsRegex("bpmp-host-domain.29 +active")));
  EXPECT_EQ(Consumer(host.get(), "clk_disable", "1"), 0);
  EXPECT_EQ(Consumer(host.get(), "domain", "0"), 0);
  EXPECT_EQ(ClkSummary(host.get(), "vic"), "1 1");
  EXPECT_THAT(GenpdSummary(host.get()), AllOf(ContainsRegex("consumer +suspended"),
                                              ContainsRegex("bpmp-host-domain.29 +active")));
  EXPECT_TRUE(ClockOn(kVicClock));
  EXPECT_TRUE(DomainOn(kVicDomain));
  // Then the VM.
  EXPECT_EQ(Consumer(host.get(), "domain", "1"), 0);
  EXPECT_EQ(Consumer(host.get(), "clk_enable", "1"), 0);
  Ask(host.get(), "video clk disable vic");
  Ask(host.get(), "video pg off vic");
  EXPECT_THAT(Look(host.get(), "holds"), IsEmpty());
  EXPECT_EQ(ClkSummary(host.get(), "vic"), "1 1");
  EXPECT_THAT(GenpdSummary(host.get()), ContainsRegex("consumer +active"));
  EXPECT_TRUE(ClockOn(kVicClock));
  EXPECT_TRUE(DomainOn(kVicDomain));
  EXPECT_EQ(Consumer(host.get(), "clk_disable", "1"), 0);
  EXPECT_EQ(Consumer(host.get(), "domain", "0"), 0);
  EXPECT_FALSE(ClockOn(kVicClock));
  EXPECT_FALSE(DomainOn(kVicDomain));
}

// The host had it first: what the broker finds on, a VM's vote must hold all the same.
TEST_P(HostBrokerTest, WhatTheHostHadOnBeforeIsHeldForAVmToo) {
  const auto host = BootHost(kById);
  ASSERT_NE(host, nullptr);
  ASSERT_EQ(Consumer(host.get(), "domain", "1"), 0);
  ASSERT_EQ(Consumer(host.get(), "clk_enable", "1"), 0);
  ASSERT_TRUE(StartBroker(host.get()));
  EXPECT_THAT(Look(host.get(), "holds"), IsEmpty());
  Ask(host.get(), "video pg on vic");
  Ask(host.get(), "video clk enable vic");
  EXPECT_THAT(Look(host.get(), "holds"),
              AllOf(HasSubstr("clock 167"), HasSubstr("power-domain 29")));
  EXPECT_EQ(Consumer(host.get(), "clk_disable", "1"), 0);
  EXPECT_EQ(Consumer(host.get(), "domain", "0"), 0);
  EXPECT_TRUE(ClockOn(kVicClock));
  EXPECT_TRUE(DomainOn(kVicDomain));
  Ask(host.get(), "video clk disable vic");
  Ask(host.get(), "video pg off vic");
  EXPECT_THAT(Look(host.get(), "holds"), IsEmpty());
  EXPECT_FALSE(ClockOn(kVicClock));
  EXPECT_FALSE(DomainOn(kVicDomain));
}

TEST_P(HostBrokerTest, TwoVmsAndTheHostShareAClock) {
  const auto host = BootHost(kById);
  ASSERT_NE(host, nullptr);
  ASSERT_TRUE(StartBroker(host.get()));
  Ask(host.get(), "serial clk enable uarta");
  Ask(host.get(), "video clk enable uarta");
  ASSERT_EQ(Consumer(host.get(), "clk_enable", "0"), 0);
  Ask(host.get(), "serial clk disable uarta");
  EXPECT_THAT(Look(host.get(), "holds"), HasSubstr("clock 155")) << "video's";
  Ask(host.get(), "video clk disable uarta");
  EXPECT_THAT(Look(host.get(), "holds"), Not(HasSubstr("clock 155")));
  EXPECT_TRUE(ClockOn(kUartaClock)) << "the host's";
  EXPECT_EQ(Consumer(host.get(), "clk_disable", "0"), 0);
  EXPECT_FALSE(ClockOn(kUartaClock));
}

TEST_P(HostBrokerTest, WhatIsHeldOutlivesABrokerThatIsKilled) {
  const auto host = BootHost(kById);
  ASSERT_NE(host, nullptr);
  ASSERT_TRUE(StartBroker(host.get()));
  Ask(host.get(), "video pg on vic");
  Ask(host.get(), "video clk enable vic");
  EXPECT_THAT(Look(host.get(), "holds"), Not(HasSubstr("orphan")));
  StopBroker(host.get(), "KILL");
  EXPECT_THAT(Look(host.get(), "holds"),
              AllOf(HasSubstr("clock 167 orphan"), HasSubstr("power-domain 29 orphan")));
  EXPECT_TRUE(ClockOn(kVicClock));
  EXPECT_TRUE(DomainOn(kVicDomain));

  ASSERT_TRUE(StartBroker(host.get()));
  EXPECT_THAT(host->Run("cat /tmp/log"), ContainsRegex("taken over: 1 clocks? and 1 power domains? "
                                                       ".*2 left by an earlier one"));
  EXPECT_THAT(Look(host.get(), "holds"), AllOf(HasSubstr("clock 167"), Not(HasSubstr("orphan"))));
  EXPECT_THAT(Ctl(host.get(), "clock holders"), ContainsRegex("vic +clock .*residue: found on"));
  // It ends with the first word of the VM whose it was.
  Ask(host.get(), "video clk disable vic");
  Ask(host.get(), "video pg off vic");
  EXPECT_THAT(Look(host.get(), "holds"), IsEmpty());
  EXPECT_FALSE(ClockOn(kVicClock));
  EXPECT_FALSE(DomainOn(kVicDomain));
}

TEST_P(HostBrokerTest, TheHostsListMayNameDevices) {
  const auto host = BootHost(kByDevice);
  ASSERT_NE(host, nullptr);
  const std::string allowed = Look(host.get(), "allowed");
  EXPECT_THAT(allowed, AllOf(HasSubstr("clock 167 control"), HasSubstr("reset 113 control"),
                             HasSubstr("power-domain 29 control"), Not(HasSubstr("clock 155"))));
  ASSERT_TRUE(StartBroker(host.get()));
  Ask(host.get(), "video pg on vic");
  Ask(host.get(), "video clk enable vic");
  Ask(host.get(), "video reset deassert vic");
  EXPECT_TRUE(ClockOn(kVicClock));
  // The broker would let it pass: the last bound is the kernel's.
  const std::string denied = Ctl(host.get(), "request serial clk enable uarta");
  EXPECT_EQ(host->status(), 1);
  EXPECT_THAT(denied, HasSubstr("refused: EACCES"));
  EXPECT_THAT(Look(host.get(), "state"), HasSubstr("denied 1"));
  EXPECT_FALSE(ClockOn(kUartaClock));
}

TEST_P(HostBrokerTest, AHangingFirmwareDoesNotKeepTheBrokerFromStopping) {
  const auto host = BootHost(kById);
  ASSERT_NE(host, nullptr);
  for (const char* abi : {"flat", "write56"}) {
    SCOPED_TRACE(abi);
    ASSERT_TRUE(StartBroker(host.get(), abi));
    const auto fault = backend::sim::ParseFault("CLK ENABLE 155 hang");
    ASSERT_TRUE(fault.ok()) << fault.status();
    broker_.sim().AddFault(*fault);
    host->Run("bpmpctl --timeout 60s request serial clk enable uarta > /dev/null 2>&1 &");
    broker_.sim().WaitUntilHanging(1);
    StopBroker(host.get());
    EXPECT_GE(broker_.sim().hanging(), 1U) << "it hangs still";
    broker_.sim().ClearFaults();
    broker_.sim().ReleaseHangs();
  }
}

INSTANTIATE_TEST_SUITE_P(Linux, HostBrokerTest, ::testing::ValuesIn(kPairs), NameOfTest);

}  // namespace
}  // namespace bpmp::testing
