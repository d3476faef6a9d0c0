// SPDX-License-Identifier: Apache-2.0
// The closure over ancestors, and what a VM is shown where names are hidden from it.
#include <optional>
#include <string>
#include <vector>

#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Board Hiding() {
  Board board = MakeBoard();
  for (VmSpec& vm : board.spec.vms) vm.hide_ids = true;
  return board;
}

class ViewTest : public ::testing::Test {
 protected:
  explicit ViewTest(Board board = Hiding()) : rig_(std::move(board)) {}

  std::optional<mrq::ClkInfo> Info(VmId vm, ClockId clock) {
    const mrq::Response response = rig_.Call(vm, GetInfo(clock));
    if (!response.ok()) {
      EXPECT_EQ(response.error, kInval);
      return std::nullopt;
    }
    return *mrq::ReadClkInfo(response);
  }
  std::vector<ClockId> Shown(VmId vm) {
    std::vector<ClockId> shown;
    for (uint32_t id = 0; id < kClockCount; ++id) {
      if (Info(vm, ClockId(id))) shown.emplace_back(id);
    }
    return shown;
  }
  std::vector<ClockId> Parents(VmId vm, ClockId clock) {
    const auto info = Info(vm, clock);
    if (!info) return {};
    return {info->parents.begin(), info->parents.begin() + info->num_parents};
  }
  Access Of(VmId vm, ClockId clock) { return rig_.core().GrantOf(vm, Resource::Of(clock)).access; }

  Rig rig_;
};

// --- The closure ---

// guest-vm votes on uart, a mux whose candidates it is not given.
class VoterTest : public ViewTest {
 protected:
  static Board Voting() {
    Board board = Hiding();
    board.spec.vms[kGuestVm.value() - 1].clocks = {{"uart", Access::kVote, {}}};
    return board;
  }
  VoterTest() : ViewTest(Voting()) {}
};

TEST_F(VoterTest, AVoteReachesTheCurrentParentsAlone) {
  EXPECT_THAT(Shown(kGuestVm), ElementsAre(kOsc, kPllA, kPllADiv, kUart));
  for (const ClockId ancestor : {kPllADiv, kPllA, kOsc}) {
    EXPECT_EQ(Of(kGuestVm, ancestor), Access::kVote) << ancestor.value();
  }
  for (const ClockId other : {kPllBDiv, kPllB, kClkM}) {
    EXPECT_EQ(Of(kGuestVm, other), Access::kNone) << other.value();
  }
}

TEST_F(VoterTest, AVoteFollowsTheParentThatAnotherChooses) {
  EXPECT_EQ(rig_.Error(kUartVm, SetParent(kUart, kPllBDiv)), 0);
  EXPECT_THAT(Shown(kGuestVm), ElementsAre(kOsc, kPllB, kPllBDiv, kUart));
  EXPECT_THAT(Parents(kGuestVm, kUart), ElementsAre(kPllBDiv));
}

TEST_F(ViewTest, ExclusiveReachesAllCandidates) {
  for (const ClockId ancestor : {kPllADiv, kPllA, kPllBDiv, kPllB, kClkM, kOsc}) {
    EXPECT_EQ(Of(kUartVm, ancestor), Access::kVote) << ancestor.value();
    EXPECT_TRUE(rig_.core().GrantOf(kUartVm, Resource::Of(ancestor)).derived);
  }
  EXPECT_EQ(Of(kUartVm, kUart), Access::kExclusive);
}

// --- Hidden names ---

TEST_F(ViewTest, HiddenIsAllThatItMayNotUse) {
  EXPECT_THAT(Shown(kUartVm), ElementsAre(kOsc, kClkM, kPllA, kPllB, kPllADiv, kPllBDiv, kUart));
  EXPECT_THAT(Shown(kGuestVm), ElementsAre(kUart));  // `get`
}

TEST_F(ViewTest, HiddenAndAbsentAreAnsweredAlike) {
  for (const ClockId clock : {kGpu, kHole, ClockId(kClockCount)}) {
    for (const mrq::Request& request :
         {GetInfo(clock), GetRate(clock), GetParent(clock), IsEnabled(clock), RoundRate(clock, 1),
          SetRate(clock, 1), SetParent(clock, kClkM)}) {
      EXPECT_EQ(rig_.Error(kUartVm, request), kInval) << mrq::Describe(request);
    }
  }
}

TEST_F(ViewTest, AMuxShowsTheCandidatesAndTheyAreShown) {
  EXPECT_THAT(Parents(kUartVm, kUart), ElementsAre(kPllADiv, kPllBDiv, kClkM));
}

// The Linux clock driver crashes on a parent that was no clock when it looked.
TEST_F(ViewTest, NoParentThatIsShownIsHidden) {
  for (uint32_t vm = 1; vm < kAgents; ++vm) {
    for (const ClockId clock : Shown(VmId(vm))) {
      const mrq::ClkInfo info = *Info(VmId(vm), clock);
      EXPECT_TRUE(info.parent == ClockId() || Info(VmId(vm), info.parent)) << clock.value();
      for (const ClockId parent : Parents(VmId(vm), clock)) {
        EXPECT_TRUE(Info(VmId(vm), parent)) << clock.value() << " of vm " << vm;
      }
    }
  }
}

TEST_F(ViewTest, WithAHiddenParentAClockLooksLikeARoot) {
  const mrq::ClkInfo info = *Info(kGuestVm, kUart);
  EXPECT_EQ(info.parent, ClockId());
  EXPECT_THAT(Parents(kGuestVm, kUart), IsEmpty());
  EXPECT_EQ(info.flags & mrq::clk_flag::kHasMux, 0u);
}

class ShownTest : public ViewTest {
 protected:
  ShownTest() : ViewTest(MakeBoard()) {}
};

TEST_F(ShownTest, WithoutHidingAllThatExistsIsShown) {
  EXPECT_EQ(Shown(kGuestVm).size(), kClockCount - 2);  // two holes
  EXPECT_THAT(Parents(kGuestVm, kUart), ElementsAre(kPllADiv));
}

}  // namespace
}  // namespace bpmp::core::testing
