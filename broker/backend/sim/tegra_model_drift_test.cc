// SPDX-License-Identifier: Apache-2.0
// What the model lets tests see and do behind the broker's back.
#include "broker/backend/sim/tegra_model.h"
#include "gtest/gtest.h"

namespace bpmp::backend::sim {
namespace {

using mrq::ClkCmd;
using mrq::PgCmd;
using mrq::ResetCmd;

constexpr ClockId kUarta{155};
constexpr ClockId kClkM{14};
constexpr ClockId kVic{167};
constexpr ResetId kUartaReset{100};
constexpr DomainId kVicDomain{29};

mrq::ClkRequest Clk(ClkCmd cmd, ClockId clock) {
  mrq::ClkRequest request;
  request.cmd = cmd;
  request.clock = clock;
  return request;
}

mrq::ClkRequest SetRate(ClockId clock, int64_t hz) {
  mrq::ClkRequest request = Clk(ClkCmd::kSetRate, clock);
  request.rate_hz = hz;
  return request;
}

mrq::ClkRequest SetParent(ClockId clock, ClockId parent) {
  mrq::ClkRequest request = Clk(ClkCmd::kSetParent, clock);
  request.parent = parent;
  return request;
}

TEST(TegraModelDriftTest, CountsWhatArrivesAndNotWhatTheHostDoes) {
  TegraModel model;
  model.Handle(Clk(ClkCmd::kEnable, kUarta));
  model.Handle(Clk(ClkCmd::kEnable, kVic));  // refused: its domain is off
  model.Handle(Clk(ClkCmd::kDisable, kUarta));
  model.Handle(SetRate(kUarta, 1'000'000));
  model.Handle(SetParent(kUarta, kClkM));
  model.Handle(mrq::ResetRequest{ResetCmd::kAssert, kUartaReset});
  model.Handle(mrq::ResetRequest{ResetCmd::kDeassert, kUartaReset});
  model.Handle(mrq::ResetRequest{ResetCmd::kModule, kUartaReset});
  model.Handle(mrq::PgRequest{PgCmd::kSetState, kVicDomain, 1});
  model.Handle(mrq::PgRequest{PgCmd::kSetState, kVicDomain, 0});
  model.Handle(Clk(ClkCmd::kIsEnabled, kUarta));
  model.HostDoes(Clk(ClkCmd::kEnable, kUarta));

  const Counters& counters = model.counters();
  EXPECT_EQ(counters.clk_enable, 2u);
  EXPECT_EQ(counters.clk_disable, 1u);
  EXPECT_EQ(counters.clk_set_rate, 1u);
  EXPECT_EQ(counters.clk_set_parent, 1u);
  EXPECT_EQ(counters.reset_assert, 1u);
  EXPECT_EQ(counters.reset_deassert, 1u);
  EXPECT_EQ(counters.reset_module, 1u);
  EXPECT_EQ(counters.power_on, 1u);
  EXPECT_EQ(counters.power_off, 1u);
  EXPECT_EQ(counters.Total(), 10u);
}

TEST(TegraModelDriftTest, TheHostCanTurnOffWhatIsHeld) {
  TegraModel model;
  ASSERT_TRUE(model.Handle(mrq::PgRequest{PgCmd::kSetState, kVicDomain, 1}).ok());
  ASSERT_TRUE(model.Handle(Clk(ClkCmd::kEnable, kVic)).ok());
  EXPECT_TRUE(model.HostDoes(Clk(ClkCmd::kDisable, kVic)).ok());
  EXPECT_TRUE(model.HostDoes(mrq::PgRequest{PgCmd::kSetState, kVicDomain, 0}).ok());
  EXPECT_FALSE(model.IsRunning(kVic));
  EXPECT_FALSE(model.DomainOn(kVicDomain));
}

// Does `request`, then its inverse, and looks at `state()` before, between and after.
template <typename State>
void ExpectUndone(TegraModel* model, const mrq::Request& request, State state) {
  SCOPED_TRACE(mrq::Describe(request));
  const auto before = state();
  const auto inverse = model->Inverse(request);
  ASSERT_TRUE(inverse.has_value());
  ASSERT_TRUE(model->Handle(request).ok());
  EXPECT_NE(state(), before);
  ASSERT_TRUE(model->HostDoes(*inverse).ok());
  EXPECT_EQ(state(), before);
}

TEST(TegraModelDriftTest, AnInverseBringsTheStateBack) {
  TegraModel model;
  ExpectUndone(&model, Clk(ClkCmd::kEnable, kUarta), [&] { return model.IsEnabled(kUarta); });
  ExpectUndone(&model, Clk(ClkCmd::kDisable, kClkM), [&] { return model.IsEnabled(kClkM); });
  ExpectUndone(&model, SetRate(kUarta, 24'000'000), [&] { return model.Rate(kUarta); });
  ExpectUndone(&model, SetParent(kUarta, kClkM), [&] { return model.Parent(kUarta); });
  ExpectUndone(&model, mrq::PgRequest{PgCmd::kSetState, kVicDomain, 1},
               [&] { return model.DomainOn(kVicDomain); });
  ASSERT_TRUE(model.Handle(mrq::ResetRequest{ResetCmd::kAssert, kUartaReset}).ok());
  ExpectUndone(&model, mrq::ResetRequest{ResetCmd::kDeassert, kUartaReset},
               [&] { return model.Reset(kUartaReset); });
}

TEST(TegraModelDriftTest, WhatChangesNothingHasNoInverse) {
  const TegraModel model;
  EXPECT_FALSE(model.Inverse(Clk(ClkCmd::kGetRate, kUarta)).has_value());
  EXPECT_FALSE(model.Inverse(Clk(ClkCmd::kEnable, ClockId(13))).has_value());
  EXPECT_FALSE(model.Inverse(mrq::PingRequest()).has_value());
  EXPECT_FALSE(model.Inverse(mrq::PgRequest{PgCmd::kGetState, kVicDomain, 0}).has_value());
  // A pulse can't be taken back, and a reset of unknown state has none to go back to.
  EXPECT_FALSE(model.Inverse(mrq::ResetRequest{ResetCmd::kModule, ResetId(85)}).has_value());
  EXPECT_FALSE(model.Inverse(mrq::ResetRequest{ResetCmd::kAssert, kUartaReset}).has_value());
}

}  // namespace
}  // namespace bpmp::backend::sim
