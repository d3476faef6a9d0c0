// SPDX-License-Identifier: Apache-2.0
// The decision table: votes on clocks.

#include "broker/core/testing/decision_table.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// --- CLK ENABLE ---

TEST_F(DecisionTable, EnableAloneTurnsTheHardwareOnAndThenRecords) {
  const Ticket ticket = rig_.Ask(kUartVm, Enable(kUart));
  EXPECT_EQ(rig_.Of(ticket).kind, Decision::Kind::kRun);
  EXPECT_EQ(rig_.Flying(), "CLK ENABLE clock 8");
  EXPECT_THAT(rig_.Holders(kUart), IsEmpty());
  EXPECT_EQ(rig_.Status(kUart).gate, GateState::kTurningOn);
  rig_.End();
  EXPECT_EQ(rig_.ErrorOf(ticket), 0);
  EXPECT_THAT(rig_.Holders(kUart), ElementsAre(kUartVm));
  EXPECT_EQ(rig_.Status(kUart).gate, GateState::kOn);
  EXPECT_TRUE(rig_.firmware().on(kUart));
}

TEST_F(DecisionTable, EnableAgainByAHolderIsSuccessWithoutAnEdge) {
  rig_.Call(kUartVm, Enable(kUart));
  EXPECT_EQ(ErrorAtOnce(kUartVm, Enable(kUart)), 0);
  EXPECT_THAT(rig_.Holders(kUart), ElementsAre(kUartVm));
}

TEST_F(DecisionTable, EnableThatTheFirmwareRefusesRecordsNothing) {
  const Ticket ticket = rig_.Ask(kUartVm, Enable(kUart));
  rig_.End(Rig::Fate::kRefused, mrq::Error::kNotSup);
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(ticket), -134);
  EXPECT_THAT(rig_.Holders(kUart), IsEmpty());
}

TEST_F(DecisionTable, EnableWithAnotherHolderRecordsWithoutTheHardware) {
  rig_.Call(kSpiVm, Enable(kUart));
  EXPECT_EQ(ErrorAtOnce(kUartVm, Enable(kUart)), 0);
  EXPECT_THAT(rig_.Holders(kUart), ElementsAre(kUartVm, kSpiVm));
}

TEST_F(DecisionTable, EnableWithTheHostAsHolderRecordsWithoutTheHardware) {
  rig_.Call(kHost, Enable(kUart));
  EXPECT_EQ(ErrorAtOnce(kUartVm, Enable(kUart)), 0);
  EXPECT_THAT(rig_.Holders(kUart), ElementsAre(kHost, kUartVm));
}

TEST_F(DecisionTable, EnableOfAnAncestorIsSuccessAndAVote) {
  EXPECT_EQ(rig_.Error(kUartVm, Enable(kPllADiv)), 0);
  EXPECT_THAT(rig_.Holders(kPllADiv), ElementsAre(kUartVm));
  EXPECT_EQ(rig_.Error(kUartVm, Enable(kOsc)), 0);
  // A candidate parent of its mux, though not the present one.
  EXPECT_EQ(rig_.Error(kUartVm, Enable(kPllBDiv)), 0);
}

TEST_F(DecisionTable, EnableOfWhatIsNotPermittedIsRefused) {
  EXPECT_EQ(ErrorAtOnce(kUartVm, Enable(kGpu)), kAccess);
  EXPECT_EQ(ErrorAtOnce(kGuestVm, Enable(kUart)), kAccess);  // `get` is not enough
  // A vote doesn't reach the candidates of somebody's mux, only the present parents.
  EXPECT_EQ(ErrorAtOnce(kSpiVm, Enable(kEthTx)), kAccess);
  const Event* denied = Last(EventKind::kDenied);
  ASSERT_NE(denied, nullptr);
  EXPECT_EQ(denied->vm, kSpiVm);
  EXPECT_EQ(denied->reason, Reason::kNotPermitted);
  EXPECT_EQ(denied->resource, Resource::Of(kEthTx));
}

TEST_F(DecisionTable, EnableOfAnIdThatDoesNotExistIsInvalid) {
  for (const ClockId clock : {ClockId(0), kHole, ClockId(kClockCount), ClockId(0xffffff)}) {
    EXPECT_EQ(ErrorAtOnce(kUartVm, Enable(clock)), kInval) << clock.value();
  }
}

// --- CLK DISABLE ---

TEST_F(DecisionTable, DisableAloneTurnsTheHardwareOff) {
  rig_.Call(kUartVm, Enable(kUart));
  const Ticket ticket = rig_.Ask(kUartVm, Disable(kUart));
  EXPECT_EQ(rig_.Flying(), "CLK DISABLE clock 8");
  EXPECT_THAT(rig_.Holders(kUart), IsEmpty());  // the vote goes first
  EXPECT_EQ(rig_.Status(kUart).gate, GateState::kTurningOff);
  rig_.End();
  EXPECT_EQ(rig_.ErrorOf(ticket), 0);
  EXPECT_FALSE(rig_.firmware().on(kUart));
  EXPECT_EQ(rig_.Status(kUart).gate, GateState::kOff);
}

TEST_F(DecisionTable, DisableWithAnotherHolderDropsTheVoteAlone) {
  rig_.Call(kUartVm, Enable(kUart));
  rig_.Call(kSpiVm, Enable(kUart));
  EXPECT_EQ(ErrorAtOnce(kUartVm, Disable(kUart)), 0);
  EXPECT_THAT(rig_.Holders(kUart), ElementsAre(kSpiVm));
  EXPECT_TRUE(rig_.firmware().on(kUart));
}

TEST_F(DecisionTable, DisableWithoutAVoteIsSuccessAndCounted) {
  rig_.Call(kSpiVm, Enable(kUart));
  EXPECT_EQ(ErrorAtOnce(kUartVm, Disable(kUart)), 0);
  EXPECT_EQ(ErrorAtOnce(kUartVm, Disable(kPllADiv)), 0);
  EXPECT_EQ(rig_.observer().Count(EventKind::kUnbalanced), 2u);
  EXPECT_THAT(rig_.Holders(kUart), ElementsAre(kSpiVm));
}

TEST_F(DecisionTable, DisableOfAnUnlistedIdIsRefused) {
  EXPECT_EQ(ErrorAtOnce(kUartVm, Disable(kGpu)), kAccess);
  EXPECT_EQ(ErrorAtOnce(kUartVm, Disable(kHole)), kInval);
}

// --- CLK IS_ENABLED ---

TEST_F(DecisionTable, TheRateOfAFixedRootIsKnownAndNotAskedFor) {
  rig_.backend().ClearLog();
  const mrq::Response answer = rig_.Call(kGuestVm, GetRate(kClkM));
  EXPECT_EQ(*mrq::ReadRate(answer), 19 * kMHz);
  EXPECT_TRUE(rig_.Log().empty());
  // The host hears the firmware: its backend's health is told by such a question.
  rig_.Call(kHost, GetRate(kClkM));
  EXPECT_EQ(rig_.Log().size(), 1u);
}

TEST_F(DecisionTable, IsEnabledAloneIsItsOwnVote) {
  EXPECT_EQ(WordAtOnce(kUartVm, IsEnabled(kUart)), 0u);
  rig_.Call(kUartVm, Enable(kUart));
  EXPECT_EQ(WordAtOnce(kUartVm, IsEnabled(kUart)), 1u);
}

TEST_F(DecisionTable, IsEnabledWithAnotherHolderIsItsOwnVote) {
  rig_.Call(kSpiVm, Enable(kUart));
  EXPECT_EQ(WordAtOnce(kUartVm, IsEnabled(kUart)), 0u);
  EXPECT_EQ(WordAtOnce(kSpiVm, IsEnabled(kUart)), 1u);
}

TEST_F(DecisionTable, IsEnabledOfWhatIsNotPermittedIsZero) {
  rig_.Call(kUartVm, Enable(kUart));
  EXPECT_EQ(WordAtOnce(kGuestVm, IsEnabled(kUart)), 0u);
  EXPECT_EQ(WordAtOnce(kGuestVm, IsEnabled(kGpu)), 0u);
  EXPECT_EQ(WordAtOnce(kGuestVm, IsEnabled(kFound)), 0u);
}

}  // namespace
}  // namespace bpmp::core::testing
