// SPDX-License-Identifier: Apache-2.0
// What a new policy would change: who gains and loses what, what is held against it, who sees it
// only after a reboot.
#include <string>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

class PolicyCompare : public ::testing::Test {
 protected:
  VmSpec& Vm(VmId vm) { return board_.spec.vms[vm.value() - 1]; }
  // Of `board_.spec` as it is now, in place of the board's own.
  PolicyDifference Compare() { return rig_.core().Compare(CompileOrDie(board_)); }
  VmDifference CompareOne() {
    const PolicyDifference difference = Compare();
    EXPECT_EQ(difference.vms.size(), 1u);
    return difference.vms.empty() ? VmDifference() : difference.vms.front();
  }

  Rig rig_;
  Board board_ = MakeBoard();
};

TEST_F(PolicyCompare, TheSamePolicyChangesNothing) { EXPECT_TRUE(Compare().empty()); }

TEST_F(PolicyCompare, WhatIsGainedIsClosedOverAncestors) {
  Vm(kGuestVm).clocks = {
      {"uart", Access::kGet, {}}, {"can0", Access::kVote, {}}, {"eth_tx", Access::kVote, {}}};
  const VmDifference vm = CompareOne();
  EXPECT_EQ(vm.kind, VmDifference::Kind::kChanged);
  EXPECT_THAT(vm.text,
              ElementsAre("gains 'vote' on clock can0, clock eth_tx",
                          "gains 'vote' on clock osc, clock clk_m, clock pllb, clock pllb_div, as "
                          "ancestors of its clocks"));
  EXPECT_THAT(vm.unallowed, IsEmpty());
}

TEST_F(PolicyCompare, WhatIsHeldAndMayNoLongerBeIsNamed) {
  rig_.Call(kUartVm, Enable(kUart));
  rig_.Call(kUartVm, Deassert(kUartReset));
  Vm(kUartVm).devices.clear();
  const VmDifference vm = CompareOne();
  EXPECT_THAT(vm.unallowed, ElementsAre(Resource::Of(kUart), Resource::Of(kUartReset)));
  EXPECT_THAT(vm.text, IsSupersetOf({"loses device uart",
                                     "uses clock uart, reset uart, and may no longer"}));
}

TEST_F(PolicyCompare, LessIsNotNothing) {
  Vm(kUartVm).devices.clear();
  Vm(kUartVm).clocks = {{"uart", Access::kVote, {}}};
  rig_.Call(kUartVm, Enable(kUart));
  const VmDifference vm = CompareOne();
  EXPECT_THAT(vm.text, Contains("loses 'exclusive' on clock uart; keeps 'vote'"));
  EXPECT_THAT(vm.unallowed, IsEmpty());
}

TEST_F(PolicyCompare, AVmThatComesAndOneThatGoes) {
  rig_.Call(kUartVm, Enable(kUart));
  VmSpec spec = Vm(kUartVm);
  spec.name = "new-vm";
  Vm(kUartVm) = spec;
  const PolicyDifference difference = Compare();
  ASSERT_EQ(difference.vms.size(), 2u);
  EXPECT_EQ(difference.vms[0].name, "uart-vm");
  EXPECT_EQ(difference.vms[0].kind, VmDifference::Kind::kRemoved);
  EXPECT_THAT(difference.vms[0].unallowed, ElementsAre(Resource::Of(kUart)));
  EXPECT_EQ(difference.vms[1].name, "new-vm");
  EXPECT_EQ(difference.vms[1].kind, VmDifference::Kind::kAdded);
  EXPECT_THAT(difference.vms[1].text, Contains("gains device uart"));
}

TEST_F(PolicyCompare, AVmThatComesWithNothingIsSaid) {
  VmSpec spec;
  spec.name = "new-vm";
  board_.spec.vms.push_back(spec);
  EXPECT_EQ(CompareOne().kind, VmDifference::Kind::kAdded);
}

TEST_F(PolicyCompare, WhoHasReadAClockSeesTheChangeAfterAReboot) {
  Vm(kUartVm).devices.clear();
  Vm(kUartVm).clocks = {{"uart", Access::kVote, {}}};
  EXPECT_THAT(CompareOne().seen_after_reboot, IsEmpty()) << "no kernel has read it";
  rig_.Call(kUartVm, GetInfo(kUart));
  rig_.Call(kUartVm, GetInfo(kCan0));  // looks the same
  EXPECT_THAT(CompareOne().seen_after_reboot, ElementsAre(Resource::Of(kUart)));
  EXPECT_THAT(CompareOne().text,
              Contains("has read, and sees a change only after a reboot: clock uart"));
  rig_.Released(kUartVm);  // it reboots
  EXPECT_THAT(CompareOne().seen_after_reboot, IsEmpty());
}

TEST_F(PolicyCompare, APinIsSeenAfterAReboot) {
  rig_.Call(kUartVm, GetInfo(kUart));
  board_.spec.pins.push_back({ResourceKind::kClock, "uart", std::nullopt, {}});
  const PolicyDifference difference = Compare();
  EXPECT_THAT(difference.board, ElementsAre("the host pins clock uart"));
  ASSERT_EQ(difference.vms.size(), 1u);
  EXPECT_EQ(difference.vms[0].name, "uart-vm");
  EXPECT_THAT(difference.vms[0].seen_after_reboot, ElementsAre(Resource::Of(kUart)));
}

TEST_F(PolicyCompare, WhatIsNobodysOwn) {
  board_.spec.clock_rules.push_back({"can0", RatePolicy::kFixed, {}});
  board_.spec.shared_resets.push_back({"uart", Access::kExclusive, {}});
  board_.spec.pins.push_back({ResourceKind::kClock, "can1", 100, {}});
  EXPECT_THAT(
      Compare().board,
      ElementsAre("clock can0: its rate policy is 'fixed', and was 'owner'",
                  "reset uart: several VMs may share it", "the host pins clock can1 at 100 Hz"));
}

TEST_F(PolicyCompare, WhatElseAnEntrySays) {
  Vm(kUartVm).audit_only = true;
  Vm(kUartVm).hide_ids = true;
  Vm(kUartVm).devices[0].reset_on_exit = ResetOnExit::kLeave;
  Vm(kUartVm).devices[0].pulse_on_grant = true;
  Vm(kCan0Vm).rate_limits = {{"lane", 1, 200, {}}};
  const PolicyDifference difference = Compare();
  ASSERT_EQ(difference.vms.size(), 2u);
  EXPECT_THAT(difference.vms[0].text, IsSupersetOf({HasSubstr("is AUDIT-ONLY from now on"),
                                                    HasSubstr("no longer shown the names"),
                                                    HasSubstr("'on_exit' of device uart is '"),
                                                    HasSubstr("'on_grant' of device uart is '")}));
  EXPECT_THAT(difference.vms[0].text, Not(Contains(HasSubstr("clocks_on_exit"))));
  EXPECT_THAT(difference.vms[1].text,
              Contains("has limits on the rate of clock lane: 1 to 200 Hz"));
}

}  // namespace
}  // namespace bpmp::core::testing
