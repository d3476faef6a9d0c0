// SPDX-License-Identifier: Apache-2.0
#include "broker/core/unclaimed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/core/testing/board_ids.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

VmSpec& Vm(PolicySpec* spec, VmId vm) { return spec->vms[vm.value() - 1]; }

// A board on which somebody had clocks on, of which the broker that starts knows nothing: one of
// uart-vm's own, one of two VMs that may keep it on, and one that the host uses.
Board AfterARestart() {
  Board board = MakeBoard();
  for (const ClockId clock : {kUart, kFuse}) {
    board.inventory.clocks[clock.value()].found_on = true;
  }
  return board;
}

std::string TextAfter(Rig* rig) { return FindUnclaimed(rig->core()).text; }

TEST(Unclaimed, SaysWhatNobodyClaimsAndWhatBecomesOfIt) {
  Rig rig(AfterARestart());
  EXPECT_EQ(TextAfter(&rig),
            "on since before this broker started, and claimed by no VM: clock uart (of uart-vm, "
            "spi-vm), power domain gpu (of gpu-vm), which stay on until their VM turns them off or "
            "is released (bpmpctl vm release VM); clock fuse (of eth-vm, gpu-vm), which are the "
            "host's now and stay on until it boots again");
  EXPECT_THAT(FindUnclaimed(rig.core()).resources,
              ElementsAre(Resource::Of(kUart), Resource::Of(kFuse), Resource::Of(kGpuDomain)));
}

TEST(Unclaimed, WhatAVmComesBackForIsClaimed) {
  Rig rig(AfterARestart());
  ASSERT_EQ(rig.Error(kUartVm, Enable(kUart)), 0);
  ASSERT_EQ(rig.Error(kGpuVm, Enable(kFuse)), 0);
  ASSERT_EQ(rig.Error(kGpuVm, PowerOn(kGpuDomain)), 0);
  EXPECT_EQ(TextAfter(&rig), "");
  EXPECT_THAT(FindUnclaimed(rig.core()).resources, IsEmpty());
}

TEST(Unclaimed, WhatNoPolicyNamesIsTheHostsOwn) {
  Rig rig(AfterARestart());
  rig.Released(kUartVm);
  rig.Released(kGpuVm);
  // "found" was found on as well.
  EXPECT_THAT(FindUnclaimed(rig.core()).resources, ElementsAre(Resource::Of(kFuse)));
  PolicySpec spec = MakeBoard().spec;
  Vm(&spec, kGuestVm).clocks = {{"found", Access::kVote, {}}};
  ASSERT_TRUE(rig.Install(spec).ok());
  EXPECT_THAT(FindUnclaimed(rig.core()).resources,
              ElementsAre(Resource::Of(kFuse), Resource::Of(kFound)));
}

TEST(Unclaimed, WhatFeedsAClaimedClockIsOnForThat) {
  Board board = AfterARestart();
  board.inventory.clocks[kClkM.value()].found_on = true;
  Vm(&board.spec, kGuestVm).clocks = {{"clk_m", Access::kVote, {}}};
  Rig rig(board);
  // The host's own clock runs from it.
  EXPECT_THAT(FindUnclaimed(rig.core()).resources,
              ElementsAre(Resource::Of(kUart), Resource::Of(kFuse), Resource::Of(kGpuDomain)));
}

}  // namespace
}  // namespace bpmp::core::testing
