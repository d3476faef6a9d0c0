// SPDX-License-Identifier: Apache-2.0
// What was found on, where the backend counts the host's own use apart: it may be on by the host
// alone, so a vote is only a vote once the backend has been told.
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
using ::testing::UnorderedElementsAre;
using Fate = FakeBackend::Fate;

// Where the guest's VM and, if it isn't the guest's own, another may use it.
Board BoardWhere(Access access) {
  Board board = MakeBoard();
  for (const VmId vm : {kGuestVm, kVicVm}) {
    if (access == Access::kExclusive && vm != kGuestVm) continue;
    board.spec.vms[vm.value() - 1].clocks = {{"found", access, {}}};
  }
  return board;
}

class FoundOn : public ::testing::Test {
 protected:
  static constexpr Options kApart = {.host_counts_apart = true};

  Rig rig_{BoardWhere(Access::kVote), kApart};
};

TEST_F(FoundOn, TheFirstVoteIsAnEdgeAndTheNextIsNone) {
  EXPECT_EQ(rig_.Error(kGuestVm, Enable(kFound)), 0);
  EXPECT_THAT(rig_.Edges(), ElementsAre("CLK ENABLE clock 25"));
  EXPECT_EQ(rig_.Error(kVicVm, Enable(kFound)), 0);
  EXPECT_THAT(rig_.Edges(), ElementsAre("CLK ENABLE clock 25"));
  EXPECT_THAT(rig_.Holders(kFound), UnorderedElementsAre(kHost, kGuestVm, kVicVm));
  ExpectConsistent(&rig_);
}

TEST_F(FoundOn, ThoseWhoAskMeanwhileShareTheEdge) {
  const Ticket first = rig_.Ask(kGuestVm, Enable(kFound));
  const Ticket second = rig_.Ask(kVicVm, Enable(kFound));
  EXPECT_EQ(rig_.Of(first).kind, Decision::Kind::kRun);
  EXPECT_EQ(rig_.Of(second).kind, Decision::Kind::kWait);
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(first), 0);
  EXPECT_EQ(rig_.ErrorOf(second), 0);
  EXPECT_THAT(rig_.Edges(), ElementsAre("CLK ENABLE clock 25"));
}

TEST_F(FoundOn, WhereTheBackendFailsThereIsNoVoteAndTheNextAsksAgain) {
  const Ticket first = rig_.Ask(kGuestVm, Enable(kFound));
  rig_.End(Fate::kFailed);
  rig_.RunAll();
  EXPECT_NE(rig_.ErrorOf(first), 0);
  EXPECT_THAT(rig_.Holders(kFound), ElementsAre(kHost));
  EXPECT_EQ(rig_.Status(kFound).gate, GateState::kOn);
  EXPECT_EQ(rig_.Error(kGuestVm, Enable(kFound)), 0);
  EXPECT_THAT(rig_.Edges(), ElementsAre("CLK ENABLE clock 25", "CLK ENABLE clock 25"));
}

// What is read back is what the host has on, perhaps.
TEST_F(FoundOn, WhereTheAnswerIsLostThereIsNoVoteAndTheNextAsksAgain) {
  const Ticket first = rig_.Ask(kGuestVm, Enable(kFound));
  rig_.End(Fate::kLostUndone);
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(first), -static_cast<int>(mrq::Error::kTimedOut));
  EXPECT_THAT(rig_.Holders(kFound), ElementsAre(kHost));
  EXPECT_EQ(rig_.Status(kFound).gate, GateState::kOn);
  EXPECT_EQ(rig_.Error(kGuestVm, Enable(kFound)), 0);
  EXPECT_THAT(rig_.Edges(), ElementsAre("CLK ENABLE clock 25", "CLK ENABLE clock 25"));
  EXPECT_THAT(rig_.Holders(kFound), UnorderedElementsAre(kHost, kGuestVm));
}

TEST_F(FoundOn, WhatWasDoneThoughItsAnswerIsLostIsDoneOnceMore) {
  rig_.Ask(kGuestVm, Enable(kFound));
  rig_.End(Fate::kLostDone);
  rig_.RunAll();
  EXPECT_THAT(rig_.Holders(kFound), ElementsAre(kHost));
  EXPECT_EQ(rig_.Error(kGuestVm, Enable(kFound)), 0);
  EXPECT_THAT(rig_.Holders(kFound), UnorderedElementsAre(kHost, kGuestVm));
  ExpectConsistent(&rig_);
}

TEST_F(FoundOn, APinIsAnEdgeToo) {
  EXPECT_EQ(rig_.Error(kHost, Enable(kFound)), 0);
  EXPECT_THAT(rig_.Edges(), ElementsAre("CLK ENABLE clock 25"));
}

TEST_F(FoundOn, WhatAVmOwnsIsAnEdgeBothWays) {
  Rig rig(BoardWhere(Access::kExclusive), kApart);
  EXPECT_EQ(rig.Error(kGuestVm, Enable(kFound)), 0);
  EXPECT_EQ(rig.Error(kGuestVm, Disable(kFound)), 0);
  EXPECT_THAT(rig.Edges(), ElementsAre("CLK ENABLE clock 25", "CLK DISABLE clock 25"));
  EXPECT_THAT(rig.Holders(kFound), IsEmpty());
  // From here on it is a clock like others.
  EXPECT_EQ(rig.Error(kGuestVm, Enable(kFound)), 0);
  EXPECT_EQ(rig.Edges().size(), 3U);
}

TEST(FoundOnElsewhere, TheFirstVoteIsNoEdge) {
  Rig rig(BoardWhere(Access::kVote));
  EXPECT_EQ(rig.Error(kGuestVm, Enable(kFound)), 0);
  EXPECT_THAT(rig.Edges(), IsEmpty());
}

}  // namespace
}  // namespace bpmp::core::testing
