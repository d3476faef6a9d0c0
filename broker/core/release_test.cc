// SPDX-License-Identifier: Apache-2.0
// What is left of a VM when it is gone: nothing; in which order; and what can go wrong.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/eth_fixture.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/core/testing/snapshot.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Fate = FakeBackend::Fate;

using ReleaseTest = EthFixture;

TEST_F(ReleaseTest, GoesFromResetsOverClocksToPower) {
  UseEth();
  rig_.Released(kEthVm);
  EXPECT_THAT(
      rig_.Edges(),
      ElementsAre("RESET ASSERT reset 2", "RESET ASSERT reset 3", "CLK DISABLE clock 14",
                  "CLK DISABLE clock 15", "CLK DISABLE clock 5",
                  "CLK SET_RATE clock 14 to 100000000 Hz", "PG SET_STATE power domain 0 off"));
}

TEST_F(ReleaseTest, LeavesNothing) {
  const std::vector<std::string> before = Snapshot(&rig_);
  rig_.Call(kUartVm, Enable(kUart));
  rig_.Call(kUartVm, SetParent(kUart, kClkM));
  rig_.Call(kUartVm, SetRate(kUart, 20 * kMHz));
  rig_.Released(kUartVm);
  EXPECT_EQ(Snapshot(&rig_), before);
  EXPECT_THAT(rig_.Status(kUart).rate_votes, IsEmpty());
  EXPECT_EQ(rig_.core().Vms()[0].clock_votes, 0u);
  EXPECT_EQ(rig_.observer().Count(EventKind::kReleased), 1u);
}

TEST_F(ReleaseTest, TwiceIsAsOnce) {
  UseEth();
  rig_.Released(kEthVm);
  rig_.backend().ClearLog();
  rig_.Released(kEthVm);
  EXPECT_THAT(rig_.Edges(), IsEmpty());
  EXPECT_EQ(rig_.core().EpochOf(kEthVm), 3u);
}

TEST_F(ReleaseTest, OfAVmThatDidNothingEndsAtOnce) {
  rig_.Release(kGuestVm);
  EXPECT_FALSE(rig_.core().IsReleasing(kGuestVm));
  EXPECT_EQ(rig_.in_flight(), 0u);
}

// --- Epochs ---

TEST_F(ReleaseTest, AnswersWhatTheOldLifeAskedWithAgain) {
  const Ticket flying = rig_.Ask(kUartVm, Enable(kUart));
  const Ticket waiting = rig_.Ask(kUartVm, Disable(kUart));
  rig_.Release(kUartVm);
  EXPECT_EQ(rig_.ErrorOf(flying), kAgain);
  EXPECT_EQ(rig_.ErrorOf(waiting), kAgain);
  EXPECT_EQ(rig_.Of(waiting).reason, Reason::kStaleEpoch);
  rig_.RunAll();
  EXPECT_FALSE(rig_.firmware().on(kUart));
  ExpectConsistent(&rig_);
}

TEST_F(ReleaseTest, TheNewLifeWaitsForTheEndOfTheOld) {
  UseEth();
  rig_.Release(kEthVm);
  const Ticket ticket = rig_.Ask(kEthVm, Enable(kEthApp));
  EXPECT_EQ(rig_.Of(ticket).kind, Decision::Kind::kWait);
  rig_.RunUntil("PG SET_STATE power domain 0 off");
  EXPECT_FALSE(rig_.Answered(ticket));
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(ticket), 0);
  EXPECT_TRUE(rig_.firmware().on(kEthApp));
}

TEST_F(ReleaseTest, DuringAReleaseBeginsOnlyANewEpoch) {
  UseEth();
  const uint32_t first = rig_.Release(kEthVm);
  const Ticket ticket = rig_.Ask(kEthVm, Enable(kEthApp));
  EXPECT_EQ(rig_.Release(kEthVm), first + 1);
  EXPECT_EQ(rig_.ErrorOf(ticket), kAgain);
  rig_.RunAll();
  EXPECT_EQ(rig_.observer().Count(EventKind::kReleaseStarted), 1u);
  EXPECT_EQ(rig_.observer().Count(EventKind::kReleased), 1u);
  ExpectConsistent(&rig_);
}

TEST_F(ReleaseTest, ADisableThatGaveUpWaitingIsDoneAllTheSame) {
  UseEth();
  rig_.Release(kEthVm);
  const Ticket on = rig_.Ask(kEthVm, Enable(kEthApp));
  const Ticket off = rig_.Ask(kEthVm, Disable(kEthApp));
  rig_.Expire(off);
  EXPECT_EQ(rig_.ErrorOf(off), 0);
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(on), 0);
  EXPECT_THAT(rig_.Holders(kEthApp), IsEmpty());
  EXPECT_FALSE(rig_.firmware().on(kEthApp));
}

// --- Others ---

TEST_F(ReleaseTest, TouchesNothingThatOthersHold) {
  rig_.Call(kVicVm, Enable(kPllB));
  rig_.Call(kVicVm, PowerOn(kVideoDomain));
  rig_.Call(kVicVm, Deassert(kVideoReset));
  rig_.Call(kNvdecVm, Enable(kPllB));
  rig_.Call(kNvdecVm, PowerOn(kVideoDomain));
  rig_.Call(kNvdecVm, Deassert(kVideoReset));
  rig_.backend().ClearLog();
  rig_.Released(kVicVm);
  EXPECT_THAT(rig_.Edges(), IsEmpty());
  EXPECT_EQ(rig_.firmware().asserted(kVideoReset), false);
  rig_.Released(kNvdecVm);
  EXPECT_EQ(rig_.firmware().asserted(kVideoReset), true);
  EXPECT_FALSE(rig_.firmware().on(kPllB));
  EXPECT_FALSE(rig_.firmware().on(kVideoDomain));
}

TEST_F(ReleaseTest, TheBootRateIsPaidByTheLastHolder) {
  rig_.Call(kSpiVm, Enable(kUart));
  rig_.Call(kUartVm, SetRate(kUart, 20 * kMHz));
  rig_.Released(kUartVm);
  EXPECT_EQ(rig_.firmware().rate(kUart), 20 * kMHz);
  rig_.Call(kSpiVm, Disable(kUart));
  EXPECT_EQ(rig_.firmware().rate(kUart), kUartBootRate);
}

TEST_F(ReleaseTest, ANewLifeThatAsksForTheSameRateKeepsIt) {
  rig_.Call(kSpiVm, Enable(kUart));
  rig_.Call(kUartVm, SetRate(kUart, 20 * kMHz));
  rig_.Released(kUartVm);
  EXPECT_EQ(rig_.Error(kUartVm, SetRate(kUart, 20 * kMHz)), 0);
  rig_.Call(kSpiVm, Disable(kUart));
  EXPECT_EQ(rig_.firmware().rate(kUart), 20 * kMHz);
  rig_.Released(kUartVm);
  EXPECT_EQ(rig_.firmware().rate(kUart), kUartBootRate);
}

TEST_F(ReleaseTest, APaymentThatFailsIsTriedAgainThenQuarantined) {
  rig_.Call(kSpiVm, Enable(kUart));
  rig_.Call(kUartVm, SetRate(kUart, 20 * kMHz));
  rig_.Released(kUartVm);
  rig_.Ask(kSpiVm, Disable(kUart));
  rig_.RunUntil("CLK GET_RATE clock 8");
  rig_.End(Fate::kFailed);
  EXPECT_TRUE(rig_.core().NeedsMaintenance());
  rig_.Maintain();
  rig_.RunAll();
  EXPECT_EQ(rig_.firmware().rate(kUart), kUartBootRate);
  EXPECT_FALSE(rig_.core().NeedsMaintenance());
  EXPECT_THAT(rig_.core().Quarantined(), IsEmpty());
}

// --- What was found on ---

TEST_F(ReleaseTest, WhatWasFoundOnStaysOnUntilItsOwnerEnds) {
  EXPECT_TRUE(rig_.Status(kGpuDomain).residue);
  EXPECT_THAT(rig_.Holders(kGpuDomain), IsEmpty());
  EXPECT_TRUE(rig_.firmware().on(kGpuDomain));
  rig_.Released(kGpuVm);
  EXPECT_FALSE(rig_.Status(kGpuDomain).residue);
  EXPECT_FALSE(rig_.firmware().on(kGpuDomain));
}

TEST_F(ReleaseTest, WhatWasFoundOnAndIsNobodysIsTheHosts) {
  EXPECT_TRUE(rig_.Status(kFound).found_on);
  EXPECT_THAT(rig_.Holders(kFound), ElementsAre(kHost));
  for (const VmId vm : {kUartVm, kCan0Vm, kGuestVm}) rig_.Released(vm);
  EXPECT_TRUE(rig_.firmware().on(kFound));
}

// --- Leaving the policy ---

TEST_F(ReleaseTest, AVmIsDeletedOnlyWhenItIsReleased) {
  PolicySpec without = MakeBoard().spec;
  without.vms.erase(without.vms.begin());  // uart-vm
  rig_.Call(kUartVm, Enable(kUart));
  EXPECT_EQ(rig_.Install(without).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(rig_.core().FindVm("uart-vm"), kUartVm);
  rig_.Released(kUartVm);
  EXPECT_TRUE(rig_.Install(without).ok());
  EXPECT_EQ(rig_.core().FindVm("uart-vm"), std::nullopt);
  EXPECT_EQ(rig_.Error(kUartVm, Enable(kUart)), -13);
  EXPECT_EQ(rig_.observer().Count(EventKind::kVmDeleted), 1u);
  // The others go on under their own numbers.
  EXPECT_EQ(rig_.core().FindVm("spi-vm"), kSpiVm);
  EXPECT_EQ(rig_.Error(kSpiVm, Enable(kSpi)), 0);
}

}  // namespace
}  // namespace bpmp::core::testing
