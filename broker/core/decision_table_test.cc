// SPDX-License-Identifier: Apache-2.0
// What every request does, one test a cell: each row of the decision table for a VM that is alone
// on the resource, for one that shares it with another holder, and for one that may not use it.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int32_t kAccess = -13;
constexpr int32_t kBusy = -16;
constexpr int32_t kInval = -22;
constexpr int32_t kNoDev = -19;
constexpr int32_t kBadCmd = -6;

class DecisionTable : public ::testing::Test {
 protected:
  // Asserts that the request is answered at once, without the hardware.
  mrq::Response AtOnce(VmId vm, const mrq::Request& request) {
    const Ticket ticket = rig_.Ask(vm, request);
    EXPECT_EQ(rig_.Of(ticket).kind, Decision::Kind::kReply) << mrq::Describe(request);
    EXPECT_EQ(rig_.in_flight(), 0u) << rig_.Flying();
    return rig_.Of(ticket).answer.value_or(mrq::Response{});
  }
  int32_t ErrorAtOnce(VmId vm, const mrq::Request& request) { return AtOnce(vm, request).error; }
  int64_t RateAtOnce(VmId vm, const mrq::Request& request) {
    const mrq::Response response = AtOnce(vm, request);
    EXPECT_EQ(response.error, 0);
    return mrq::ReadRate(response).value_or(-1);
  }
  uint32_t WordAtOnce(VmId vm, const mrq::Request& request) {
    const mrq::Response response = AtOnce(vm, request);
    EXPECT_EQ(response.error, 0);
    return mrq::ReadU32(response).value_or(0xffffffff);
  }
  int64_t Rate(VmId vm, const mrq::Request& request) {
    const mrq::Response response = rig_.Call(vm, request);
    EXPECT_EQ(response.error, 0);
    return mrq::ReadRate(response).value_or(-1);
  }
  mrq::ClkInfo Info(VmId vm, ClockId clock) {
    const mrq::Response response = AtOnce(vm, GetInfo(clock));
    EXPECT_EQ(response.error, 0);
    const absl::StatusOr<mrq::ClkInfo> info = mrq::ReadClkInfo(response);
    EXPECT_TRUE(info.ok()) << info.status();
    return info.value_or(mrq::ClkInfo{});
  }
  const Event* Last(EventKind kind) {
    for (auto it = rig_.observer().events.rbegin(); it != rig_.observer().events.rend(); ++it) {
      if (it->kind == kind) return &*it;
    }
    return nullptr;
  }

  Rig rig_;
};

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

// --- RESET ---

TEST_F(DecisionTable, ResetAloneIsApplied) {
  EXPECT_EQ(rig_.Error(kUartVm, Deassert(kUartReset)), 0);
  EXPECT_EQ(rig_.firmware().asserted(kUartReset), false);
  EXPECT_EQ(rig_.Status(kUartReset).reset, ResetState::kDeasserted);
  EXPECT_EQ(rig_.Error(kUartVm, Assert(kUartReset)), 0);
  EXPECT_EQ(rig_.firmware().asserted(kUartReset), true);
  EXPECT_EQ(rig_.Error(kUartVm, Pulse(kUartReset)), 0);
  EXPECT_EQ(rig_.firmware().pulses(kUartReset), 1);
}

TEST_F(DecisionTable, AssertOfASharedResetWaitsForTheLastWanter) {
  rig_.Call(kVicVm, Deassert(kVideoReset));
  rig_.Call(kNvdecVm, Deassert(kVideoReset));
  EXPECT_EQ(ErrorAtOnce(kVicVm, Assert(kVideoReset)), 0);
  EXPECT_EQ(rig_.firmware().asserted(kVideoReset), false);
  EXPECT_EQ(rig_.Error(kNvdecVm, Assert(kVideoReset)), 0);
  EXPECT_EQ(rig_.firmware().asserted(kVideoReset), true);
}

TEST_F(DecisionTable, AHolderOfTheDevicesClockOrDomainWantsItDeasserted) {
  rig_.Call(kVicVm, Deassert(kVideoReset));
  rig_.Call(kNvdecVm, Enable(kNvdec));
  EXPECT_EQ(ErrorAtOnce(kVicVm, Assert(kVideoReset)), 0);
  EXPECT_EQ(rig_.firmware().asserted(kVideoReset), false);
  rig_.Call(kNvdecVm, Disable(kNvdec));
  rig_.Call(kNvdecVm, PowerOn(kVideoDomain));
  rig_.Call(kVicVm, Assert(kVideoReset));
  EXPECT_EQ(rig_.firmware().asserted(kVideoReset), false);
}

TEST_F(DecisionTable, PulseOfASharedResetWithAnotherWanterIsNotMade) {
  rig_.Call(kNvdecVm, Deassert(kVideoReset));
  EXPECT_EQ(ErrorAtOnce(kVicVm, Pulse(kVideoReset)), 0);
  EXPECT_EQ(rig_.firmware().pulses(kVideoReset), 0);
  rig_.Call(kNvdecVm, Assert(kVideoReset));
  EXPECT_EQ(rig_.Error(kVicVm, Pulse(kVideoReset)), 0);
  EXPECT_EQ(rig_.firmware().pulses(kVideoReset), 1);
}

TEST_F(DecisionTable, ResetOfWhatIsNotPermittedIsRefused) {
  for (const mrq::Request& request :
       {Assert(kUartReset), Deassert(kUartReset), Pulse(kUartReset)}) {
    EXPECT_EQ(ErrorAtOnce(kSpiVm, request), kAccess);
  }
  EXPECT_EQ(ErrorAtOnce(kUartVm, Assert(ResetId(kResetCount))), kInval);
  EXPECT_EQ(rig_.firmware().asserted(kUartReset), std::nullopt);
}

// --- PG ---

TEST_F(DecisionTable, PowerOnAndOffAloneAreEdges) {
  EXPECT_EQ(rig_.Error(kEthVm, PowerOn(kEthDomain)), 0);
  EXPECT_TRUE(rig_.firmware().on(kEthDomain));
  EXPECT_THAT(rig_.Holders(kEthDomain), ElementsAre(kEthVm));
  EXPECT_EQ(ErrorAtOnce(kEthVm, PowerOn(kEthDomain)), 0);
  EXPECT_EQ(rig_.Error(kEthVm, PowerOff(kEthDomain)), 0);
  EXPECT_FALSE(rig_.firmware().on(kEthDomain));
}

TEST_F(DecisionTable, PowerOnAndOffWithAnotherHolderAreVotesOnly) {
  rig_.Call(kVicVm, PowerOn(kVideoDomain));
  EXPECT_EQ(ErrorAtOnce(kNvdecVm, PowerOn(kVideoDomain)), 0);
  EXPECT_THAT(rig_.Holders(kVideoDomain), ElementsAre(kVicVm, kNvdecVm));
  EXPECT_EQ(ErrorAtOnce(kVicVm, PowerOff(kVideoDomain)), 0);
  EXPECT_TRUE(rig_.firmware().on(kVideoDomain));
}

TEST_F(DecisionTable, PowerOnOfWhatIsNotPermittedIsRefused) {
  EXPECT_EQ(ErrorAtOnce(kUartVm, PowerOn(kEthDomain)), kAccess);
  EXPECT_EQ(ErrorAtOnce(kUartVm, PowerOn(DomainId(kDomainCount))), kInval);
}

TEST_F(DecisionTable, PowerOffWithoutAVoteIsSuccess) {
  EXPECT_EQ(ErrorAtOnce(kEthVm, PowerOff(kEthDomain)), 0);
  rig_.Call(kVicVm, PowerOn(kVideoDomain));
  EXPECT_EQ(ErrorAtOnce(kNvdecVm, PowerOff(kVideoDomain)), 0);
  EXPECT_EQ(ErrorAtOnce(kUartVm, PowerOff(kVideoDomain)), 0);  // not even permitted
  EXPECT_TRUE(rig_.firmware().on(kVideoDomain));
}

TEST_F(DecisionTable, PowerStateIsItsOwnVote) {
  EXPECT_EQ(WordAtOnce(kVicVm, PowerState(kVideoDomain)), 0u);
  rig_.Call(kVicVm, PowerOn(kVideoDomain));
  EXPECT_EQ(WordAtOnce(kVicVm, PowerState(kVideoDomain)), 1u);
  EXPECT_EQ(WordAtOnce(kNvdecVm, PowerState(kVideoDomain)), 0u);
  EXPECT_EQ(WordAtOnce(kGuestVm, PowerState(kVideoDomain)), 0u);
}

TEST_F(DecisionTable, PowerStateOutOfRangeIsInvalid) {
  EXPECT_EQ(ErrorAtOnce(kEthVm, Pg(mrq::PgCmd::kSetState, kEthDomain, 7)), kInval);
}

// --- What the broker answers itself ---

TEST_F(DecisionTable, PingIsAnsweredByTheBroker) {
  EXPECT_EQ(WordAtOnce(kGuestVm, mrq::PingRequest{false, 21}), 42u);
  EXPECT_EQ(WordAtOnce(kGuestVm, mrq::PingRequest{true, 21}), 42u);
}

TEST_F(DecisionTable, FwTagIsTheFirmwares) {
  const mrq::Response answer = AtOnce(kGuestVm, mrq::QueryFwTagRequest{});
  EXPECT_EQ(answer.error, 0);
  EXPECT_EQ(mrq::ReadFwTag(answer), "test-fw");
}

TEST_F(DecisionTable, QueryAbiSaysWhatTheVmMaySend) {
  for (const mrq::Mrq known : {mrq::Mrq::kPing, mrq::Mrq::kClk, mrq::Mrq::kReset, mrq::Mrq::kPg,
                               mrq::Mrq::kQueryAbi, mrq::Mrq::kQueryFwTag}) {
    EXPECT_EQ(WordAtOnce(kUartVm, mrq::QueryAbiRequest{static_cast<uint32_t>(known)}), 0u);
  }
  for (const uint32_t unknown : {1u, 19u, 75u, 0xffffffffu}) {
    const mrq::Response answer = AtOnce(kUartVm, mrq::QueryAbiRequest{unknown});
    EXPECT_EQ(answer.error, 0);
    EXPECT_EQ(static_cast<int32_t>(mrq::ReadU32(answer).value_or(0)), kNoDev) << unknown;
  }
}

TEST_F(DecisionTable, MaximaAndNamesAreAnsweredByTheBroker) {
  EXPECT_EQ(WordAtOnce(kGuestVm, mrq::ResetRequest{mrq::ResetCmd::kGetMaxId, ResetId()}),
            kResetCount - 1);
  EXPECT_EQ(WordAtOnce(kGuestVm, Pg(mrq::PgCmd::kGetMaxId, DomainId())), kDomainCount - 1);
  const mrq::Response name = AtOnce(kGuestVm, Pg(mrq::PgCmd::kGetName, kVideoDomain));
  EXPECT_EQ(name.error, 0);
  EXPECT_EQ(mrq::ReadName(name), "video");
  EXPECT_EQ(ErrorAtOnce(kGuestVm, Pg(mrq::PgCmd::kQueryAbi, DomainId(),
                                     static_cast<uint32_t>(mrq::PgCmd::kGetState))),
            0);
}

// --- What is never forwarded ---

TEST_F(DecisionTable, WithdrawnClkCommandsAreBadCommands) {
  for (uint8_t command = 9; command <= 13; ++command) {
    const uint8_t bytes[16] = {kUart.value(), 0, 0, command};
    const auto request = mrq::DecodeRequest(static_cast<uint32_t>(mrq::Mrq::kClk), bytes);
    EXPECT_EQ(-static_cast<int32_t>(mrq::ErrorFromStatus(request.status())), kBadCmd);
  }
}

TEST_F(DecisionTable, OtherMrqsAreRefusedAndNeverForwarded) {
  const mrq::Request requests[] = {mrq::ThermalRequest{mrq::ThermalCmd::kGetTemp, 0},
                                   mrq::EmcDvfsLatencyRequest{}, mrq::CpuNdivLimitsRequest{0},
                                   mrq::UphyRequest{}};
  for (const mrq::Request& request : requests) {
    EXPECT_EQ(ErrorAtOnce(kUartVm, request), kInval) << mrq::Describe(request);
    const mrq::Response abi = AtOnce(kUartVm, mrq::QueryAbiRequest{mrq::MrqCode(request)});
    EXPECT_EQ(static_cast<int32_t>(mrq::ReadU32(abi).value_or(0)), kNoDev);
  }
}

}  // namespace
}  // namespace bpmp::core::testing
