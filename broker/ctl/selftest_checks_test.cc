// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/selftest_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "broker/ctl/fake_broker.h"
#include "broker/mrq/types.h"

namespace bpmp::ctl {
namespace {

using testing::HasSubstr;

v1::ResourceState Clock(uint32_t id, const std::string& name, uint32_t parent) {
  v1::ResourceState clock = MakeResource(v1::RESOURCE_KIND_CLOCK, id, name, v1::GATE_STATE_OFF, {});
  clock.set_parent(parent);
  return clock;
}

v1::ResourceState Root(uint32_t id, const std::string& name) {
  v1::ResourceState clock = MakeResource(v1::RESOURCE_KIND_CLOCK, id, name, v1::GATE_STATE_ON, {});
  clock.set_flags(mrq::clk_flag::kIsRoot);
  return clock;
}

v1::ResourceState Domain(uint32_t id, const std::string& name, v1::GateState gate) {
  return MakeResource(v1::RESOURCE_KIND_POWER_DOMAIN, id, name, gate, {});
}

TEST(SelftestChecks, ABackendThatIsWellSaysWhatItIs) {
  v1::ServerStatus status;
  status.set_backend("kernel");
  status.set_backend_healthy(true);
  status.set_firmware_tag("bpmp-1234");
  const v1::SelftestCheck check = CheckBackend(status);
  EXPECT_TRUE(check.passed());
  EXPECT_EQ(check.detail(), "kernel answers, its firmware is bpmp-1234");
  EXPECT_EQ(check.advice(), "");
}

TEST(SelftestChecks, ABackendThatDoesntAnswerFails) {
  v1::ServerStatus status;
  status.set_backend("kernel");
  const v1::SelftestCheck check = CheckBackend(status);
  EXPECT_FALSE(check.passed());
  EXPECT_EQ(check.detail(), "kernel doesn't answer a PING");
  EXPECT_THAT(check.advice(), HasSubstr("journalctl"));
}

TEST(SelftestChecks, ClocksHaveNameParentAndState) {
  EXPECT_EQ(CheckClocks({Root(91, "osc"), Clock(155, "uarta", 91)}).detail(),
            "2, each with name, parent and state");
  EXPECT_FALSE(CheckClocks({}).passed());
  v1::ResourceState lost = Clock(155, "uarta", 91);
  lost.clear_parent();
  v1::ResourceState doubt = Clock(156, "uartb", 91);
  doubt.set_gate(v1::GATE_STATE_UNKNOWN);
  const v1::SelftestCheck check = CheckClocks({Root(91, "osc"), lost, doubt, Clock(157, "", 91)});
  EXPECT_FALSE(check.passed());
  EXPECT_EQ(check.detail(),
            "3 of 4: uarta has no parent and is no root, uartb's state is unknown, clock 157 has "
            "no name");
}

TEST(SelftestChecks, ParentsAreThereAndNoClockIsBelowItself) {
  const Resources tree = {Root(91, "osc"), Clock(102, "pllp", 91), Clock(155, "uarta", 102)};
  EXPECT_TRUE(CheckClockParents(tree).passed());
  EXPECT_EQ(CheckClockParents({Root(91, "osc"), Clock(155, "uarta", 9)}).detail(),
            "uarta's parent, clock 9, isn't there");
  EXPECT_EQ(CheckClockParents({Clock(1, "a", 2), Clock(2, "b", 1), Root(91, "osc")}).detail(),
            "a has a cycle above it, b has a cycle above it");
  EXPECT_FALSE(CheckClockParents({Clock(1, "self", 1)}).passed());
}

TEST(SelftestChecks, DomainsHaveAState) {
  EXPECT_TRUE(CheckDomains({Domain(29, "vic", v1::GATE_STATE_OFF)}).passed());
  EXPECT_TRUE(CheckDomains({}).passed()) << "a board may have none";
  const v1::SelftestCheck check = CheckDomains(
      {Domain(29, "vic", v1::GATE_STATE_UNKNOWN), Domain(35, "gpu", v1::GATE_STATE_UNSPECIFIED)});
  EXPECT_EQ(check.detail(), "2 of 2: vic's state is unknown, gpu's state is unknown");
}

TEST(SelftestChecks, OfManyFaultsTheFirstAreNamed) {
  Resources domains;
  for (uint32_t id = 0; id < 7; ++id) {
    domains.push_back(Domain(id, absl::StrCat("d", id), v1::GATE_STATE_UNKNOWN));
  }
  EXPECT_THAT(CheckDomains(domains).detail(), HasSubstr("d4's state is unknown and 2 more"));
}

TEST(SelftestChecks, TimesAreShownByTheirMedian) {
  const auto ms = [](int n) { return absl::Milliseconds(n); };
  EXPECT_EQ(ShowTimes({ms(3), ms(1), ms(2)}, {}, "").detail(),
            "from the broker 2.00 ms (median of 3; slowest 3.00 ms)");
  EXPECT_THAT(ShowTimes({ms(1)}, {ms(9)}, "net-vm").detail(),
              HasSubstr("from the firmware, as net-vm, 9.00 ms (median of 1;"));
}

TEST(SelftestText, HasALineForEachCheckAndOneForAll) {
  v1::SelftestReport report;
  *report.add_checks() = Passed("backend", "answers");
  EXPECT_EQ(SelftestText(report, {false, false}),
            "CHECK    RESULT  WHAT\n"
            "backend  ok      answers\n"
            "1 checks, all passed\n");
  *report.add_checks() = Failed("clocks", "uarta has no parent", "look at: bpmpctl clock list");
  EXPECT_EQ(SelftestText(report, {false, false}),
            "CHECK    RESULT  WHAT\n"
            "backend  ok      answers\n"
            "clocks   FAILED  uarta has no parent; look at: bpmpctl clock list\n"
            "1 of 2 checks FAILED\n");
}

}  // namespace
}  // namespace bpmp::ctl
