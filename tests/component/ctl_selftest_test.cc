// SPDX-License-Identifier: Apache-2.0
// `bpmpctl selftest` against a whole broker on the simulated Tegra234.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <utility>
#include <vector>

#include "broker/backend/sim/fault.h"
#include "broker/ctl/run_in_test.h"
#include "broker/ctl/tool_process.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

using ctl::Result;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr ClockId kVicClock(167);
constexpr DomainId kVicDomain(29);

class CtlSelftest : public ::testing::Test {
 protected:
  CtlSelftest() { broker_.admin().SetBackendHealthy(true); }

  Result Ctl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--socket", broker_.admin_socket()});
    return ctl::RunInTest(arguments);
  }
  Result Selftest(std::vector<std::string> more = {}) {
    more.insert(more.begin(), "selftest");
    return Ctl(std::move(more));
  }

  void AddFault(const std::string& text) {
    const auto fault = backend::sim::ParseFault(text);
    ASSERT_TRUE(fault.ok()) << fault.status();
    broker_.sim().AddFault(*fault);
  }

  // What the device is made of is off, and the test's VM is gone.
  void ExpectNothingLeft() {
    broker_.sim().WithModel([](auto& model) {
      EXPECT_FALSE(model.IsRunning(kVicClock));
      EXPECT_FALSE(model.DomainOn(kVicDomain));
    });
    EXPECT_FALSE(broker_.registry().Find("selftest").has_value());
  }

  uint64_t Edges() {
    return broker_.sim().WithModel([](auto& model) { return model.counters().Total(); });
  }

  TestBroker broker_{R"(limits { request_timeout_ms: 60000 }
                        vms { name: "serial-vm" devices { device: "uarta" } })"};
};

TEST_F(CtlSelftest, LooksAtAllOfTheBoardAndChangesNothing) {
  const uint64_t edges = Edges();
  const uint64_t events = broker_.events().last();
  const Result result = Selftest();
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("from the firmware, as serial-vm, "));
  EXPECT_THAT(result.out, HasSubstr("6 checks, all passed"));
  EXPECT_EQ(Edges(), edges);
  EXPECT_EQ(broker_.events().last(), events);
}

TEST_F(CtlSelftest, SwitchesADeviceAndLeavesNothing) {
  const uint64_t edges = Edges();
  const Result result = Selftest({"--switch", "vic@15340000"});
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, ContainsRegex("clocks-on +ok +vic at "));
  EXPECT_THAT(result.out, ContainsRegex("resets +ok +vic deasserted"));
  EXPECT_THAT(result.out, ContainsRegex("other-clocks +ok +CLK ENABLE .* is refused"));
  EXPECT_THAT(result.out, HasSubstr("14 checks, all passed"));
  EXPECT_GE(Edges(), edges + 6) << "on and off, of a clock, a domain and a reset";
  ExpectNothingLeft();
}

TEST_F(CtlSelftest, EveryIdleDeviceOfTheBoardPasses) {
  for (const char* device : {"gpu", "nvdec", "mgbe0", "can0", "host1x"}) {
    const Result result = Selftest({"--switch", device});
    EXPECT_EQ(result.code, 0) << device << "\n" << result.out << result.err;
  }
}

TEST_F(CtlSelftest, RefusesADeviceInUse) {
  EXPECT_EQ(Selftest({"--switch", "uarta"}).code, 1);
  const Result pinned = Ctl({"pin", "domain:vic"});
  ASSERT_EQ(pinned.code, 0) << pinned.out << pinned.err;
  const uint64_t edges = Edges();
  const Result result = Selftest({"--switch", "vic"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("vic is in use: power domain vic is on, held by host"));
  EXPECT_EQ(Edges(), edges);
}

// The host may well run it: only its reset is known.
TEST_F(CtlSelftest, RefusesADeviceThatNothingTellsToBeIdle) {
  const uint64_t edges = Edges();
  const Result result = Selftest({"--switch", "padctl@3520000"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("has neither a clock nor a power domain of its own"));
  EXPECT_EQ(Edges(), edges);
}

TEST_F(CtlSelftest, AFirmwareThatReadsNothingFails) {
  AddFault("CLK GET_RATE * error=EIO");
  const Result result = Selftest({});
  EXPECT_EQ(result.code, 6);
  EXPECT_THAT(result.out, ContainsRegex("reads +FAILED +none of 20 clocks' rates could be read"));
}

TEST_F(CtlSelftest, WhatTheFirmwareRefusesFailsAndIsUndone) {
  AddFault("CLK ENABLE vic error=EIO");
  const Result result = Selftest({"--switch", "vic"});
  EXPECT_EQ(result.code, 6);
  EXPECT_THAT(result.out, ContainsRegex("power-on +ok +vic in "));
  EXPECT_THAT(result.out, ContainsRegex("clocks-on +FAILED +vic: CLK ENABLE clock 167 is refused"));
  EXPECT_THAT(result.out, Not(HasSubstr("holders")));
  EXPECT_THAT(result.out, ContainsRegex("vm-removed +ok"));
  ExpectNothingLeft();
}

TEST_F(CtlSelftest, WhatCantBeSwitchedOffFails) {
  AddFault("PG SET_STATE 29 error=EIO nth=2 every=1");
  const Result result = Selftest({"--switch", "vic"});
  EXPECT_EQ(result.code, 6);
  EXPECT_THAT(result.out, ContainsRegex("release +FAILED +.*power domain vic is "));
}

TEST_F(CtlSelftest, ASignalEndsItInOrder) {
  AddFault("CLK ENABLE vic hang");
  ctl::ToolProcess tool({BPMPCTL, "--socket", broker_.admin_socket(), "--timeout", "60s",
                         "selftest", "--switch", "vic"});
  broker_.sim().WaitUntilHanging(1);
  tool.Signal(SIGINT);
  broker_.sim().ClearFaults();
  broker_.sim().ReleaseHangs();
  const std::string out = tool.ReadAll();
  EXPECT_EQ(tool.Wait(), 6);
  EXPECT_THAT(out, ContainsRegex("interrupted +FAILED"));
  EXPECT_THAT(out, ContainsRegex("vm-removed +ok"));
  ExpectNothingLeft();
}

TEST_F(CtlSelftest, AKillLeavesNoVote) {
  AddFault("CLK ENABLE vic hang");
  ctl::ToolProcess tool({BPMPCTL, "--socket", broker_.admin_socket(), "--timeout", "60s",
                         "selftest", "--switch", "vic"});
  broker_.sim().WaitUntilHanging(1);
  tool.Signal(SIGKILL);
  EXPECT_EQ(tool.Wait(), -SIGKILL);
  broker_.sim().ClearFaults();
  broker_.sim().ReleaseHangs();
  // The clock first, as Linux does it.
  broker_.WaitFor([](const auto& record) {
    return record.kind == "vote" && record.event.value == 0 &&
           record.event.resource.kind == core::ResourceKind::kDomain;
  });
  EXPECT_EQ(Selftest({"--switch", "vic"}).code, 1) << "the VM is still there, and said so";
  const Result removed = Ctl({"vm", "remove", "selftest"});
  EXPECT_EQ(removed.code, 0) << removed.out << removed.err;
  ExpectNothingLeft();
  EXPECT_EQ(Selftest({"--switch", "vic"}).code, 0);
}

}  // namespace
}  // namespace bpmp::testing
