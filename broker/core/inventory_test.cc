// SPDX-License-Identifier: Apache-2.0
// What Sanitize() repairs in a firmware's description, one repair a test, and that it leaves a
// sound one alone.
#include "broker/core/inventory.h"

#include <string>
#include <vector>

#include "broker/core/testing/board.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Clocks 1 to 4, named a to d; 0 is a hole.
class SanitizeTest : public ::testing::Test {
 protected:
  SanitizeTest() {
    inventory_.clocks.resize(5);
    for (const uint32_t id : {1u, 2u, 3u, 4u}) {
      inventory_.clocks[id].name = std::string(1, static_cast<char>('a' + id - 1));
    }
    inventory_.max_reset_id = 3;
  }

  ClockInfo& Clock(uint32_t id) { return inventory_.clocks[id]; }
  std::string& Name(uint32_t id) { return Clock(id).name; }
  // The first is the current one.
  void Feed(uint32_t id, std::vector<ClockId> parents) {
    Clock(id).parent = parents.front();
    Clock(id).parents = std::move(parents);
  }
  std::vector<std::string> Sanitize() { return core::Sanitize(&inventory_); }

  Inventory inventory_;
};

TEST(SanitizeBoard, LeavesASoundOneAlone) {
  Board board = MakeBoard();
  EXPECT_THAT(Sanitize(&board.inventory), IsEmpty());
  EXPECT_EQ(board.inventory.clocks[kUart.value()].parents,
            MakeBoard().inventory.clocks[kUart.value()].parents);
}

// --- Sizes ---

TEST_F(SanitizeTest, IdsEndAtTheMaxima) {
  inventory_.clocks.resize(kMaxClockId + 2);
  inventory_.domains.resize(kMaxDomainId + 2);
  inventory_.max_reset_id = kMaxResetId + 1;
  EXPECT_THAT(Sanitize(), ElementsAre("clocks above id 1023 are ignored",
                                      "power domains above id 255 are ignored",
                                      "resets above id 1023 are ignored"));
  EXPECT_EQ(inventory_.clocks.size(), kMaxClockId + 1);
  EXPECT_EQ(inventory_.domains.size(), kMaxDomainId + 1);
  EXPECT_EQ(inventory_.max_reset_id, kMaxResetId);
  EXPECT_THAT(Sanitize(), IsEmpty());
}

// --- Names ---

TEST_F(SanitizeTest, ALongNameIsCut) {
  Name(1) = std::string(40, 'x');
  Name(2) = std::string(39, 'y');
  EXPECT_THAT(Sanitize(), ElementsAre("clock 1 is shown as '" + std::string(39, 'x') + "'"));
  EXPECT_EQ(Name(2).size(), 39u);
}

TEST_F(SanitizeTest, WhatDoesNotPrintIsReplaced) {
  Name(1) = "a b\n\x7f\xc3";
  EXPECT_THAT(Sanitize(), ElementsAre("clock 1 is shown as 'a_b___'"));
  EXPECT_EQ(Name(1), "a_b___");
}

TEST_F(SanitizeTest, ASecondOfOneNameGetsItsIdBehind) {
  Name(3) = "a";
  Name(4) = "a";
  EXPECT_THAT(Sanitize(), ElementsAre("clock 3 is shown as 'a_3'", "clock 4 is shown as 'a_4'"));
}

TEST_F(SanitizeTest, AMadeUpNameIsUniqueToo) {
  Name(1) = "a_3";
  Name(2) = "a";
  Name(3) = "a";
  EXPECT_THAT(Sanitize(), ElementsAre("clock 3 is shown as 'a_3_1'"));
}

TEST_F(SanitizeTest, ALongMadeUpNameIsUniqueToo) {
  const std::string longest(39, 'x');
  Name(1) = longest.substr(2) + "_3";
  Name(2) = longest;
  Name(3) = longest;
  EXPECT_THAT(Sanitize(), ElementsAre("clock 3 is shown as '" + longest.substr(4) + "_3_1'"));
}

TEST_F(SanitizeTest, DomainsHaveNamesOfTheirOwn) {
  inventory_.domains.resize(3);
  inventory_.domains[0].name = "a";
  inventory_.domains[2].name = "a";
  EXPECT_THAT(Sanitize(), ElementsAre("power domain 2 is shown as 'a_2'"));
  EXPECT_FALSE(inventory_.domains[1].exists());
  EXPECT_EQ(Name(1), "a");
}

// --- Parents ---

TEST_F(SanitizeTest, AParentThatIsNoClockMakesARoot) {
  for (const uint32_t parent : {0u, 2u, 5u, 0xffffffu}) {
    Clock(2).parent = ClockId(parent);
    Clock(2).parents = {};
    EXPECT_THAT(Sanitize(), ElementsAre("clock 2 (b): its parent doesn't exist; taken as a root"));
    EXPECT_EQ(Clock(2).parent, std::nullopt);
  }
}

TEST_F(SanitizeTest, ACandidateThatIsNoClockIsDropped) {
  Feed(2, {ClockId(1), ClockId(0), ClockId(2), ClockId(5)});
  EXPECT_THAT(Sanitize(), ElementsAre("clock 2 (b): candidate parent 0 doesn't exist",
                                      "clock 2 (b): candidate parent 2 doesn't exist",
                                      "clock 2 (b): candidate parent 5 doesn't exist"));
  EXPECT_EQ(Clock(2).parent, ClockId(1));
  EXPECT_THAT(Clock(2).parents, ElementsAre(ClockId(1)));
}

TEST_F(SanitizeTest, TheCurrentParentIsACandidate) {
  Feed(4, {ClockId(2), ClockId(3)});
  Clock(4).parent = ClockId(1);
  Sanitize();
  EXPECT_EQ(Clock(4).parent, ClockId(1));
  EXPECT_THAT(Clock(4).parents, ElementsAre(ClockId(1), ClockId(2), ClockId(3)));
}

TEST_F(SanitizeTest, TheFirmwaresOrderIsKeptAndEachIsOnce) {
  Feed(4, {ClockId(3), ClockId(1), ClockId(3), ClockId(2), ClockId(1)});
  Clock(4).parent = ClockId(2);
  Sanitize();
  EXPECT_THAT(Clock(4).parents, ElementsAre(ClockId(3), ClockId(1), ClockId(2)));
}

TEST_F(SanitizeTest, SixteenCandidatesRemainAndTheCurrentOneIsAmongThem) {
  inventory_.clocks.resize(25);
  std::vector<ClockId> parents;
  for (uint32_t id = 5; id < 25; ++id) {
    Name(id) = "p" + std::to_string(id);
    parents.emplace_back(id);
  }
  Feed(1, parents);
  Clock(1).parent = ClockId(24);
  EXPECT_THAT(Sanitize(), ElementsAre("clock 1 (a): it has more than 16 candidate parents"));
  EXPECT_EQ(Clock(1).parents.size(), 16u);
  EXPECT_EQ(Clock(1).parents.front(), ClockId(5));
  EXPECT_EQ(Clock(1).parents.back(), ClockId(24));
}

TEST_F(SanitizeTest, AHoleHasNoParents) {
  Clock(0).parent = ClockId(1);
  Clock(0).parents = {ClockId(1), ClockId(4000)};
  EXPECT_THAT(Sanitize(), IsEmpty());
  EXPECT_THAT(Clock(0).parents, IsEmpty());
  EXPECT_EQ(Clock(0).parent, std::nullopt);
}

// --- Cycles ---

TEST_F(SanitizeTest, ACycleOfCurrentParentsIsCut) {
  Feed(1, {ClockId(3)});
  Feed(2, {ClockId(1)});
  Feed(3, {ClockId(2)});
  EXPECT_THAT(Sanitize(), ElementsAre("clock 2 (b): candidate parent 1 would close a cycle"));
  EXPECT_EQ(Clock(1).parent, ClockId(3));
  EXPECT_EQ(Clock(2).parent, std::nullopt);
  EXPECT_EQ(Clock(3).parent, ClockId(2));
}

// Linux follows candidates too.
TEST_F(SanitizeTest, ACycleOverCandidatesIsCut) {
  Feed(1, {ClockId(2)});
  Feed(2, {ClockId(3), ClockId(1)});
  EXPECT_THAT(Sanitize(), ElementsAre("clock 2 (b): candidate parent 1 would close a cycle"));
  EXPECT_EQ(Clock(2).parent, ClockId(3));
  EXPECT_THAT(Clock(2).parents, ElementsAre(ClockId(3)));
}

TEST_F(SanitizeTest, ACommonAncestorIsNoCycle) {
  Feed(1, {ClockId(2), ClockId(3)});
  Feed(2, {ClockId(4)});
  Feed(3, {ClockId(4), ClockId(2)});
  EXPECT_THAT(Sanitize(), IsEmpty());
  EXPECT_THAT(Clock(1).parents, UnorderedElementsAre(ClockId(2), ClockId(3)));
}

TEST_F(SanitizeTest, WhatIsRepairedIsSound) {
  Feed(1, {ClockId(2), ClockId(1), ClockId(9)});
  Feed(2, {ClockId(1), ClockId(3)});
  Feed(3, {ClockId(2), ClockId(0)});
  Name(4) = "a";
  EXPECT_FALSE(Sanitize().empty());
  EXPECT_THAT(Sanitize(), IsEmpty());
}

}  // namespace
}  // namespace bpmp::core::testing
