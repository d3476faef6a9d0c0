// SPDX-License-Identifier: Apache-2.0
// Changes of a clock that move what feeds it: who is protected, what is undone, and what is owed.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "broker/core/core.h"
#include "broker/core/testing/pll_fixture.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/snapshot.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::IsEmpty;
using Fate = FakeBackend::Fate;

class SharedTreeTest : public PllTest {};

// --- Undoing ---

TEST_F(SharedTreeTest, UndoingSetsWhatFeedsItBackToo) {
  rig_.Call(kNvdecVm, Enable(kNvdec));
  for (const int64_t mhz : {110, 70, 90}) {
    EXPECT_EQ(Set(kVicVm, kVic, mhz), kBusy);
    EXPECT_EQ(Now(kPllB), 600);
    EXPECT_EQ(Now(kNvdec), 150);
    EXPECT_EQ(Now(kVic), 150);
    EXPECT_EQ(Told(kNvdec), 150);
  }
  rig_.backend().ClearLog();
  rig_.Released(kVicVm);
  EXPECT_THAT(rig_.Edges(), IsEmpty());
}

TEST_F(SharedTreeTest, WhatCanNotBeUndoneIsSaidAndStaysOwed) {
  rig_.Call(kNvdecVm, Enable(kNvdec));
  const Ticket ticket = rig_.Ask(kVicVm, SetRate(kVic, 110 * kMHz));
  for (const char* undo :
       {"CLK SET_RATE clock 4 to 600000000 Hz", "CLK SET_RATE clock 19 to 150000000 Hz"}) {
    rig_.RunUntil(undo);
    rig_.End(Fate::kRefused);
  }
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(ticket), kBusy);
  EXPECT_EQ(rig_.observer().Count(EventKind::kEdgeFailed), 1u);
  EXPECT_EQ(Told(kNvdec), Now(kNvdec)) << "what is true, not what should be";
  rig_.Released(kNvdecVm);
  rig_.Released(kVicVm);
  EXPECT_EQ(Now(kPllB), 600);
  EXPECT_EQ(Now(kVic), 150);
}

// --- Who is protected ---

TEST_F(SharedTreeTest, ARateThatTheHostPinnedIsNotMovedThroughTheTree) {
  rig_.Call(kHost, Enable(kNvdec));
  EXPECT_EQ(Set(kHost, kNvdec, 150), 150);
  EXPECT_EQ(Set(kVicVm, kVic, 110), kBusy);
  EXPECT_EQ(Now(kNvdec), 150);
}

TEST_F(SharedTreeTest, ALockedRateIsNotMovedThroughTheTree) {
  EXPECT_EQ(Set(kCan0Vm, kLink, 60), 60);
  rig_.Call(kCan0Vm, Enable(kLink));
  EXPECT_EQ(Set(kVicVm, kVic, 110), kBusy);
  EXPECT_EQ(Now(kLink), 60);
}

TEST_F(SharedTreeTest, AFixedRateThatIsHeldIsNotMovedThroughTheTree) {
  Board board = MakeBoard();
  board.spec.clock_rules[0].policy = RatePolicy::kFixed;  // bus
  Rig rig(std::move(board));
  rig.firmware().AddPll(kPllB);
  rig.Call(kCan0Vm, Enable(kBus));
  EXPECT_EQ(rig.Error(kVicVm, SetRate(kVic, 110 * kMHz)), kBusy);
  EXPECT_EQ(rig.firmware().rate(kBus), 60 * kMHz);
}

TEST_F(SharedTreeTest, AVoteAloneProtectsNoRate) {
  rig_.Call(kCan0Vm, Enable(kBus));
  EXPECT_EQ(Set(kVicVm, kVic, 120), 120);
  EXPECT_EQ(Now(kPllB), 600);
  EXPECT_EQ(Set(kVicVm, kVic, 110), 110);
  EXPECT_EQ(Now(kBus), 44);
}

TEST_F(SharedTreeTest, ARateThatCanNotBeReadBackIsNotKnownAnyLonger) {
  rig_.Call(kNvdecVm, Enable(kNvdec));
  const Ticket ticket = rig_.Ask(kVicVm, SetRate(kVic, 120 * kMHz));
  rig_.RunUntil("CLK SET_RATE clock 19 to 120000000 Hz");
  rig_.End();
  while (rig_.in_flight() > 0) rig_.End(Fate::kLostUndone);
  EXPECT_EQ(rig_.ErrorOf(ticket), 0);
  EXPECT_EQ(Told(kNvdec), 0);
}

TEST_F(SharedTreeTest, ALostReadIsRepeated) {
  rig_.Call(kNvdecVm, Enable(kNvdec));
  const Ticket ticket = rig_.Ask(kVicVm, SetRate(kVic, 110 * kMHz));
  rig_.RunUntil("CLK SET_RATE clock 19 to 110000000 Hz");
  rig_.End();
  rig_.End(Fate::kLostUndone);
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(ticket), kBusy);
  EXPECT_EQ(Now(kNvdec), 150);
}

// --- What is owed ---

TEST_F(SharedTreeTest, AReleaseSetsBackWhatFeedsTheClockAndSoItsSiblings) {
  EXPECT_EQ(Set(kVicVm, kVic, 110), 110);
  EXPECT_EQ(Now(kPllB), 440);
  rig_.Released(kVicVm);
  EXPECT_EQ(Now(kPllB), 600);
  EXPECT_EQ(Now(kVic), 150);
  EXPECT_EQ(Now(kNvdec), 150);
  EXPECT_FALSE(rig_.Status(kPllB).owes);
  EXPECT_FALSE(rig_.Status(kVic).owes);
}

TEST_F(SharedTreeTest, AClockThatAnotherMovedOwesItsBootRateAllTheSame) {
  EXPECT_EQ(Set(kCan0Vm, kLane, 190), 190);
  EXPECT_EQ(Now(kPllB), 760);
  EXPECT_EQ(Now(kBus), 76);
  EXPECT_EQ(Set(kCan1Vm, kBus, 95), 95);
  rig_.Released(kCan0Vm);
  rig_.Released(kCan1Vm);
  EXPECT_EQ(Now(kPllB), 600);
  EXPECT_EQ(Now(kBus), 60);
  EXPECT_EQ(Now(kLane), 60);
  EXPECT_EQ(Now(kVic), 150);
}

TEST_F(SharedTreeTest, LeavingOneClockMovesNoOtherThatTheVmRuns) {
  EXPECT_EQ(Set(kVicVm, kVic, 110), 110);
  rig_.Call(kNvdecVm, Enable(kNvdec));
  rig_.Call(kNvdecVm, Enable(kPllBDiv));
  rig_.Released(kVicVm);
  ASSERT_TRUE(rig_.Status(kPllB).owes);
  rig_.Call(kNvdecVm, Disable(kPllBDiv));
  rig_.Call(kNvdecVm, PowerOn(kVideoDomain));
  EXPECT_EQ(Now(kNvdec), 110) << "it runs, and was told this rate";
}

TEST_F(SharedTreeTest, ALockKeepsTheParentToo) {
  Board board = MakeBoard();
  ClockRule rule;
  rule.clock = "nvdec";
  rule.policy = RatePolicy::kFirst;
  board.spec.clock_rules.push_back(rule);
  ResourceGrant grant;
  grant.resource = "nvdec";
  grant.access = Access::kVote;
  board.spec.vms[kCan0Vm.value() - 1].clocks.push_back(grant);
  Rig rig(std::move(board));
  EXPECT_EQ(rig.Error(kCan0Vm, SetRate(kNvdec, 100 * kMHz)), 0);
  EXPECT_EQ(rig.Error(kNvdecVm, SetParent(kNvdec, kClkM)), kBusy);
}

TEST_F(SharedTreeTest, ADebtThatFellDueDuringAFailedChangeIsPaid) {
  EXPECT_EQ(Set(kUartVm, kUart, 20), 20);
  rig_.Call(kSpiVm, Enable(kUart));
  rig_.Released(kUartVm);
  EXPECT_EQ(Now(kUart), 20) << "spi holds it";
  const Ticket ticket = rig_.Ask(kUartVm, SetParent(kUart, kClkM));
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(ticket), kBusy);
  rig_.Ask(kUartVm, SetRate(kUart, 30 * kMHz));
  rig_.RunUntil("CLK SET_RATE clock 8 to 30000000 Hz");
  rig_.Ask(kSpiVm, Disable(kUart));
  rig_.End(Fate::kRefused);
  rig_.RunAll();
  EXPECT_EQ(Now(kUart), 48);
  EXPECT_FALSE(rig_.Status(kUart).owes);
}

TEST_F(SharedTreeTest, WhatNothingMovedIsNotOwed) {
  EXPECT_EQ(Set(kVicVm, kVic, 120), 120);
  EXPECT_FALSE(rig_.Status(kPllB).owes);
  rig_.backend().ClearLog();
  rig_.Released(kVicVm);
  EXPECT_THAT(rig_.Edges(), ::testing::ElementsAre("CLK SET_RATE clock 19 to 150000000 Hz"));
}

TEST_F(SharedTreeTest, WhatWouldDisturbAnotherIsSetBackWhenThatOneLeaves) {
  EXPECT_EQ(Set(kVicVm, kVic, 110), 110);
  rig_.Call(kNvdecVm, Enable(kNvdec));  // at 110 MHz, and so its driver was told
  rig_.Released(kVicVm);
  EXPECT_EQ(Now(kNvdec), 110);
  EXPECT_TRUE(rig_.Status(kPllB).owes);
  rig_.Call(kNvdecVm, Disable(kNvdec));
  EXPECT_EQ(Now(kPllB), 600);
  EXPECT_EQ(Now(kNvdec), 150);
  EXPECT_EQ(Now(kVic), 150);
  EXPECT_FALSE(rig_.Status(kVic).owes);
}

TEST_F(SharedTreeTest, WhatCanNotBeSetWithoutPowerIsSetWithIt) {
  EXPECT_EQ(Set(kUartVm, kUart, 20), 20);
  rig_.Release(kUartVm);
  rig_.RunUntil("CLK SET_RATE clock 8 to 48000000 Hz");
  rig_.End(Fate::kRefused, mrq::Error::kNotSup);
  rig_.RunAll();
  EXPECT_FALSE(rig_.core().IsReleasing(kUartVm));
  EXPECT_THAT(rig_.core().Quarantined(), IsEmpty());
  EXPECT_EQ(Now(kUart), 20);
  rig_.Call(kEthVm, PowerOn(kEthDomain));
  EXPECT_EQ(Now(kUart), 48);
  EXPECT_FALSE(rig_.Status(kUart).owes);
}

TEST_F(SharedTreeTest, ADebtIsNotPaidUnderAPinnedRate) {
  EXPECT_EQ(Set(kUartVm, kUart, 20), 20);
  rig_.Call(kHost, Enable(kUart));
  EXPECT_EQ(Set(kHost, kUart, 30), 30);
  rig_.Released(kUartVm);
  EXPECT_EQ(Now(kUart), 30);
  rig_.Call(kHost, Disable(kUart));
  EXPECT_EQ(Now(kUart), 48);
}

TEST_F(SharedTreeTest, VotesDoNotMoveAPinnedRate) {
  EXPECT_EQ(Set(kCan0Vm, kBus, 70), 70);
  EXPECT_EQ(Set(kCan1Vm, kBus, 90), 90);
  rig_.Call(kHost, Enable(kBus));
  EXPECT_EQ(Set(kHost, kBus, 40), 40);
  rig_.Call(kCan1Vm, Enable(kBus));
  rig_.Call(kCan1Vm, Disable(kBus));
  EXPECT_EQ(Now(kBus), 40);
  rig_.Call(kHost, Disable(kBus));
  EXPECT_EQ(Now(kBus), 70) << "the vote that is left";
}

TEST_F(SharedTreeTest, AnAdjustmentThatFailsIsTriedAgain) {
  rig_.Call(kCan0Vm, Enable(kBus));
  rig_.Call(kCan1Vm, Enable(kBus));
  EXPECT_EQ(Set(kCan0Vm, kBus, 75), 75);
  EXPECT_EQ(Set(kCan1Vm, kBus, 100), 100);
  rig_.Ask(kCan1Vm, Disable(kBus));
  while (rig_.in_flight() > 0 && rig_.Flying() != "CLK SET_RATE clock 22 to 75000000 Hz") {
    rig_.End();
  }
  rig_.End(Fate::kRefused);
  rig_.RunAll();
  EXPECT_EQ(Now(kBus), 100);
  EXPECT_TRUE(rig_.core().NeedsMaintenance());
  rig_.Maintain();
  rig_.RunAll();
  EXPECT_EQ(Now(kBus), 75);
  EXPECT_FALSE(rig_.core().NeedsMaintenance());
}

// --- Rates that aren't known ---

// What gpu changed moved pllb, so that nobody knows the rates of link and bus any more.
class UnknownRateTest : public SharedTreeTest {
 protected:
  void SetUp() override {
    EXPECT_EQ(Set(kGpuVm, kGpu, 110), 110);
    ASSERT_EQ(Told(kLink), 0);
  }
};

TEST_F(UnknownRateTest, TheFirstToEnableHasTheLockAllTheSame) {
  rig_.Call(kCan0Vm, Enable(kLink));
  EXPECT_EQ(Set(kCan1Vm, kLink, 30), kBusy);
}

TEST_F(UnknownRateTest, EnablingIsAVoteForTheRateThatIsReadThen) {
  rig_.Call(kCan0Vm, Enable(kBus));
  EXPECT_EQ(Told(kBus), 44);
  EXPECT_EQ(Set(kCan1Vm, kBus, 20), 44);
}

TEST_F(SharedTreeTest, TheLockGoesToWhoCameNext) {
  EXPECT_EQ(Set(kCan0Vm, kLink, 30), 30);
  EXPECT_EQ(Set(kCan1Vm, kLink, 30), 30);  // as it is
  rig_.Call(kCan1Vm, Enable(kLink));
  rig_.Released(kCan0Vm);
  EXPECT_EQ(Set(kCan0Vm, kLink, 20), kBusy);
  EXPECT_EQ(Set(kCan1Vm, kLink, 20), 20);
}

TEST(RangeVote, AToldRateCountsWithinTheVmsOwnLimits) {
  Board board = MakeBoard();
  RateLimits limits;
  limits.clock = "lane";
  limits.min_hz = 20 * kMHz;
  limits.max_hz = 50 * kMHz;
  board.spec.vms[kCan0Vm.value() - 1].rate_limits.push_back(limits);
  Rig rig(std::move(board));
  rig.Call(kCan0Vm, Enable(kLane));  // at 60 MHz
  EXPECT_EQ(rig.Error(kCan1Vm, SetRate(kLane, 30 * kMHz)), 0);
  EXPECT_EQ(rig.firmware().rate(kLane), 50 * kMHz);
}

}  // namespace
}  // namespace bpmp::core::testing
