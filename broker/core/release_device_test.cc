// SPDX-License-Identifier: Apache-2.0
// Releases: what a device says about its resets and clocks, and steps that fail or hang.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
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

Board WithDevice(VmId vm, const std::function<void(DeviceGrant*)>& change) {
  Board board = MakeBoard();
  change(&board.spec.vms[vm.value() - 1].devices.front());
  return board;
}

class ReleaseStepsTest : public EthFixture {
 protected:
  std::vector<Event> Steps() const {
    std::vector<Event> steps;
    std::copy_if(rig_.observer().events.begin(), rig_.observer().events.end(),
                 std::back_inserter(steps),
                 [](const Event& event) { return event.kind == EventKind::kReleaseStep; });
    return steps;
  }
};

// --- By device ---

TEST_F(ReleaseStepsTest, AResetWithoutPowerIsSkippedAndSaid) {
  rig_.Call(kEthVm, PowerOn(kEthDomain));
  rig_.Call(kEthVm, Deassert(kEthReset));
  rig_.Call(kEthVm, PowerOff(kEthDomain));
  rig_.backend().ClearLog();
  rig_.Released(kEthVm);
  EXPECT_THAT(rig_.Edges(), IsEmpty());
  ASSERT_EQ(Steps().size(), 1u);
  EXPECT_EQ(Steps()[0].resource, Resource::Of(kEthReset));
  EXPECT_EQ(Steps()[0].error, 0);
}

TEST_F(ReleaseStepsTest, AResetThatWasNeverTouchedIsLeftAlone) {
  rig_.Call(kUartVm, Assert(kUartReset));
  rig_.backend().ClearLog();
  rig_.Released(kUartVm);
  EXPECT_THAT(rig_.Edges(), IsEmpty());
}

TEST(ReleaseByDevice, ResetsGoAsTheDeviceSays) {
  const struct {
    ResetOnExit on_exit;
    std::vector<std::string> edges;
  } kCases[] = {{ResetOnExit::kAssert, {"RESET ASSERT reset 1"}},
                {ResetOnExit::kDeassert, {"RESET DEASSERT reset 1"}},
                {ResetOnExit::kPulse, {"RESET MODULE reset 1"}},
                {ResetOnExit::kLeave, {}}};
  for (const auto& test : kCases) {
    Rig rig(WithDevice(kUartVm, [&](DeviceGrant* grant) { grant->reset_on_exit = test.on_exit; }));
    rig.Call(kUartVm, Deassert(kUartReset));
    rig.backend().ClearLog();
    rig.Released(kUartVm);
    EXPECT_EQ(rig.Edges(), test.edges);
  }
}

TEST(ReleaseByDevice, ClocksMayBeLeftAsTheyAre) {
  Rig rig(
      WithDevice(kUartVm, [](DeviceGrant* grant) { grant->clock_on_exit = ClockOnExit::kLeave; }));
  rig.Call(kUartVm, SetRate(kUart, 20 * kMHz));
  rig.Released(kUartVm);
  EXPECT_EQ(rig.firmware().rate(kUart), 20 * kMHz);
}

TEST(ReleaseByDevice, AGrantPulsesTheResetOncePerLife) {
  Rig rig(WithDevice(kUartVm, [](DeviceGrant* grant) { grant->pulse_on_grant = true; }));
  EXPECT_EQ(rig.Error(kUartVm, Enable(kUart)), 0);
  EXPECT_EQ(rig.firmware().pulses(kUartReset), 1);
  rig.Call(kUartVm, Disable(kUart));
  rig.Call(kUartVm, Enable(kUart));
  EXPECT_EQ(rig.firmware().pulses(kUartReset), 1);
  rig.Released(kUartVm);
  rig.Call(kUartVm, Enable(kUart));
  EXPECT_EQ(rig.firmware().pulses(kUartReset), 2);
}

// --- Failures ---

TEST_F(ReleaseStepsTest, WhatFailsIsQuarantinedAndTheRestGoesOn) {
  UseEth();
  rig_.Release(kEthVm);
  rig_.RunUntil("CLK DISABLE clock 15");
  rig_.End(Fate::kRefused);
  rig_.RunAll();
  EXPECT_FALSE(rig_.core().IsReleasing(kEthVm));
  EXPECT_THAT(rig_.core().Quarantined(), ElementsAre(Resource::Of(kEthTx)));
  EXPECT_EQ(rig_.Status(kEthTx).quarantined_for, kEthVm);
  EXPECT_FALSE(rig_.firmware().on(kEthDomain));
  EXPECT_EQ(rig_.observer().events.back().kind, EventKind::kReleased);
  EXPECT_EQ(rig_.observer().events.back().value, 1);
}

TEST_F(ReleaseStepsTest, AResetThatCantBeAssertedLeavesTheVmFree) {
  const Resource reset = Resource::Of(kUartReset);
  rig_.Call(kUartVm, Deassert(kUartReset));
  for (int again = 0; again < 2; ++again) {  // the next release tries what this one couldn't
    rig_.Release(kUartVm);
    ASSERT_EQ(rig_.Flying(), "RESET ASSERT reset 1");
    rig_.End(Fate::kRefused);
    rig_.RunAll();
    EXPECT_THAT(rig_.core().Quarantined(), ElementsAre(reset));
    EXPECT_TRUE(rig_.core().IsFree(kUartVm)) << "nothing more is going to happen to it";
  }
  // Whoever uses it again isn't free, in quarantine or not.
  rig_.Call(kUartVm, Deassert(kUartReset));
  EXPECT_FALSE(rig_.core().IsFree(kUartVm));
  rig_.Release(kUartVm);
  rig_.End(Fate::kRefused);
  rig_.RunAll();
  EXPECT_TRUE(rig_.core().IsFree(kUartVm));
  // An administrator has done it.
  ASSERT_TRUE(rig_.ClearQuarantine(reset).ok());
  EXPECT_TRUE(rig_.core().IsFree(kUartVm));
  rig_.backend().ClearLog();
  rig_.Released(kUartVm);
  EXPECT_THAT(rig_.backend().log(), IsEmpty());
}

TEST_F(ReleaseStepsTest, AQuarantinedResourceIsNotGivenToAnother) {
  rig_.Call(kSpiVm, Enable(kUart));
  rig_.Release(kSpiVm);
  rig_.RunUntil("CLK DISABLE clock 8");
  rig_.End(Fate::kFailed);
  rig_.RunAll();
  const Ticket ticket = rig_.Ask(kUartVm, Enable(kUart));
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(ticket), kBusy);
  EXPECT_EQ(rig_.Of(ticket).reason, Reason::kQuarantined);
  EXPECT_TRUE(rig_.ClearQuarantine(Resource::Of(kUart)).ok());
  rig_.RunAll();
  EXPECT_EQ(rig_.Error(kUartVm, Enable(kUart)), 0);
  ExpectConsistent(&rig_);
}

TEST_F(ReleaseStepsTest, DoesNotWaitForATransferThatHangs) {
  UseEth();
  rig_.Release(kEthVm);
  rig_.RunUntil("CLK DISABLE clock 14");
  const std::string hanging = rig_.Flying();
  rig_.Overdue();
  // Everything else goes on beside it.
  while (rig_.in_flight() > 1) rig_.End(Fate::kPerformed, mrq::Error::kIo, rig_.in_flight() - 1);
  EXPECT_EQ(rig_.Flying(), hanging);
  EXPECT_FALSE(rig_.core().IsReleasing(kEthVm));
  EXPECT_FALSE(rig_.firmware().on(kEthDomain));
  EXPECT_THAT(rig_.core().Quarantined(), ::testing::Contains(Resource::Of(kEthApp)));
  ASSERT_FALSE(Steps().empty());
  for (const Event& step : Steps()) {
    EXPECT_EQ(step.reason, Reason::kTimedOut) << "it didn't refuse: it never answered";
  }
  rig_.RunAll();
  EXPECT_FALSE(rig_.firmware().on(kEthApp));
}

TEST_F(ReleaseStepsTest, StillTurnsOffWhatALostEnableTurnedOn) {
  const Ticket ticket = rig_.Ask(kUartVm, Enable(kUart));
  rig_.Release(kUartVm);
  EXPECT_EQ(rig_.ErrorOf(ticket), kAgain);
  rig_.End(Fate::kLostDone);
  rig_.RunAll();
  EXPECT_FALSE(rig_.core().IsReleasing(kUartVm));
  EXPECT_FALSE(rig_.firmware().on(kUart));
  ExpectConsistent(&rig_);
}

}  // namespace
}  // namespace bpmp::core::testing
