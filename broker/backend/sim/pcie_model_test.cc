// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/pcie_model.h"

#include "broker/backend/sim/tegra_model.h"
#include "broker/mrq/codec.h"
#include "gtest/gtest.h"

namespace bpmp::backend::sim {
namespace {

constexpr PcieControllerId kFourth{4};
constexpr PcieControllerId kFifth{5};
constexpr int32_t kInval = -static_cast<int32_t>(mrq::Error::kInval);

class PcieModelTest : public ::testing::Test {
 protected:
  int32_t Handle(PcieControllerId controller, bool pll, bool on) {
    return model_.Handle(mrq::ToUphyRequest({controller, pll, on})).error;
  }

  TegraModel model_;
};

TEST_F(PcieModelTest, RemembersWhatIsOn) {
  EXPECT_FALSE(model_.pcie().on(kFourth));
  EXPECT_EQ(Handle(kFourth, false, true), 0);
  EXPECT_TRUE(model_.pcie().on(kFourth));
  EXPECT_FALSE(model_.pcie().on(kFifth));
  const mrq::Request off = mrq::ToUphyRequest({kFourth, false, false});
  EXPECT_EQ(model_.Inverse(off), mrq::Request(mrq::ToUphyRequest({kFourth, false, true})));
  EXPECT_EQ(Handle(kFourth, false, false), 0);
  EXPECT_FALSE(model_.pcie().on(kFourth));
  EXPECT_EQ(model_.counters().pcie, 2u);
}

TEST_F(PcieModelTest, OnlyEndpointsHaveAPll) {
  EXPECT_EQ(Handle(kFourth, true, true), kInval);
  EXPECT_EQ(Handle(kFifth, true, true), 0);
  EXPECT_TRUE(model_.pcie().pll_on(kFifth));
  EXPECT_FALSE(model_.pcie().on(kFifth));
}

TEST_F(PcieModelTest, RefusesWhatIsNotThere) {
  const PcieControllerId beyond(PcieModel::kControllers);
  EXPECT_EQ(Handle(beyond, false, true), kInval);
  EXPECT_FALSE(model_.pcie().on(beyond));
  EXPECT_EQ(model_.Inverse(mrq::ToUphyRequest({beyond, false, true})), std::nullopt);
  mrq::UphyRequest margin;
  margin.cmd = mrq::UphyCmd::kMarginStatus;
  EXPECT_EQ(model_.Handle(margin).error, -static_cast<int32_t>(mrq::Error::kNotSup));
}

}  // namespace
}  // namespace bpmp::backend::sim
