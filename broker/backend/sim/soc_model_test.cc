// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/soc_model.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/backend/sim/clock_tree.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::backend::sim {
namespace {

using ::testing::HasSubstr;

// The Tegra234's tree, with the questions that its promises ask.
class T234TreeTest : public ::testing::Test {
 protected:
  T234TreeTest() {
    for (const ClockSpec& spec : T234Model().clocks) {
      specs_[spec.id] = spec;
      for (const ClockId parent : spec.parents) {
        children_[parent].push_back(spec.id);
      }
    }
  }

  // Clocks over candidate parents that have nothing below them.
  std::set<ClockId> LeavesBelow(ClockId id) const {
    std::set<ClockId> seen;
    std::set<ClockId> leaves;
    const std::function<void(ClockId)> visit = [&](ClockId at) {
      if (!seen.insert(at).second) {
        return;
      }
      const auto children = children_.find(at);
      if (children == children_.end()) {
        leaves.insert(at);
        return;
      }
      for (const ClockId child : children->second) {
        visit(child);
      }
    };
    visit(id);
    leaves.erase(id);
    return leaves;
  }

  // Edges to the root by the parents at boot.
  int DepthOf(ClockId id) const {
    int depth = 0;
    for (ClockId at = id; !specs_.at(at).parents.empty(); at = specs_.at(at).parents.front()) {
      ++depth;
    }
    return depth;
  }

  std::map<ClockId, ClockSpec> specs_;
  std::map<ClockId, std::vector<ClockId>> children_;
};

TEST_F(T234TreeTest, PassesEveryCheckOfAClockTree) {
  // Above all: no cycle over all candidate parents, no parent that is a hole, no name twice.
  const auto tree = ClockTree::Create(T234Model().clocks);
  EXPECT_TRUE(tree.ok()) << tree.status();
}

TEST_F(T234TreeTest, HasTheClocksOfTheBindings) {
  EXPECT_EQ(specs_.size(), 435u);
  EXPECT_EQ(T234Model().clocks.size(), 435u);
  EXPECT_EQ(specs_.rbegin()->first, ClockId(476));
  for (const uint32_t hole : {0u, 13u, 24u, 43u, 68u, 95u, 133u, 202u, 332u, 356u}) {
    EXPECT_EQ(specs_.count(ClockId(hole)), 0u) << hole;
  }
}

TEST_F(T234TreeTest, ShowsTheFirstNameOfAnAliasedId) {
  EXPECT_EQ(specs_.at(ClockId(280)).name, "nafll_cluster0");
  EXPECT_EQ(specs_.at(ClockId(429)).name, "nafll_dsu0");
}

TEST_F(T234TreeTest, AgreesWithEveryKnownParentAndRate) {
  const auto tree = ClockTree::Create(T234Model().clocks);
  ASSERT_TRUE(tree.ok());
  int parents = 0;
  int rates = 0;
  for (const ClockRow& fact : T234Data().clocks) {
    if (!fact.parent.empty()) {
      ++parents;
      EXPECT_EQ(tree->parent(fact.id), T234Data().FindClock(fact.parent)) << fact.name;
    }
    if (fact.rate_hz != 0) {
      ++rates;
      EXPECT_EQ(tree->rate(fact.id), fact.rate_hz) << fact.name;
    }
  }
  EXPECT_GT(parents, 40);
  EXPECT_GT(rates, 20);
}

TEST_F(T234TreeTest, HasTheChainsThatWereSeenOnBoards) {
  const std::vector<std::vector<std::string_view>> chains = {
      {"mgbe0_app", "mgbes_app", "utmipll_clkout480", "utmip_pll", "osc"},
      {"mgbe0_tx", "uphy_gbe_pll2_tx_ref", "pllgbe", "osc"},
      {"mgbe0_mac_divider", "uphy_gbe_pll2_xdig", "pllgbe", "osc"},
      {"mgbe0_tx_pcs", "uphy_gbe_pll2_xdig", "pllgbe", "osc"},
      {"mgbe0_ptp_ref", "pllrefe_vcoout_gated", "pllrefe_vcoout"},
      {"tach0", "clk_m", "osc"},
      {"uarta", "pllp_out0"},
  };
  for (const auto& chain : chains) {
    for (size_t i = 0; i + 1 < chain.size(); ++i) {
      const ClockId id = *T234Data().FindClock(chain[i]);
      EXPECT_EQ(specs_.at(id).parents.front(), T234Data().FindClock(chain[i + 1])) << chain[i];
    }
  }
}

TEST_F(T234TreeTest, IsDeep) {
  int deepest = 0;
  for (const auto& [id, spec] : specs_) {
    deepest = std::max(deepest, DepthOf(id));
  }
  EXPECT_GE(deepest, 5);
}

TEST_F(T234TreeTest, HasMuxesWithChoice) {
  int muxes = 0;
  for (const auto& [id, spec] : specs_) {
    muxes += spec.kind == ClockKind::kMux && spec.parents.size() >= 3 ? 1 : 0;
  }
  EXPECT_GE(muxes, 20);
}

TEST_F(T234TreeTest, HasFiveLeavesUnderEachPll) {
  int plls = 0;
  for (const auto& [id, spec] : specs_) {
    if (spec.kind != ClockKind::kPll || !MakesOwnRate(spec.source)) {
      continue;  // an output of a PLL
    }
    ++plls;
    EXPECT_GE(LeavesBelow(id).size(), 5u) << spec.name;
  }
  EXPECT_GE(plls, 20);
}

TEST_F(T234TreeTest, InputsAreRoots) {
  int inputs = 0;
  for (const auto& [id, spec] : specs_) {
    if (spec.kind == ClockKind::kInput) {
      ++inputs;
      EXPECT_TRUE(spec.parents.empty()) << spec.name;
    }
  }
  EXPECT_EQ(inputs, 25);
}

// A device's own clocks must stay its own: nothing outside may hang below them.
TEST_F(T234TreeTest, NothingHangsBelowTheClocksOfMgbe0OrUarta) {
  for (const std::string_view name : {"mgbe0_mac_divider", "mgbe0_tx", "mgbe0_rx_pcs", "uarta"}) {
    for (const ClockId leaf : LeavesBelow(*T234Data().FindClock(name))) {
      EXPECT_EQ(specs_.at(leaf).name.substr(0, 6), "mgbe0_") << name;
    }
  }
}

TEST(SocModelTest, DomainsAreThoseThatAllDevicesAgreeOn) {
  const SocModel& model = T234Model();
  EXPECT_EQ(model.clock_domains.at(ClockId(167)), DomainId(29));  // vic
  EXPECT_EQ(model.clock_domains.at(ClockId(154)), DomainId(23));  // tsec_pka: nvdec alone
  EXPECT_EQ(model.reset_domains.at(ResetId(46)), DomainId(18));   // mgbe0_mac
  EXPECT_EQ(model.clock_domains.count(ClockId(40)), 0u);          // fuse: nvdec and the fuses
  EXPECT_EQ(model.clock_domains.count(ClockId(275)), 0u);         // xusb_ss: several domains
  EXPECT_EQ(model.clock_domains.count(ClockId(155)), 0u);         // uarta: none
}

TEST(SocModelTest, FindsTheHostsNeedsOnAtBoot) {
  const SocModel& model = T234Model();
  for (const uint32_t clock : {91u, 14u, 102u, 31u, 157u, 123u}) {
    EXPECT_THAT(model.boot_clocks, ::testing::Contains(ClockId(clock)));
  }
  for (const uint32_t clock : {155u, 167u, 380u}) {
    EXPECT_THAT(model.boot_clocks, ::testing::Not(::testing::Contains(ClockId(clock))));
  }
}

TEST(BuildModelTest, ErrorsSayFileLineAndWhat) {
  const auto error = [](std::string_view rows, std::string_view boot) {
    const std::string tree = "id,name,rate,parents\n" + std::string(rows);
    const std::string booted = "kind,id,name,why\n" + std::string(boot);
    return std::string(BuildModel(T234Data(), tree, booted).status().message());
  };
  EXPECT_EQ(error("91,osc,root 38400000,\n14,clk_m,div 4,osc\n", "clock,91,osc,\n"), "");
  EXPECT_THAT(error("91,oscillator,root 1,\n", ""), HasSubstr("tree: line 2: 'oscillator'"));
  EXPECT_THAT(error("91,osc,root,\n", ""), HasSubstr("'root' is no rate"));
  EXPECT_THAT(error("91,osc,crystal 1,\n", ""), HasSubstr("'crystal 1' is no rate"));
  EXPECT_THAT(error("91,osc,ratio 1,\n", ""), HasSubstr("'1' is no ratio"));
  EXPECT_THAT(error("14,clk_m,div 4,osk\n", ""), HasSubstr("'osk'"));
  EXPECT_THAT(error("280,nafll_cluster0_core,fixed 1,osc\n", ""), HasSubstr("line 2"));
  EXPECT_THAT(error("", "clock,92,osc,\n"), HasSubstr("boot: line 2: 'osc'"));
  EXPECT_THAT(error("", "fan,1,ofa,\n"), HasSubstr("'fan' is no kind"));
}

}  // namespace
}  // namespace bpmp::backend::sim
