// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/clock_tree.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::backend::sim {
namespace {

using ::testing::HasSubstr;

constexpr ClockId kOsc{1};
constexpr ClockId kFixedPll{2};
constexpr ClockId kPll{3};  // tunable, 300 MHz
constexpr ClockId kOut{4};  // its output: a third
constexpr ClockId kLeftMux{5};
constexpr ClockId kRight{6};
constexpr ClockId kGate{7};

ClockSpec Own(ClockId id, std::string_view name, ClockKind kind, RateSource source, int64_t hz,
              std::vector<ClockId> parents = {}) {
  ClockSpec spec;
  spec.id = id;
  spec.name = name;
  spec.kind = kind;
  spec.source = source;
  spec.rate_hz = hz;
  spec.parents = std::move(parents);
  return spec;
}

ClockSpec Derived(ClockId id, std::string_view name, ClockKind kind, uint32_t numerator,
                  uint32_t denominator, std::vector<ClockId> parents) {
  ClockSpec spec;
  spec.id = id;
  spec.name = name;
  spec.kind = kind;
  spec.source = kind == ClockKind::kMux || kind == ClockKind::kDivider ? RateSource::kDivider
                                                                       : RateSource::kRatio;
  spec.numerator = numerator;
  spec.denominator = denominator;
  spec.parents = std::move(parents);
  return spec;
}

// osc ─┬─ fixed PLL (100 MHz) ─ ─ ─ (candidate) ─ ─ ┐
//      └─ PLL (tunable, 300 MHz) ── out (100 MHz) ─┬┴ left (mux, /2) ── gate
//                                                  └─ right (/4)
std::vector<ClockSpec> SmallTree() {
  return {
      Own(kOsc, "osc", ClockKind::kInput, RateSource::kRoot, 10'000'000),
      Own(kFixedPll, "fixed", ClockKind::kPll, RateSource::kFixed, 100'000'000, {kOsc}),
      Own(kPll, "pll", ClockKind::kPll, RateSource::kTunable, 300'000'000, {kOsc}),
      Derived(kOut, "out", ClockKind::kPll, 1, 3, {kPll}),
      Derived(kLeftMux, "left", ClockKind::kMux, 2, 4, {kOut, kFixedPll, kOsc}),
      Derived(kRight, "right", ClockKind::kDivider, 2, 8, {kOut}),
      Derived(kGate, "gate", ClockKind::kGate, 1, 1, {kLeftMux}),
  };
}

ClockTree Tree() {
  auto tree = ClockTree::Create(SmallTree());
  EXPECT_TRUE(tree.ok()) << tree.status();
  return *std::move(tree);
}

TEST(ClockTreeTest, SettlesRatesFlagsAndParents) {
  const ClockTree tree = Tree();
  EXPECT_EQ(tree.rate(kOut), 100'000'000);
  EXPECT_EQ(tree.rate(kLeftMux), 50'000'000);
  EXPECT_EQ(tree.rate(kGate), 50'000'000);
  EXPECT_EQ(tree.rate(kRight), 25'000'000);
  EXPECT_EQ(tree.parent(kLeftMux), kOut);
  EXPECT_EQ(tree.flags(kOsc), mrq::clk_flag::kIsRoot);
  EXPECT_EQ(tree.flags(kLeftMux), mrq::clk_flag::kHasMux | mrq::clk_flag::kHasSetRate);
  EXPECT_EQ(tree.flags(kRight), mrq::clk_flag::kHasSetRate);
  EXPECT_EQ(tree.flags(kPll), mrq::clk_flag::kHasSetRate);
  EXPECT_EQ(tree.flags(kOut), 0u);
  EXPECT_EQ(tree.flags(kGate), 0u);
  EXPECT_EQ(tree.max_id(), kGate);
  EXPECT_FALSE(tree.Has(ClockId(0)));
  EXPECT_FALSE(tree.Has(ClockId(8)));
}

TEST(ClockTreeTest, AVoteRunsTheAncestorsWithoutVotesOfTheirs) {
  ClockTree tree = Tree();
  tree.Vote(kGate, true);
  for (const ClockId id : {kGate, kLeftMux, kOut, kPll, kOsc}) {
    EXPECT_TRUE(tree.running(id)) << ToString(id);
    EXPECT_EQ(tree.voted(id), id == kGate) << ToString(id);
  }
  EXPECT_FALSE(tree.running(kRight));
  tree.Vote(kGate, false);
  for (const ClockId id : {kGate, kLeftMux, kOut, kPll, kOsc}) {
    EXPECT_FALSE(tree.running(id)) << ToString(id);
  }
}

TEST(ClockTreeTest, AParentRunsOnUnderARunningChild) {
  ClockTree tree = Tree();
  tree.Vote(kOut, true);
  tree.Vote(kGate, true);
  tree.Vote(kOut, false);
  EXPECT_FALSE(tree.voted(kOut));
  EXPECT_TRUE(tree.running(kOut));
  tree.Vote(kGate, false);
  EXPECT_FALSE(tree.running(kOut));
}

TEST(ClockTreeTest, VotesAreStatesAndNotCounts) {
  ClockTree tree = Tree();
  tree.Vote(kGate, true);
  tree.Vote(kGate, true);
  tree.Vote(kGate, false);
  EXPECT_FALSE(tree.running(kOsc));
  tree.Vote(kGate, false);
  EXPECT_FALSE(tree.running(kOsc));
}

TEST(ClockTreeTest, SetParentMovesRateAndWhatRuns) {
  ClockTree tree = Tree();
  tree.Vote(kGate, true);
  EXPECT_TRUE(tree.SetParent(kLeftMux, kOsc));
  EXPECT_EQ(tree.parent(kLeftMux), kOsc);
  EXPECT_EQ(tree.rate(kGate), 5'000'000);
  EXPECT_FALSE(tree.running(kOut));
  EXPECT_TRUE(tree.running(kOsc));
  // What has moved away follows its old parent no more.
  tree.SetRate(kPll, 330'000'000);
  EXPECT_EQ(tree.rate(kGate), 5'000'000);
}

TEST(ClockTreeTest, SetParentTakesCandidatesOnly) {
  ClockTree tree = Tree();
  EXPECT_FALSE(tree.SetParent(kLeftMux, kPll));
  EXPECT_FALSE(tree.SetParent(kLeftMux, ClockId(99)));
  EXPECT_FALSE(tree.SetParent(kRight, kOsc));
  EXPECT_FALSE(tree.SetParent(kOsc, ClockId(0)));
  EXPECT_TRUE(tree.SetParent(kRight, kOut));
  EXPECT_EQ(tree.parent(kLeftMux), kOut);
}

TEST(ClockTreeTest, RatesAreRoundedDownToHalfSteps) {
  ClockTree tree = Tree();
  ASSERT_TRUE(tree.SetParent(kLeftMux, kFixedPll));  // 100 MHz, which nothing moves
  const std::pair<int64_t, int64_t> cases[] = {
      {100'000'000, 100'000'000}, {999'000'000, 100'000'000},
      {99'000'000, 66'666'666},   {66'666'666, 50'000'000},
      {50'000'000, 50'000'000},   {40'000'000, 40'000'000},
      {39'999'999, 33'333'333},   {1, 3051},
      {INT64_MAX, 100'000'000},
  };
  for (const auto& [wanted, expected] : cases) {
    EXPECT_EQ(tree.RoundRate(kLeftMux, wanted), expected) << wanted;
    EXPECT_EQ(tree.SetRate(kLeftMux, wanted), expected) << wanted;
    EXPECT_EQ(tree.rate(kGate), expected) << wanted;
  }
}

TEST(ClockTreeTest, RoundingChangesNothing) {
  const ClockTree tree = Tree();
  EXPECT_EQ(tree.RoundRate(kRight, 23'000'000), 23'000'000);  // by moving the PLL
  EXPECT_EQ(tree.rate(kPll), 300'000'000);
  EXPECT_EQ(tree.rate(kRight), 25'000'000);
}

TEST(ClockTreeTest, AReachableRateMovesNoPll) {
  ClockTree tree = Tree();
  EXPECT_EQ(tree.SetRate(kRight, 40'000'000), 40'000'000);
  EXPECT_EQ(tree.SetRate(kRight, 40'030'000), 40'000'000);  // within a thousandth
  EXPECT_EQ(tree.rate(kPll), 300'000'000);
  EXPECT_EQ(tree.rate(kLeftMux), 50'000'000);
}

TEST(ClockTreeTest, AnotherRateMovesThePllAndItsOtherChildren) {
  ClockTree tree = Tree();
  EXPECT_EQ(tree.SetRate(kRight, 23'000'000), 23'000'000);
  // 23 MHz x 9/2 is nearer to 100 MHz than x 4.
  EXPECT_EQ(tree.rate(kOut), 103'500'000);
  EXPECT_EQ(tree.rate(kPll), 310'500'000);
  EXPECT_EQ(tree.rate(kLeftMux), 51'750'000);
  EXPECT_EQ(tree.rate(kGate), 51'750'000);
}

TEST(ClockTreeTest, APllMovesByHalfAtMost) {
  ClockTree tree = Tree();
  EXPECT_EQ(tree.SetRate(kRight, 140'000'000), 140'000'000);
  EXPECT_EQ(tree.rate(kPll), 420'000'000);
  EXPECT_EQ(tree.SetRate(kRight, 151'000'000), 140'000'000);
  EXPECT_EQ(tree.SetRate(kPll, 1'000'000'000), 450'000'000);
  EXPECT_EQ(tree.SetRate(kPll, 1), 150'000'000);
  EXPECT_EQ(tree.RoundRate(kPll, INT64_MAX), 450'000'000);
}

TEST(ClockTreeTest, ManyChangesKeepRatesTrue) {
  ClockTree tree = Tree();
  for (int64_t hz = 1'000'003; hz < 150'000'000; hz += 1'234'567) {
    const int64_t promised = tree.RoundRate(kRight, hz);
    EXPECT_EQ(tree.SetRate(kRight, hz), promised);
    EXPECT_EQ(tree.rate(kRight), promised);
    EXPECT_LE(promised, hz + hz / 1000);
    EXPECT_EQ(tree.rate(kOut), tree.rate(kPll) / 3);
    EXPECT_EQ(tree.rate(kLeftMux), tree.rate(kOut) / 2);
  }
}

class ClockTreeCheckTest : public ::testing::Test {
 protected:
  // The error of the small tree after `change` has spoilt it.
  template <typename Change>
  static std::string ErrorAfter(Change change) {
    std::vector<ClockSpec> specs = SmallTree();
    change(&specs);
    return std::string(ClockTree::Create(specs).status().message());
  }
};

TEST_F(ClockTreeCheckTest, RefusesACycleOverCandidatesThatAreNotCurrent) {
  EXPECT_EQ(ErrorAfter([](auto*) {}), "");
  EXPECT_THAT(ErrorAfter([](auto* specs) {
                // left's fourth candidate is below left.
                specs->push_back(Derived(ClockId(8), "loop", ClockKind::kDivider, 2, 2, {kGate}));
                (*specs)[4].parents.push_back(ClockId(8));
              }),
              HasSubstr("is its own ancestor"));
  EXPECT_THAT(ErrorAfter([](auto* specs) { (*specs)[4].parents.push_back(kLeftMux); }),
              HasSubstr("is its own ancestor"));
}

TEST_F(ClockTreeCheckTest, RefusesWhatCrashesAGuest) {
  EXPECT_THAT(ErrorAfter([](auto* specs) { (*specs)[5].parents = {ClockId(77)}; }),
              HasSubstr("clock 6 (right) has a parent that isn't there, clock 77"));
  EXPECT_THAT(ErrorAfter([](auto* specs) { (*specs)[5].name = "left"; }),
              HasSubstr("has the name of another clock"));
  EXPECT_THAT(ErrorAfter([](auto* specs) { (*specs)[5].name = ""; }), HasSubstr("empty name"));
  EXPECT_THAT(ErrorAfter([](auto* specs) {
                (*specs)[5].name = "a_name_of_forty_bytes_is_one_byte_too_lo";
              }),
              HasSubstr("more than 39"));
  EXPECT_THAT(ErrorAfter([](auto* specs) { (*specs)[4].parents.resize(17, kOsc); }),
              HasSubstr("more than 16"));
  EXPECT_THAT(ErrorAfter([](auto* specs) { (*specs)[4].parents.push_back(kOsc); }),
              HasSubstr("a parent twice"));
  EXPECT_THAT(ErrorAfter([](auto* specs) { (*specs)[5].parents.push_back(kOsc); }),
              HasSubstr("is no mux"));
  EXPECT_THAT(ErrorAfter([](auto* specs) { (*specs)[5].id = ClockId(1024); }),
              HasSubstr("too high an id"));
}

TEST_F(ClockTreeCheckTest, RefusesWhatMakesNoRate) {
  EXPECT_THAT(ErrorAfter([](auto* specs) { (*specs)[0].parents = {kPll}; }),
              HasSubstr("is a root with parents"));
  EXPECT_THAT(ErrorAfter([](auto* specs) { (*specs)[5].parents.clear(); }),
              HasSubstr("is a root with parents, or has neither"));
  EXPECT_THAT(ErrorAfter([](auto* specs) { (*specs)[1].kind = ClockKind::kInput; }),
              HasSubstr("is an input and no root"));
  EXPECT_THAT(ErrorAfter([](auto* specs) { (*specs)[2].rate_hz = 0; }), HasSubstr("no rate"));
  EXPECT_THAT(ErrorAfter([](auto* specs) { (*specs)[5].denominator = 1; }),
              HasSubstr("impossible ratio"));
  EXPECT_THAT(ErrorAfter([](auto* specs) { (*specs)[3].denominator = 0; }),
              HasSubstr("impossible ratio"));
  EXPECT_THAT(ErrorAfter([](auto* specs) {
                (*specs)[0].rate_hz = 1;
                (*specs)[4].parents = {kOsc};
                (*specs)[4].denominator = 8;
              }),
              HasSubstr("below 1 Hz"));
  EXPECT_THAT(ErrorAfter([](auto* specs) { specs->push_back(specs->front()); }),
              HasSubstr("has the name of another clock"));
  EXPECT_THAT(ErrorAfter([](auto* specs) { specs->clear(); }), HasSubstr("at least one clock"));
}

}  // namespace
}  // namespace bpmp::backend::sim
