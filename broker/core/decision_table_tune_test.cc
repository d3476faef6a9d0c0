// SPDX-License-Identifier: Apache-2.0
// The decision table: rates and parents of clocks, and what is read of them.
#include <vector>

#include "broker/core/testing/decision_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// --- CLK SET_RATE ---

TEST_F(DecisionTable, SetRateAloneAppliesAndAnswersTheRealRate) {
  EXPECT_EQ(Rate(kUartVm, SetRate(kUart, 25'400'000)), 25 * kMHz);
  EXPECT_EQ(rig_.firmware().rate(kUart), 25 * kMHz);
  EXPECT_EQ(rig_.Status(kUart).rate_hz, 25 * kMHz);
}

TEST_F(DecisionTable, SetRateToTheCurrentRateIsSuccessWithoutTheHardware) {
  EXPECT_EQ(RateAtOnce(kUartVm, SetRate(kUart, kUartBootRate)), kUartBootRate);
}

TEST_F(DecisionTable, SetRateByTheOwnerWithAnotherHolderApplies) {
  rig_.Call(kSpiVm, Enable(kUart));
  EXPECT_EQ(Rate(kUartVm, SetRate(kUart, 24 * kMHz)), 24 * kMHz);
  EXPECT_EQ(rig_.firmware().rate(kUart), 24 * kMHz);
}

TEST_F(DecisionTable, SetRateAgainstAPinnedRateIsBusy) {
  rig_.Call(kHost, SetRate(kUart, 30 * kMHz));
  EXPECT_EQ(ErrorAtOnce(kUartVm, SetRate(kUart, 24 * kMHz)), kBusy);
  EXPECT_EQ(RateAtOnce(kUartVm, SetRate(kUart, 30 * kMHz)), 30 * kMHz);
  const Event* conflict = Last(EventKind::kConflict);
  ASSERT_NE(conflict, nullptr);
  EXPECT_EQ(conflict->reason, Reason::kPinnedRate);
  EXPECT_EQ(conflict->other, kHost);
}

TEST_F(DecisionTable, SetRateByAVoterIsRefused) {
  rig_.Call(kSpiVm, Enable(kUart));
  EXPECT_EQ(ErrorAtOnce(kSpiVm, SetRate(kUart, 24 * kMHz)), kAccess);
  EXPECT_EQ(rig_.firmware().rate(kUart), kUartBootRate);
}

TEST_F(DecisionTable, SetRateOfWhatIsNotPermittedIsRefused) {
  EXPECT_EQ(ErrorAtOnce(kGuestVm, SetRate(kUart, 24 * kMHz)), kAccess);
  EXPECT_EQ(ErrorAtOnce(kUartVm, SetRate(kPllA, 24 * kMHz)), kAccess);  // an ancestor
  EXPECT_EQ(ErrorAtOnce(kUartVm, SetRate(kHole, 24 * kMHz)), kInval);
}

// --- CLK ROUND_RATE ---

TEST_F(DecisionTable, RoundRateAlonePassesThrough) {
  const Ticket ticket = rig_.Ask(kUartVm, RoundRate(kUart, 25'400'000));
  EXPECT_EQ(rig_.Of(ticket).kind, Decision::Kind::kRun);
  EXPECT_THAT(rig_.Flying(), HasSubstr("CLK ROUND_RATE clock 8"));
  rig_.RunAll();
  EXPECT_EQ(mrq::ReadRate(*rig_.Of(ticket).answer).value_or(0), 25 * kMHz);
  EXPECT_EQ(rig_.firmware().rate(kUart), kUartBootRate);
}

TEST_F(DecisionTable, RoundRateOfALockedClockIsTheCurrentRate) {
  rig_.Call(kHost, SetRate(kUart, 30 * kMHz));
  EXPECT_EQ(Rate(kUartVm, RoundRate(kUart, 25 * kMHz)), 30 * kMHz);
  // Locked by whoever came first.
  rig_.Call(kCan0Vm, Enable(kLink));
  EXPECT_EQ(Rate(kCan1Vm, RoundRate(kLink, 25 * kMHz)), 60 * kMHz);
}

TEST_F(DecisionTable, RoundRateOfWhatIsNotPermittedIsTheCurrentRate) {
  EXPECT_EQ(Rate(kGuestVm, RoundRate(kUart, 25 * kMHz)), kUartBootRate);
  EXPECT_EQ(Rate(kSpiVm, RoundRate(kUart, 25 * kMHz)), kUartBootRate);
}

// --- CLK SET_PARENT ---

TEST_F(DecisionTable, SetParentAloneAppliesAndIsUndoneByTheRelease) {
  const mrq::Response answer = rig_.Call(kUartVm, SetParent(kUart, kClkM));
  EXPECT_EQ(answer.error, 0);
  EXPECT_EQ(mrq::ReadU32(answer).value_or(0), kClkM.value());
  EXPECT_EQ(rig_.firmware().parent(kUart), kClkM);
  EXPECT_EQ(rig_.Status(kUart).parent, kClkM);
  rig_.Released(kUartVm);
  EXPECT_EQ(rig_.firmware().parent(kUart), kPllADiv);
}

TEST_F(DecisionTable, SetParentToNoCandidateIsRefused) {
  EXPECT_EQ(ErrorAtOnce(kUartVm, SetParent(kUart, kPllA)), kAccess);
  EXPECT_EQ(rig_.firmware().parent(kUart), kPllADiv);
}

TEST_F(DecisionTable, SetParentWithAnotherHolderIsBusyUnlessItIsTheParent) {
  rig_.Call(kSpiVm, Enable(kUart));
  EXPECT_EQ(ErrorAtOnce(kUartVm, SetParent(kUart, kClkM)), kBusy);
  EXPECT_EQ(ErrorAtOnce(kUartVm, SetParent(kUart, kPllADiv)), 0);
  EXPECT_EQ(rig_.firmware().parent(kUart), kPllADiv);
}

TEST_F(DecisionTable, SetParentWithTheHostAsHolderIsBusy) {
  rig_.Call(kHost, Enable(kUart));
  EXPECT_EQ(ErrorAtOnce(kUartVm, SetParent(kUart, kClkM)), kBusy);
}

TEST_F(DecisionTable, SetParentAgainstAPinnedRateIsBusy) {
  rig_.Call(kHost, SetRate(kUart, 30 * kMHz));  // a pin of the rate alone: the host holds no vote
  EXPECT_EQ(ErrorAtOnce(kUartVm, SetParent(kUart, kClkM)), kBusy);
  const Event* conflict = Last(EventKind::kConflict);
  ASSERT_NE(conflict, nullptr);
  EXPECT_EQ(conflict->reason, Reason::kPinnedRate);
}

TEST_F(DecisionTable, AVmIsNamedBeforeTheHostWhereBothAreInTheWay) {
  rig_.Call(kHost, Enable(kUart));
  rig_.Call(kSpiVm, Enable(kUart));
  EXPECT_EQ(ErrorAtOnce(kUartVm, SetParent(kUart, kClkM)), kBusy);
  const Event* conflict = Last(EventKind::kConflict);
  ASSERT_NE(conflict, nullptr);
  EXPECT_EQ(conflict->other, kSpiVm);
}

TEST_F(DecisionTable, SetParentOfWhatIsNotPermittedIsRefused) {
  EXPECT_EQ(ErrorAtOnce(kSpiVm, SetParent(kUart, kClkM)), kAccess);
  EXPECT_EQ(ErrorAtOnce(kGuestVm, SetParent(kUart, kClkM)), kAccess);
  EXPECT_EQ(ErrorAtOnce(kUartVm, SetParent(kHole, kClkM)), kInval);
}

// --- CLK reads ---

TEST_F(DecisionTable, GetRateIsReadableByAll) {
  rig_.Call(kUartVm, Enable(kUart));
  for (const VmId vm : {kUartVm, kSpiVm, kGuestVm, kGpuVm}) {
    EXPECT_EQ(Rate(vm, GetRate(kUart)), kUartBootRate) << vm.value();
  }
  EXPECT_EQ(ErrorAtOnce(kUartVm, GetRate(kHole)), kInval);
}

TEST_F(DecisionTable, GetParentIsReadableByAll) {
  for (const VmId vm : {kUartVm, kSpiVm, kGuestVm, kGpuVm}) {
    const mrq::Response answer = rig_.Call(vm, GetParent(kUart));
    EXPECT_EQ(answer.error, 0);
    EXPECT_EQ(mrq::ReadU32(answer).value_or(0), kPllADiv.value());
  }
  EXPECT_EQ(ErrorAtOnce(kUartVm, GetParent(kHole)), kInval);
}

TEST_F(DecisionTable, GetMaxClkIdIsTheFirmwares) {
  for (const VmId vm : {kUartVm, kGuestVm}) {
    EXPECT_EQ(WordAtOnce(vm, Clk(mrq::ClkCmd::kGetMaxClkId, ClockId(0))), kClockCount - 1);
  }
}

TEST_F(DecisionTable, GetFmaxAtVminIsReadableByAll) {
  for (const VmId vm : {kUartVm, kGuestVm}) {
    EXPECT_EQ(Rate(vm, Clk(mrq::ClkCmd::kGetFmaxAtVmin, kUart)), Firmware::kMaxRate);
  }
}

TEST_F(DecisionTable, WhatNeverChangesIsAskedOnceWhoeverAsks) {
  const mrq::Request fmax = Clk(mrq::ClkCmd::kGetFmaxAtVmin, kUart);
  // An error is no answer to keep.
  const Ticket refused = rig_.Ask(kUartVm, fmax);
  rig_.End(Rig::Fate::kRefused, mrq::Error::kAgain);
  EXPECT_NE(rig_.ErrorOf(refused), 0);
  EXPECT_EQ(Rate(kUartVm, fmax), Firmware::kMaxRate);
  for (const VmId vm : {kUartVm, kGuestVm, kHost}) {
    EXPECT_EQ(RateAtOnce(vm, fmax), Firmware::kMaxRate);
    // It has no other candidate.
    EXPECT_EQ(WordAtOnce(vm, GetParent(kPllADiv)), kPllA.value());
  }
}

TEST_F(DecisionTable, GetAllInfoOfItsOwnHasTheCandidatesItMayUse) {
  const mrq::ClkInfo info = Info(kUartVm, kUart);
  EXPECT_STREQ(info.name.data(), "uart");
  EXPECT_EQ(info.parent, kPllADiv);
  const std::vector<ClockId> parents(info.parents.begin(), info.parents.begin() + info.num_parents);
  EXPECT_THAT(parents, UnorderedElementsAre(kPllADiv, kPllBDiv, kClkM));
  EXPECT_EQ(info.flags, mrq::clk_flag::kHasMux | mrq::clk_flag::kHasSetRate);
}

TEST_F(DecisionTable, GetAllInfoOfAVotedClockSaysThatRateAndParentAreNotItsToChange) {
  const mrq::ClkInfo info = Info(kSpiVm, kUart);
  EXPECT_EQ(info.num_parents, 1u);
  EXPECT_EQ(info.parents[0], kPllADiv);
  EXPECT_NE(info.flags & mrq::clk_flag::kRateParentChangeDenied, 0u);
  EXPECT_EQ(info.flags & mrq::clk_flag::kStateChangeDenied, 0u);
}

TEST_F(DecisionTable, GetAllInfoOfWhatIsNotPermittedIsShownAndNeverWithBit31) {
  const mrq::ClkInfo info = Info(kGuestVm, kGpu);
  EXPECT_STREQ(info.name.data(), "gpu");
  EXPECT_NE(info.flags & mrq::clk_flag::kRateParentChangeDenied, 0u);
  EXPECT_EQ(info.flags & mrq::clk_flag::kStateChangeDenied, 0u);
}

TEST_F(DecisionTable, GetAllInfoOfAPinnedClockMakesTheVmRelyOnThePin) {
  rig_.Call(kHost, Enable(kUart));
  const mrq::ClkInfo info = Info(kUartVm, kUart);
  EXPECT_NE(info.flags & mrq::clk_flag::kStateChangeDenied, 0u);
  EXPECT_NE(info.flags & mrq::clk_flag::kRateParentChangeDenied, 0u);
  EXPECT_THAT(rig_.Status(kUart).implied, ElementsAre(kUartVm));
  // The guest read that once: unpinning must not turn off what it believes to be on.
  rig_.Call(kHost, Disable(kUart));
  EXPECT_TRUE(rig_.firmware().on(kUart));
  rig_.Released(kUartVm);
  EXPECT_FALSE(rig_.firmware().on(kUart));
}

}  // namespace
}  // namespace bpmp::core::testing
