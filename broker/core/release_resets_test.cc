// SPDX-License-Identifier: Apache-2.0
// Resets when a VM comes and goes: what is no failure, what is not left behind, what is not pulsed.
#include <string>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Fate = FakeBackend::Fate;

Board With(VmId vm, ResetOnExit on_exit, bool pulse_on_grant) {
  Board board = MakeBoard();
  DeviceGrant& grant = board.spec.vms[vm.value() - 1].devices.front();
  grant.reset_on_exit = on_exit;
  grant.pulse_on_grant = pulse_on_grant;
  return board;
}

// Releases a VM whose one reset the firmware refuses to assert.
void ReleaseRefused(Rig* rig, VmId vm, mrq::Error error) {
  rig->Release(vm);
  rig->End(Fate::kRefused, error);
  rig->RunAll();
  EXPECT_FALSE(rig->core().IsReleasing(vm));
}

// --- ENOTSUP ---

TEST(ReleaseResets, ABlockThatMayBeUnpoweredIsNoFailure) {
  Rig rig;
  rig.Call(kUartVm, Deassert(kUartReset));  // no domain of uart's is known
  ReleaseRefused(&rig, kUartVm, mrq::Error::kNotSup);
  EXPECT_THAT(rig.core().Quarantined(), IsEmpty());
  EXPECT_EQ(rig.observer().events.back().kind, EventKind::kReleased);
  EXPECT_EQ(rig.observer().events.back().value, 0);
  rig.backend().ClearLog();
  rig.Released(kUartVm);
  EXPECT_THAT(rig.Edges(), IsEmpty());
}

TEST(ReleaseResets, ABlockThatHasPowerIsAFailure) {
  Rig rig;
  rig.Call(kEthVm, PowerOn(kEthDomain));
  rig.Call(kEthVm, Deassert(kEthReset));
  ReleaseRefused(&rig, kEthVm, mrq::Error::kNotSup);
  EXPECT_THAT(rig.core().Quarantined(), ElementsAre(Resource::Of(kEthReset)));
}

TEST(ReleaseResets, AnyOtherErrorIsAFailure) {
  Rig rig;
  rig.Call(kUartVm, Deassert(kUartReset));
  ReleaseRefused(&rig, kUartVm, mrq::Error::kIo);
  EXPECT_THAT(rig.core().Quarantined(), ElementsAre(Resource::Of(kUartReset)));
}

TEST(ReleaseResets, ENotSupIsTheVmsToSeeWhenItAsked) {
  Rig rig;
  const Ticket ticket = rig.Ask(kUartVm, Deassert(kUartReset));
  rig.End(Fate::kRefused, mrq::Error::kNotSup);
  EXPECT_EQ(rig.ErrorOf(ticket), -134);
}

// --- Marks ---

// A release that deasserts or pulses is not what the next one has to undo.
TEST(ReleaseResets, WhatAReleaseDidIsNotTheVmsDoing) {
  for (const ResetOnExit on_exit :
       {ResetOnExit::kAssert, ResetOnExit::kDeassert, ResetOnExit::kPulse}) {
    Rig rig(With(kUartVm, on_exit, false));
    rig.Call(kUartVm, Deassert(kUartReset));
    rig.backend().ClearLog();
    rig.Released(kUartVm);
    EXPECT_EQ(rig.Edges().size(), 1u);
    rig.backend().ClearLog();
    rig.Released(kUartVm);
    EXPECT_THAT(rig.Edges(), IsEmpty());
  }
}

TEST(ReleaseResets, AVmThatIsGoneWantsNoSharedResetDeasserted) {
  Rig rig(With(kVicVm, ResetOnExit::kDeassert, false));
  rig.Call(kVicVm, PowerOn(kVideoDomain));
  rig.Call(kVicVm, Deassert(kVideoReset));
  rig.Released(kVicVm);
  EXPECT_EQ(rig.Error(kNvdecVm, Assert(kVideoReset)), 0);
  EXPECT_EQ(rig.firmware().asserted(kVideoReset), true);
}

// --- Grants ---

TEST(GrantPulses, AreNotForResetsOfOthersToo) {
  Rig rig(With(kVicVm, ResetOnExit::kAssert, true));
  rig.Call(kNvdecVm, Deassert(kVideoReset));
  EXPECT_EQ(rig.Error(kVicVm, PowerOn(kVideoDomain)), 0);
  EXPECT_EQ(rig.firmware().pulses(kVideoReset), 0);
}

TEST(GrantPulses, AreForAllResetsOfTheDeviceAlone) {
  Rig rig(With(kEthVm, ResetOnExit::kAssert, true));
  EXPECT_EQ(rig.Error(kEthVm, Enable(kEthApp)), 0);  // its power is the first use, not its clock
  EXPECT_EQ(rig.firmware().pulses(kEthReset), 0);
  EXPECT_EQ(rig.Error(kEthVm, PowerOn(kEthDomain)), 0);
  EXPECT_EQ(rig.firmware().pulses(kEthReset), 1);
  EXPECT_EQ(rig.firmware().pulses(kEthPcsReset), 1);
}

}  // namespace
}  // namespace bpmp::core::testing
