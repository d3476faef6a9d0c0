// SPDX-License-Identifier: Apache-2.0
// The decision table: resets, power domains, what the broker answers itself, what it never
// forwards.
#include <optional>

#include "broker/core/testing/decision_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;

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
  // What was asked for is done when nobody uses the device any longer.
  rig_.Call(kNvdecVm, Disable(kNvdec));
  EXPECT_EQ(rig_.firmware().asserted(kVideoReset), true);
  rig_.Call(kVicVm, Deassert(kVideoReset));
  rig_.Call(kNvdecVm, PowerOn(kVideoDomain));
  rig_.Call(kVicVm, Assert(kVideoReset));
  EXPECT_EQ(rig_.firmware().asserted(kVideoReset), false);
  rig_.Call(kNvdecVm, PowerOff(kVideoDomain));
  EXPECT_EQ(rig_.firmware().asserted(kVideoReset), true);
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
