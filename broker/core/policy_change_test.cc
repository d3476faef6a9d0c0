// SPDX-License-Identifier: Apache-2.0
// A new policy while the broker runs: what waits is judged by it, and what was found on goes to its
// new owner.
#include <cstdint>

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

VmSpec& Vm(PolicySpec* spec, VmId vm) { return spec->vms[vm.value() - 1]; }

TEST(PolicyChange, AnEdgeThatWaitedIsJudgedWhenItsTurnComes) {
  Rig rig(PairBoard());  // nvdec-vm may vote on vic
  rig.Call(kVicVm, Enable(kVic));
  rig.Ask(kVicVm, Disable(kVic));
  const Ticket ticket = rig.Ask(kNvdecVm, Enable(kVic));
  EXPECT_FALSE(rig.Answered(ticket));
  EXPECT_TRUE(rig.Install(MakeBoard().spec).ok());  // and now it may not
  rig.RunAll();
  ASSERT_TRUE(rig.Answered(ticket));
  EXPECT_EQ(rig.ErrorOf(ticket), kAccess);
  EXPECT_EQ(rig.Of(ticket).reason, Reason::kNotPermitted);
  EXPECT_THAT(rig.Holders(kVic), IsEmpty());
  EXPECT_FALSE(rig.firmware().on(kVic));
  ExpectConsistent(&rig);
}

TEST(PolicyChange, AResetThatWaitedIsJudgedWhenItsTurnComes) {
  Rig rig;
  const Ticket first = rig.Ask(kUartVm, Deassert(kUartReset));
  const Ticket second = rig.Ask(kUartVm, Assert(kUartReset));
  EXPECT_FALSE(rig.Answered(second));
  PolicySpec spec = MakeBoard().spec;
  Vm(&spec, kUartVm).devices.clear();
  EXPECT_TRUE(rig.Install(spec).ok());
  rig.RunAll();
  EXPECT_EQ(rig.ErrorOf(first), 0);
  ASSERT_TRUE(rig.Answered(second));
  EXPECT_EQ(rig.ErrorOf(second), kAccess);
  EXPECT_EQ(rig.firmware().asserted(kUartReset), false);
}

TEST(PolicyChange, WhatWasFoundOnGoesToItsNewOwner) {
  Rig rig;
  EXPECT_THAT(rig.Holders(kFound), ElementsAre(kHost));
  PolicySpec spec = MakeBoard().spec;
  Vm(&spec, kGuestVm).clocks = {{"found", Access::kExclusive, {}}};
  EXPECT_TRUE(rig.Install(spec).ok());
  EXPECT_TRUE(rig.Status(kFound).residue);
  EXPECT_FALSE(rig.Status(kFound).found_on);
  EXPECT_THAT(rig.Holders(kFound), IsEmpty());
  EXPECT_TRUE(rig.firmware().on(kFound));
  EXPECT_EQ(rig.Error(kGuestVm, Disable(kFound)), 0);
  EXPECT_FALSE(rig.firmware().on(kFound));
}

TEST(PolicyChange, WhatAVoterOnlyVotesOnStaysTheHosts) {
  Rig rig;
  PolicySpec spec = MakeBoard().spec;
  Vm(&spec, kGuestVm).clocks = {{"found", Access::kVote, {}}};
  EXPECT_TRUE(rig.Install(spec).ok());
  EXPECT_THAT(rig.Holders(kFound), ElementsAre(kHost));
}

}  // namespace
}  // namespace bpmp::core::testing
