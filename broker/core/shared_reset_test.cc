// SPDX-License-Identifier: Apache-2.0
// Resets that several VMs share, or that something is in flight for: who gets what when one leaves.
#include <string>

#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::IsEmpty;
using Fate = FakeBackend::Fate;

class SharedResetTest : public ::testing::Test {
 protected:
  std::optional<bool> Asserted() { return rig_.firmware().asserted(kVideoReset); }

  Rig rig_;
};

TEST_F(SharedResetTest, IsAssertedWhenTheLastUserOfTheDeviceIsReleased) {
  rig_.Call(kNvdecVm, Enable(kNvdec));
  rig_.Call(kVicVm, Deassert(kVideoReset));
  rig_.Released(kVicVm);
  EXPECT_EQ(Asserted(), false) << "nvdec runs";
  rig_.Released(kNvdecVm);
  EXPECT_EQ(Asserted(), true);
}

TEST_F(SharedResetTest, AWithheldAssertIsMadeWhenTheLastOtherLeaves) {
  rig_.Call(kNvdecVm, PowerOn(kVideoDomain));
  rig_.Call(kVicVm, Deassert(kVideoReset));
  EXPECT_EQ(rig_.Error(kVicVm, Assert(kVideoReset)), 0);
  EXPECT_EQ(Asserted(), false);
  EXPECT_EQ(rig_.observer().Count(EventKind::kWithheld), 1u);
  rig_.Call(kNvdecVm, PowerOff(kVideoDomain));
  EXPECT_EQ(Asserted(), true);
  EXPECT_FALSE(rig_.Status(kVideoReset).owes);
}

TEST_F(SharedResetTest, AnOwedAssertThatFailedIsMadeWhenItsQuarantineIsCleared) {
  rig_.Call(kNvdecVm, PowerOn(kVideoDomain));
  rig_.Call(kVicVm, Deassert(kVideoReset));
  EXPECT_EQ(rig_.Error(kVicVm, Assert(kVideoReset)), 0);
  rig_.Ask(kNvdecVm, PowerOff(kVideoDomain));
  while (rig_.in_flight() > 0 && !rig_.Flying().starts_with("RESET ASSERT")) rig_.End();
  rig_.End(Fate::kRefused);
  rig_.RunAll();
  EXPECT_TRUE(rig_.Status(kVideoReset).quarantined_for.has_value());
  EXPECT_EQ(Asserted(), false);
  EXPECT_TRUE(rig_.ClearQuarantine(Resource::Of(kVideoReset)).ok());
  rig_.RunAll();
  EXPECT_EQ(Asserted(), true);
  EXPECT_FALSE(rig_.Status(kVideoReset).owes);
}

TEST(SharedResetMark, AnOwedAssertIsMadeWhenTheLastMarkGoes) {
  Board board = MakeBoard();
  board.spec.vms[kVicVm.value() - 1].devices.front().reset_on_exit = ResetOnExit::kLeave;
  Rig rig(std::move(board));
  rig.Call(kVicVm, Deassert(kVideoReset));
  EXPECT_EQ(rig.Error(kNvdecVm, Assert(kVideoReset)), 0);
  EXPECT_EQ(rig.firmware().asserted(kVideoReset), false);
  rig.Released(kVicVm);
  EXPECT_EQ(rig.firmware().asserted(kVideoReset), true);
}

TEST_F(SharedResetTest, WhoDeassertsItAgainNoLongerWantsItAsserted) {
  rig_.Call(kNvdecVm, Enable(kNvdec));
  rig_.Call(kVicVm, Deassert(kVideoReset));
  rig_.Call(kVicVm, Assert(kVideoReset));
  rig_.Call(kVicVm, Deassert(kVideoReset));
  rig_.Call(kNvdecVm, Disable(kNvdec));
  EXPECT_EQ(Asserted(), false);
}

TEST_F(SharedResetTest, APulseThatIsWithheldIsCountedAndNotMadeUpFor) {
  rig_.Call(kNvdecVm, Enable(kNvdec));
  EXPECT_EQ(rig_.Error(kVicVm, Pulse(kVideoReset)), 0);
  EXPECT_EQ(rig_.observer().Count(EventKind::kWithheld), 1u);
  rig_.Call(kNvdecVm, Disable(kNvdec));
  EXPECT_EQ(rig_.firmware().pulses(kVideoReset), 0);
  EXPECT_EQ(Asserted(), std::nullopt);
}

TEST_F(SharedResetTest, ADeassertInFlightDoesNotOutliveItsVm) {
  rig_.Call(kNvdecVm, Enable(kNvdec));
  rig_.Ask(kVicVm, Deassert(kVideoReset));
  rig_.Release(kVicVm);
  rig_.RunAll();
  EXPECT_EQ(Asserted(), false);
  rig_.Call(kNvdecVm, Disable(kNvdec));
  EXPECT_EQ(Asserted(), true) << "nobody wants it deasserted any longer";
}

TEST(ResetInFlight, LeavesNoMarkOfAVmThatIsGone) {
  Board board = MakeBoard();
  board.spec.vms[kUartVm.value() - 1].devices.front().reset_on_exit = ResetOnExit::kLeave;
  Rig rig(board);
  rig.Ask(kUartVm, Deassert(kUartReset));
  rig.Release(kUartVm);
  rig.RunAll();
  PolicySpec spec = board.spec;
  spec.vms.erase(spec.vms.begin());
  EXPECT_TRUE(rig.Install(spec).ok());
}

TEST(ResetInFlight, APolicyWaitsForWhatAVmThatLeavesItHasInFlight) {
  const Board board = MakeBoard();
  Rig rig(board);
  PolicySpec spec = board.spec;
  spec.vms.erase(spec.vms.begin());
  rig.Ask(kUartVm, Enable(kUart));
  EXPECT_TRUE(absl::IsFailedPrecondition(rig.Install(spec)));
  rig.RunAll();
  rig.Released(kUartVm);
  EXPECT_TRUE(rig.Install(spec).ok());
}

TEST(ResetAtRelease, IsAssertedWhenItsDomainIsInDoubt) {
  Rig rig;
  rig.Call(kEthVm, PowerOn(kEthDomain));
  rig.Call(kEthVm, Deassert(kEthReset));
  rig.Ask(kEthVm, PowerOff(kEthDomain));
  rig.End(Fate::kRefused);
  rig.Released(kEthVm);
  EXPECT_EQ(rig.firmware().asserted(kEthReset), true);
}

TEST(ResetAtGrant, AFailedPulseIsSaidAndTheVoteStands) {
  Board board = MakeBoard();
  board.spec.vms[kUartVm.value() - 1].devices.front().pulse_on_grant = true;
  Rig rig(std::move(board));
  const Ticket ticket = rig.Ask(kUartVm, Enable(kUart));
  while (rig.in_flight() > 0 && rig.Flying() != "RESET MODULE reset 1") rig.End();
  rig.End(Fate::kRefused);
  rig.RunAll();
  EXPECT_EQ(rig.ErrorOf(ticket), 0);
  EXPECT_EQ(rig.observer().Count(EventKind::kEdgeFailed), 1u);
}

// --- Quarantine ---

// A step of vic's release can't be waited for, on a clock that nvdec holds.
TEST(SharedQuarantine, AClockThatAnotherHoldsStaysItsHolders) {
  Rig rig;
  rig.Call(kNvdecVm, Enable(kPllB));
  rig.Call(kVicVm, Enable(kPllB));
  rig.Ask(kGuestVm, GetRate(kPllB));
  rig.Overdue();
  rig.Release(kVicVm);
  EXPECT_FALSE(rig.core().IsReleasing(kVicVm));
  EXPECT_THAT(rig.core().Quarantined(), IsEmpty());
  rig.RunAll();
  EXPECT_EQ(rig.Error(kNvdecVm, Enable(kPllB)), 0);
  EXPECT_EQ(rig.Error(kGpuVm, Enable(kPllB)), 0);
}

// --- Pins ---

TEST(ConfiguredPin, IsAskedForAgainWhenTheHardwareRefuses) {
  Board board = MakeBoard();
  PinSpec pin;
  pin.resource = "uart";
  pin.rate_hz = 24 * kMHz;
  board.spec.pins.push_back(pin);
  Rig rig(board, {}, /*run=*/false);
  rig.End(Fate::kRefused);
  rig.RunAll();
  EXPECT_FALSE(rig.Status(kUart).pinned);
  ASSERT_TRUE(rig.core().NeedsMaintenance());
  rig.Maintain();
  rig.RunAll();
  EXPECT_TRUE(rig.Status(kUart).pinned);
  EXPECT_EQ(rig.firmware().rate(kUart), 24 * kMHz);
  rig.Maintain();
  EXPECT_FALSE(rig.core().NeedsMaintenance());
}

TEST(ConfiguredPin, ARateThatIsPinnedAloneCanBeUnpinned) {
  Rig rig;
  rig.Call(kHost, SetRate(kUart, 30 * kMHz));
  EXPECT_EQ(rig.Error(kUartVm, SetRate(kUart, 20 * kMHz)), -16);
  EXPECT_EQ(rig.Error(kHost, Disable(kUart)), 0);
  EXPECT_EQ(rig.Error(kUartVm, SetRate(kUart, 20 * kMHz)), 0);
}

// --- Residue ---

TEST(Residue, IsTheHostsAgainWhenItsOwnerLeavesThePolicy) {
  Board board = MakeBoard();
  Rig rig(board);
  ASSERT_TRUE(rig.Status(kGpuDomain).residue);
  PolicySpec spec = board.spec;
  spec.vms.erase(spec.vms.begin() + kGpuVm.value() - 1);
  ASSERT_TRUE(rig.Install(spec).ok());
  EXPECT_FALSE(rig.Status(kGpuDomain).residue);
  EXPECT_TRUE(rig.Status(kGpuDomain).found_on);
}

// --- Requests ---

TEST(SetParentRequest, AParentThatDoesNotExistIsABadId) {
  Rig rig;
  EXPECT_EQ(rig.Error(kUartVm, SetParent(kUart, kHole)), -22);
  EXPECT_EQ(rig.Error(kUartVm, SetParent(kUart, ClockId(9999))), -22);
}

TEST(SetParentRequest, AFixedClockIsNotReparented) {
  Board board = MakeBoard();
  ClockRule rule;
  rule.clock = "uart";
  rule.policy = RatePolicy::kFixed;
  board.spec.clock_rules.push_back(rule);
  Rig rig(std::move(board));
  EXPECT_EQ(rig.Error(kUartVm, SetParent(kUart, kClkM)), -13);
  // And says so: bit 30.
  const auto info = mrq::ReadClkInfo(rig.Call(kUartVm, GetInfo(kUart)));
  ASSERT_TRUE(info.ok());
  EXPECT_NE(info->flags & mrq::clk_flag::kRateParentChangeDenied, 0u);
}

TEST(ClearQuarantine, OfAnIdThatDoesNotExistIsAnError) {
  Rig rig;
  EXPECT_TRUE(absl::IsNotFound(rig.ClearQuarantine(Resource::Of(ClockId(9999)))));
}

}  // namespace
}  // namespace bpmp::core::testing
