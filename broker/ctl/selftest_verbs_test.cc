// SPDX-License-Identifier: Apache-2.0
// `bpmpctl selftest` with a broker that answers what the test wants. The real one:
// tests/component/ctl_selftest_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "bpmp/v1/selftest.pb.h"
#include "broker/ctl/json.h"
#include "broker/ctl/verbs_fixture.h"
#include "broker/mrq/types.h"

namespace bpmp::ctl {
namespace {

using testing::ContainsRegex;
using testing::Each;
using testing::HasSubstr;
using testing::StartsWith;

class SelftestVerbTest : public VerbsTest {
 protected:
  SelftestVerbTest() {
    broker_.status.set_version("1.2.3");
    broker_.status.set_backend("kernel");
    broker_.status.set_firmware_tag("tag-7");
    broker_.status.set_backend_healthy(true);
    broker_.resources[0].set_parent(91);
    broker_.resources[1].set_parent(91);
    broker_.resources.push_back(
        MakeResource(v1::RESOURCE_KIND_CLOCK, 91, "osc", v1::GATE_STATE_ON, {}));
    broker_.resources.back().set_flags(mrq::clk_flag::kIsRoot);
    AddDevice("uarta", 155)->add_vms("gpu-vm");
    v1::Device* const vic = AddDevice("vic", 167);
    vic->add_other_names("vic@15340000");
    vic->add_power_domains()->set_id(29);
    // Not on this board's list, so that nobody's.
    AddDevice("vi", 300);
    broker_.resources.push_back(
        MakeResource(v1::RESOURCE_KIND_CLOCK, 300, "vi", v1::GATE_STATE_OFF, {}));
    broker_.resources.back().set_parent(91);
    broker_.answer.mutable_response()->set_rx(std::string(8, '\1'));
  }

  v1::Device* AddDevice(const std::string& name, uint32_t clock) {
    v1::Device* const device = broker_.devices.add_devices();
    device->set_name(name);
    device->add_clocks()->set_id(clock);
    device->mutable_clocks(0)->set_name(name);
    return device;
  }

  bool WasAsked(const std::string& method) {
    const std::vector<std::string> asked = broker_.asked();
    return std::any_of(asked.begin(), asked.end(),
                       [&](const std::string& one) { return absl::StartsWith(one, method + " "); });
  }
};

TEST_F(SelftestVerbTest, LooksAndChangesNothing) {
  const Result result = Ctl({"selftest"});
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, ContainsRegex("backend +ok +kernel answers, its firmware is tag-7"));
  EXPECT_THAT(result.out, ContainsRegex("clocks +ok +4, each with name, parent and state"));
  EXPECT_THAT(result.out, HasSubstr("from the firmware, as net-vm, "));
  EXPECT_THAT(result.out, HasSubstr("6 checks, all passed\n"));
  for (const char* change : {"DefineVm", "DeleteVm", "ReleaseVm", "Pin"}) {
    EXPECT_FALSE(WasAsked(change)) << change;
  }
}

TEST_F(SelftestVerbTest, WithoutVmsTheFirmwareIsNotTimed) {
  broker_.vms.clear();
  EXPECT_EQ(Ctl({"selftest"}).code, 0);
  EXPECT_FALSE(WasAsked("TransferAs"));
}

TEST_F(SelftestVerbTest, WhatIsWrongIsSaidAndTheEndIsNoSuccess) {
  broker_.status.set_backend_healthy(false);
  broker_.resources[0].set_parent(77);
  const Result table = Ctl({"selftest"});
  EXPECT_EQ(table.code, 6);
  EXPECT_THAT(table.out, ContainsRegex("backend +FAILED +kernel doesn't answer a PING; the bro"));
  EXPECT_THAT(table.out, HasSubstr("uarta's parent, clock 77, isn't there"));
  EXPECT_THAT(table.out, HasSubstr("2 of 6 checks FAILED\n"));

  const Result json = Ctl({"selftest", "--output", "json"});
  EXPECT_EQ(json.code, 6);
  v1::SelftestReport report;
  ASSERT_TRUE(FromJson(json.out, &report).ok()) << json.out;
  EXPECT_FALSE(report.passed());
  ASSERT_EQ(report.checks_size(), 6);
  EXPECT_EQ(report.checks(1).name(), "backend");
  EXPECT_FALSE(report.checks(1).passed());
  EXPECT_TRUE(report.checks(2).passed());
}

TEST_F(SelftestVerbTest, RefusesWhatIsNotIdleBeforeItDoesAnything) {
  const Result taken = Ctl({"selftest", "--switch", "uarta"});
  EXPECT_EQ(taken.code, 1);
  EXPECT_THAT(taken.err, HasSubstr("uarta is gpu-vm's; nothing was changed."));
  const Result slip = Ctl({"selftest", "--switch", "vic@1534000"});
  EXPECT_EQ(slip.code, 4);
  EXPECT_THAT(slip.err, HasSubstr("did you mean vic@15340000?"));
  broker_.vms[0].set_name("selftest");
  const Result left = Ctl({"selftest", "--switch", "vic"});
  EXPECT_EQ(left.code, 1);
  EXPECT_THAT(left.err, HasSubstr("bpmpctl vm remove selftest"));
  EXPECT_THAT(broker_.asked(), Each(StartsWith("List")));
}

TEST_F(SelftestVerbTest, ABrokerThatOnlySaysYesFails) {
  broker_.explanation.set_error(-13);
  const Result result = Ctl({"selftest", "--switch", "vic"});
  EXPECT_EQ(result.code, 6);
  // Its clocks are off all the same, and the VM holds nothing.
  EXPECT_THAT(result.out, ContainsRegex("holders +FAILED +clock vic is off, power domain vic is"));
  EXPECT_TRUE(WasAsked("ReleaseVm"));
  EXPECT_TRUE(WasAsked("DeleteVm"));
}

TEST_F(SelftestVerbTest, WithoutABrokerItEndsAsOtherVerbsDo) {
  const Result result = CtlAt({"--socket", "/nowhere/admin.sock", "selftest"});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, HasSubstr("can't reach the broker"));
}

}  // namespace
}  // namespace bpmp::ctl
