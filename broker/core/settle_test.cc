// SPDX-License-Identifier: Apache-2.0
// Clocks whose rates follow votes, when something else moved them.
#include <cstdint>
#include <string>
#include <utility>

#include "broker/core/core.h"
#include "broker/core/testing/pll_fixture.h"
#include "broker/core/testing/requests.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::Contains;
using ::testing::Not;
using Fate = FakeBackend::Fate;

// bus goes by `max`, lane by `range`; vic and nvdec have owners.
class SettleTest : public PllTest {
 protected:
  void Hold(VmId vm, ClockId clock, int64_t mhz) {
    EXPECT_EQ(Set(vm, clock, mhz), mhz);
    EXPECT_EQ(rig_.Error(vm, Enable(clock)), 0);
  }
  bool Owes(ClockId clock) { return rig_.Status(clock).owes; }
  // Nothing of what the VMs did is left.
  void ExpectBootRates() {
    for (const auto& [clock, mhz] :
         {std::pair(kPllB, 600), std::pair(kVic, 150), std::pair(kNvdec, 150), std::pair(kBus, 60),
          std::pair(kLane, 60)}) {
      EXPECT_EQ(Now(clock), mhz) << ToString(clock);
      EXPECT_FALSE(Owes(clock)) << ToString(clock);
    }
  }
};

// --- Set again ---

TEST_F(SettleTest, AChangeLeavesVotedClocksAtWhatTheirVotesAskFor) {
  Hold(kCan0Vm, kBus, 50);
  EXPECT_EQ(Set(kVicVm, kVic, 125), 125);
  EXPECT_EQ(Now(kPllB), 500);
  EXPECT_EQ(Now(kBus), 50);
  EXPECT_EQ(Told(kBus), 50);
  EXPECT_EQ(Now(kVic), 125);
}

TEST_F(SettleTest, AVoteFromBeforeTheEnableCountsToo) {
  EXPECT_EQ(Set(kCan0Vm, kLane, 50), 50);
  EXPECT_EQ(Set(kVicVm, kVic, 125), 125);
  EXPECT_EQ(Now(kLane), 50);
}

TEST_F(SettleTest, TheVmsOwnOtherClocksAreSetAgainToo) {
  Hold(kCan0Vm, kBus, 50);
  EXPECT_EQ(Set(kCan0Vm, kLane, 125), 125);
  EXPECT_EQ(Now(kBus), 50);
}

TEST_F(SettleTest, ADebtThatIsPaidLeavesVotedClocksAtWhatTheirVotesAskFor) {
  EXPECT_EQ(Set(kVicVm, kVic, 110), 110);
  Hold(kCan0Vm, kBus, 110);
  rig_.Released(kVicVm);
  EXPECT_EQ(Now(kBus), 110);
  EXPECT_EQ(Told(kBus), 110);
  rig_.Released(kCan0Vm);
  ExpectBootRates();
}

TEST_F(SettleTest, ARollBackThatFailedLeavesVotedClocksAtWhatTheirVotesAskFor) {
  Hold(kCan0Vm, kBus, 40);
  rig_.Call(kNvdecVm, Enable(kNvdec));
  const Ticket ticket = rig_.Ask(kVicVm, SetRate(kVic, 110 * kMHz));
  for (const char* undo :
       {"CLK SET_RATE clock 4 to 600000000 Hz", "CLK SET_RATE clock 19 to 150000000 Hz"}) {
    rig_.RunUntil(undo);
    rig_.End(Fate::kRefused);
  }
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(ticket), kBusy);
  EXPECT_EQ(Now(kPllB), 440);
  EXPECT_EQ(Now(kBus), 40);
}

TEST_F(SettleTest, WhatFailsToBeSetAgainIsTriedAgain) {
  Hold(kCan0Vm, kBus, 50);
  rig_.Ask(kVicVm, SetRate(kVic, 125 * kMHz));
  rig_.RunUntil("CLK SET_RATE clock 22 to 50000000 Hz");
  rig_.End(Fate::kRefused);
  rig_.RunAll();
  EXPECT_EQ(Now(kBus), 41);
  ASSERT_TRUE(rig_.core().NeedsMaintenance());
  rig_.Maintain();
  rig_.RunAll();
  EXPECT_EQ(Now(kBus), 50);
  EXPECT_FALSE(rig_.core().NeedsMaintenance());
}

TEST_F(SettleTest, ADebtIsNotPaidWhileSomebodyElseHasARateVote) {
  rig_.Call(kCan0Vm, Enable(kBus));  // at 60 MHz
  EXPECT_EQ(Set(kCan1Vm, kBus, 40), 60);
  EXPECT_EQ(Set(kCan0Vm, kBus, 20), 40);
  rig_.Released(kCan0Vm);
  EXPECT_EQ(Now(kBus), 40);
  rig_.Released(kCan1Vm);
  ExpectBootRates();
}

TEST(RangeSettle, WhoEnablesOutsideItsLimitsIsTakenIntoThem) {
  Board board = MakeBoard();
  board.spec.vms[kCan0Vm.value() - 1].rate_limits = {{"lane", 20 * kMHz, 50 * kMHz, {}}};
  Rig rig(std::move(board));
  rig.Call(kCan0Vm, Enable(kLane));  // at 60 MHz
  EXPECT_EQ(rig.firmware().rate(kLane), 50 * kMHz);
  rig.Released(kCan0Vm);
  EXPECT_EQ(rig.firmware().rate(kLane), 60 * kMHz);
}

// --- Not at others' cost ---

TEST_F(SettleTest, WhatAVmJustSetIsNotMovedForAVote) {
  rig_.Call(kCan0Vm, Enable(kBus));  // at 60 MHz
  EXPECT_EQ(Set(kVicVm, kVic, 110), 110);
  EXPECT_EQ(Now(kVic), 110) << "it isn't enabled yet, but its VM was told so";
  EXPECT_EQ(Now(kPllB), 440);
  rig_.Released(kVicVm);
  EXPECT_EQ(Now(kBus), 60);
  rig_.Released(kCan0Vm);
  ExpectBootRates();
}

TEST_F(SettleTest, TwoVotedClocksUnderOnePllDoNotChaseEachOther) {
  Hold(kCan0Vm, kBus, 70);
  rig_.backend().ClearLog();
  Hold(kCan1Vm, kLane, 90);  // needs the PLL elsewhere than bus does
  EXPECT_EQ(Now(kLane), 90) << "as its VM was told";
  EXPECT_EQ(Told(kBus), Now(kBus));
  EXPECT_LE(rig_.Edges().size(), 6u);
  rig_.Released(kCan1Vm);
  EXPECT_EQ(Now(kBus), 70);
  rig_.Released(kCan0Vm);
  ExpectBootRates();
}

// --- Owed ---

// can1's vote hides that of can0, so that the broker itself makes the change that moves pllb.
class AdjustmentTest : public SettleTest {
 protected:
  void SetUp() override {
    Hold(kCan1Vm, kBus, 100);
    EXPECT_EQ(Set(kCan0Vm, kBus, 70), 100);
    rig_.Call(kCan0Vm, Enable(kBus));
    ASSERT_FALSE(Owes(kPllB));
  }
};

TEST_F(AdjustmentTest, WhatItMovesAboveIsOwedByWhoseVotesItServes) {
  rig_.Released(kCan1Vm);
  EXPECT_EQ(Now(kBus), 70);
  ASSERT_EQ(Now(kPllB), 280);
  EXPECT_TRUE(Owes(kPllB));
  rig_.Released(kCan0Vm);
  ExpectBootRates();
}

TEST_F(AdjustmentTest, ADisableOwesAsMuch) {
  rig_.Call(kCan1Vm, Disable(kBus));
  ASSERT_EQ(Now(kPllB), 280);
  rig_.Released(kCan1Vm);
  EXPECT_EQ(Now(kBus), 70);
  rig_.Released(kCan0Vm);
  ExpectBootRates();
}

TEST_F(AdjustmentTest, WhatIsUndoneIsNotOwed) {
  rig_.Call(kNvdecVm, Enable(kNvdec));
  rig_.Released(kCan1Vm);
  EXPECT_EQ(Now(kPllB), 600);
  EXPECT_EQ(Now(kBus), 100) << "until nvdec leaves";
  EXPECT_FALSE(Owes(kPllB));
  rig_.Released(kNvdecVm);
  EXPECT_EQ(Now(kBus), 70);
  rig_.Released(kCan0Vm);
  ExpectBootRates();
}

TEST_F(AdjustmentTest, ItIsMadeWhenWhatAVmSetIsNoLongerInTheWay) {
  EXPECT_EQ(Set(kVicVm, kVic, 120), 120);  // and isn't enabled
  rig_.Released(kCan1Vm);
  EXPECT_EQ(Now(kVic), 120);
  EXPECT_EQ(Now(kBus), 100);
  rig_.Released(kVicVm);
  EXPECT_EQ(Now(kBus), 70);
  rig_.Released(kCan0Vm);
  ExpectBootRates();
}

TEST_F(AdjustmentTest, WhoLeavesDuringTheRollBackIsNotWaitedFor) {
  rig_.Call(kNvdecVm, Enable(kNvdec));
  rig_.Ask(kCan1Vm, Disable(kBus));
  rig_.RunUntil("CLK SET_RATE clock 4 to 600000000 Hz");
  rig_.Ask(kNvdecVm, Disable(kNvdec));
  rig_.RunAll();
  rig_.Maintain();
  rig_.RunAll();
  EXPECT_EQ(Now(kBus), 70);
}

TEST_F(AdjustmentTest, WhatTheFirmwareRefusesIsNotOwed) {
  rig_.Release(kCan1Vm);
  rig_.RunUntil("CLK SET_RATE clock 22 to 70000000 Hz");
  rig_.End(Fate::kRefused);
  rig_.RunAll();
  EXPECT_FALSE(Owes(kPllB));
}

TEST_F(AdjustmentTest, AnAdjustmentWhoseVotesLeftMeanwhileIsNotMade) {
  rig_.backend().ClearLog();
  rig_.Ask(kCan1Vm, Disable(kBus));
  ASSERT_EQ(rig_.Flying(), "CLK GET_RATE clock 22");
  rig_.Ask(kCan0Vm, Disable(kBus));
  rig_.RunAll();
  EXPECT_THAT(rig_.Edges(), Not(Contains("CLK SET_RATE clock 22 to 70000000 Hz")));
  EXPECT_FALSE(Owes(kPllB));
}

TEST(Adjustment, TheLastOfSeveralVotersPays) {
  Board board = MakeBoard();
  ResourceGrant grant;
  grant.resource = "bus";
  grant.access = Access::kVote;
  board.spec.vms[kUartVm.value() - 1].clocks.push_back(grant);
  Rig rig(std::move(board));
  rig.firmware().AddPll(kPllB);
  for (const auto& [vm, mhz] :
       {std::pair(kCan1Vm, 100), std::pair(kCan0Vm, 70), std::pair(kUartVm, 35)}) {
    EXPECT_EQ(rig.Error(vm, SetRate(kBus, mhz * kMHz)), 0);
  }
  rig.Released(kCan1Vm);
  ASSERT_EQ(rig.firmware().rate(kPllB), 280 * kMHz);
  rig.Released(kCan0Vm);
  EXPECT_EQ(rig.firmware().rate(kBus), 35 * kMHz);
  EXPECT_TRUE(rig.Status(kPllB).owes) << "uart-vm still has its vote";
  rig.Released(kUartVm);
  EXPECT_EQ(rig.firmware().rate(kPllB), 600 * kMHz);
  EXPECT_EQ(rig.firmware().rate(kBus), 60 * kMHz);
}

}  // namespace
}  // namespace bpmp::core::testing
