// SPDX-License-Identifier: Apache-2.0
// A policy that allows less than VMs do: it stays, or is undone; and what follows from other rules
// for what is nobody's own.
#include <optional>
#include <utility>

#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/core/testing/snapshot.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Fate = FakeBackend::Fate;

constexpr auto kKeep = Core::Unallowed::kKeep;
constexpr auto kDrop = Core::Unallowed::kDrop;

class PolicyReload : public ::testing::Test {
 protected:
  VmSpec& Vm(VmId vm) { return board_.spec.vms[vm.value() - 1]; }
  void Install(Core::Unallowed unallowed) {
    ASSERT_TRUE(rig_.Install(board_.spec, unallowed).ok());
    rig_.RunAll();
  }
  void UseUart() {
    rig_.Call(kUartVm, Enable(kUart));
    rig_.Call(kUartVm, SetRate(kUart, 100 * kMHz));
    rig_.Call(kUartVm, Deassert(kUartReset));
  }

  Rig rig_;
  Board board_ = MakeBoard();
};

TEST_F(PolicyReload, KeepsWhatIsHeldUntilItIsDropped) {
  UseUart();
  Vm(kUartVm).devices.clear();
  Install(kKeep);
  EXPECT_TRUE(rig_.firmware().on(kUart));
  EXPECT_TRUE(rig_.Votes(kUartVm, kUart));
  EXPECT_EQ(rig_.Error(kUartVm, SetRate(kUart, 50 * kMHz)), kAccess);
  EXPECT_EQ(rig_.Error(kUartVm, Disable(kUart)), 0);
  EXPECT_FALSE(rig_.firmware().on(kUart));
  EXPECT_EQ(rig_.Error(kUartVm, Enable(kUart)), kAccess);
  ExpectConsistent(&rig_);
}

TEST_F(PolicyReload, DropsInTheOrderOfARelease) {
  UseUart();
  Vm(kUartVm).devices.clear();
  rig_.backend().ClearLog();
  ASSERT_TRUE(rig_.Install(board_.spec, kDrop).ok());
  // What is asked meanwhile waits for the end, and is judged by the new policy.
  const Ticket late = rig_.Ask(kUartVm, Enable(kUart));
  EXPECT_FALSE(rig_.Answered(late));
  rig_.RunAll();
  ASSERT_TRUE(rig_.Answered(late));
  EXPECT_EQ(rig_.ErrorOf(late), kAccess);
  EXPECT_THAT(rig_.Edges(), ElementsAre("RESET ASSERT reset 1", "CLK DISABLE clock 8",
                                        "CLK SET_RATE clock 8 to 48000000 Hz"));
  EXPECT_EQ(rig_.core().EpochOf(kUartVm), 1u) << "no reboot";
  EXPECT_EQ(rig_.observer().Count(EventKind::kReleased), 0u);
  ExpectConsistent(&rig_);
}

TEST_F(PolicyReload, DropsOnlyWhatIsNoLongerAllowed) {
  UseUart();
  rig_.Call(kSpiVm, Enable(kSpi));
  rig_.Call(kSpiVm, Enable(kUart));
  Vm(kSpiVm).clocks.clear();  // its vote on uart
  Install(kDrop);
  EXPECT_TRUE(rig_.Votes(kSpiVm, kSpi));
  EXPECT_FALSE(rig_.Votes(kSpiVm, kUart));
  EXPECT_TRUE(rig_.firmware().on(kUart)) << "of who has it";
  ExpectConsistent(&rig_);
}

TEST_F(PolicyReload, WhoMayOnlyVoteGivesTheRateBack) {
  UseUart();
  Vm(kUartVm).devices.clear();
  Vm(kUartVm).clocks = {{"uart", Access::kVote, {}}};
  Install(kDrop);
  EXPECT_TRUE(rig_.Votes(kUartVm, kUart));
  // It is owed while the clock is held, and paid when the last leaves.
  rig_.Call(kUartVm, Disable(kUart));
  EXPECT_EQ(rig_.firmware().rate(kUart), kUartBootRate);
  ExpectConsistent(&rig_);
}

TEST_F(PolicyReload, AReleaseMeanwhileIsAWholeOne) {
  UseUart();
  rig_.Call(kUartVm, Enable(kOsc));
  Vm(kUartVm).devices.clear();
  Vm(kUartVm).clocks = {{"osc", Access::kVote, {}}};
  ASSERT_TRUE(rig_.Install(board_.spec, kDrop).ok());
  EXPECT_EQ(rig_.Release(kUartVm), 2u);
  rig_.RunAll();
  EXPECT_FALSE(rig_.core().IsReleasing(kUartVm));
  EXPECT_THAT(rig_.Holders(kOsc), IsEmpty());
  EXPECT_EQ(rig_.observer().Count(EventKind::kReleased), 1u);
  ExpectConsistent(&rig_);
}

TEST_F(PolicyReload, ADropMeanwhileBeginsAnew) {
  UseUart();
  rig_.Call(kSpiVm, Enable(kUart));
  rig_.Call(kUartVm, Enable(kOsc));
  Vm(kUartVm).devices.clear();
  Vm(kUartVm).clocks = {{"osc", Access::kVote, {}}, {"uart", Access::kVote, {}}};
  ASSERT_TRUE(rig_.Install(board_.spec, kDrop).ok());
  EXPECT_TRUE(rig_.core().IsReleasing(kUartVm));
  Vm(kUartVm).clocks.clear();
  Install(kDrop);
  EXPECT_THAT(rig_.Holders(kOsc), IsEmpty());
  EXPECT_THAT(rig_.Holders(kUart), ElementsAre(kSpiVm));
  ExpectConsistent(&rig_);
}

TEST_F(PolicyReload, ADeviceThatIsTakenAwayEndsAsItsPolicySaid) {
  Vm(kUartVm).devices[0].reset_on_exit = ResetOnExit::kLeave;
  Vm(kUartVm).devices[0].clock_on_exit = ClockOnExit::kLeave;
  Install(kKeep);
  UseUart();
  Vm(kUartVm).devices.clear();
  Install(kKeep);
  rig_.backend().ClearLog();
  rig_.Released(kUartVm);
  EXPECT_THAT(rig_.Edges(), ElementsAre("CLK DISABLE clock 8"));
  EXPECT_EQ(rig_.firmware().asserted(kUartReset), false);
}

TEST_F(PolicyReload, ItsOldUserLeavesADeviceToItsNewOwner) {
  UseUart();
  std::swap(Vm(kUartVm).devices, Vm(kGuestVm).devices);
  Install(kKeep);
  rig_.Call(kGuestVm, Enable(kUart));
  rig_.Call(kGuestVm, Deassert(kUartReset));
  rig_.Call(kGuestVm, SetRate(kUart, 60 * kMHz));
  rig_.Released(kUartVm);
  EXPECT_EQ(rig_.firmware().asserted(kUartReset), false);
  EXPECT_TRUE(rig_.firmware().on(kUart));
  EXPECT_NE(rig_.firmware().rate(kUart), kUartBootRate);
  rig_.Released(kGuestVm);
  EXPECT_EQ(rig_.firmware().asserted(kUartReset), true);
  EXPECT_EQ(rig_.firmware().rate(kUart), kUartBootRate);
  ExpectConsistent(&rig_);
}

TEST_F(PolicyReload, ADeviceIsPulsedOnceInAnEpochWhateverItsPlace) {
  Vm(kUartVm).devices[0].pulse_on_grant = true;
  Install(kKeep);
  rig_.Call(kUartVm, Enable(kUart));
  rig_.Call(kUartVm, Disable(kUart));
  DeviceGrant can;
  can.device = "can0";
  Vm(kCan0Vm).devices.clear();
  Vm(kUartVm).devices.insert(Vm(kUartVm).devices.begin(), can);
  Install(kKeep);
  rig_.backend().ClearLog();
  rig_.Call(kUartVm, Enable(kUart));
  EXPECT_THAT(rig_.Edges(), ElementsAre("CLK ENABLE clock 8"));
}

TEST_F(PolicyReload, AVmThatIsGoneMustHoldNothing) {
  rig_.Call(kUartVm, Enable(kUart));
  board_.spec.vms.erase(board_.spec.vms.begin());
  EXPECT_EQ(rig_.Install(board_.spec, kDrop).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(rig_.Votes(kUartVm, kUart));
  EXPECT_EQ(rig_.Error(kUartVm, SetRate(kUart, 50 * kMHz)), 0) << "all is as it was";
}

// --- What is nobody's own ---

TEST_F(PolicyReload, PinsComeAndGo) {
  board_.spec.pins = {{ResourceKind::kClock, "can0", std::nullopt, {}},
                      {ResourceKind::kDomain, "spare", std::nullopt, {}}};
  Install(kKeep);
  EXPECT_TRUE(rig_.firmware().on(kCan0));
  EXPECT_TRUE(rig_.Status(kSpareDomain).pinned);
  board_.spec.pins.erase(board_.spec.pins.begin());
  Install(kKeep);
  EXPECT_FALSE(rig_.firmware().on(kCan0));
  EXPECT_TRUE(rig_.Status(kSpareDomain).pinned);
}

TEST_F(PolicyReload, APinThatIsRefusedIsToldAndTriedAgainWithPower) {
  board_.spec.pins = {{ResourceKind::kClock, "can0", std::nullopt, {}}};
  ASSERT_TRUE(rig_.Install(board_.spec, kKeep).ok());
  while (rig_.in_flight() > 0 || rig_.core().NeedsMaintenance()) {
    if (rig_.in_flight() > 0) {
      rig_.End(Fate::kRefused);
    } else {
      rig_.Maintain();
    }
  }
  EXPECT_THAT(rig_.core().FailedPins(), ElementsAre(Resource::Of(kCan0)));
  rig_.Call(kEthVm, PowerOn(kEthDomain));
  while (rig_.core().NeedsMaintenance()) {
    rig_.Maintain();
    rig_.RunAll();
  }
  EXPECT_TRUE(rig_.Status(kCan0).pinned);
  EXPECT_THAT(rig_.core().FailedPins(), IsEmpty());
}

TEST_F(PolicyReload, APinThatAVmIsInTheWayOfStandsOnceThatHasLeft) {
  UseUart();
  board_.spec.pins = {{ResourceKind::kClock, "uart", 50 * kMHz, {}}};
  const auto settle = [this] {
    rig_.RunAll();
    while (rig_.core().NeedsMaintenance()) {
      rig_.Maintain();
      rig_.RunAll();
    }
  };
  ASSERT_TRUE(rig_.Install(board_.spec, kKeep).ok());
  settle();
  EXPECT_THAT(rig_.core().FailedPins(), ElementsAre(Resource::Of(kUart)));
  rig_.Release(kUartVm);
  settle();
  EXPECT_THAT(rig_.core().FailedPins(), IsEmpty());
  EXPECT_EQ(rig_.Status(kUart).pinned_rate_hz, 50 * kMHz);
}

TEST_F(PolicyReload, APinnedRateGoesWithoutAnEdge) {
  board_.spec.pins = {{ResourceKind::kClock, "can0", 10 * kMHz, {}}};
  Install(kKeep);
  EXPECT_EQ(rig_.Status(kCan0).pinned_rate_hz, 10 * kMHz);
  rig_.backend().ClearLog();
  board_.spec.pins[0].rate_hz.reset();
  Install(kKeep);
  EXPECT_EQ(rig_.Status(kCan0).pinned_rate_hz, std::nullopt);
  EXPECT_TRUE(rig_.Status(kCan0).pinned);
  EXPECT_TRUE(rig_.firmware().on(kCan0));
}

TEST_F(PolicyReload, RateVotesFollowTheRule) {
  // lane goes by ranges; both have it on.
  rig_.Call(kCan0Vm, Enable(kLane));
  rig_.Call(kCan1Vm, Enable(kLane));
  for (ClockRule& rule : board_.spec.clock_rules) {
    if (rule.clock == "lane") rule.policy = RatePolicy::kOwner;
  }
  for (VmSpec& vm : board_.spec.vms) vm.rate_limits.clear();
  Install(kKeep);
  EXPECT_THAT(rig_.Status(kLane).rate_votes, IsEmpty());
  EXPECT_EQ(rig_.Error(kCan0Vm, SetRate(kLane, 50 * kMHz)), kAccess);
  for (ClockRule& rule : board_.spec.clock_rules) {
    if (rule.clock == "lane") rule.policy = RatePolicy::kFirst;
  }
  Install(kKeep);
  EXPECT_EQ(rig_.Status(kLane).rate_votes.size(), 2u) << "each was told the rate";
  EXPECT_EQ(rig_.Error(kCan0Vm, SetRate(kLane, 50 * kMHz)), 0);
  EXPECT_EQ(rig_.Error(kCan1Vm, SetRate(kLane, 55 * kMHz)), kBusy) << "who was first has the lock";
  ExpectConsistent(&rig_);
}

}  // namespace
}  // namespace bpmp::core::testing
