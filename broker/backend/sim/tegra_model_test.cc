// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/tegra_model.h"

#include <set>
#include <string>

#include "absl/types/span.h"
#include "broker/base/endian.h"
#include "gtest/gtest.h"

namespace bpmp::backend::sim {
namespace {

using mrq::ClkCmd;
using mrq::Error;
using mrq::PgCmd;
using mrq::ResetCmd;

constexpr ClockId kUarta{155};
constexpr ClockId kPllpOut0{102};
constexpr ClockId kClkM{14};
constexpr ClockId kVic{167};
constexpr ClockId kI2s1{56};
constexpr ClockId kDspk1{29};
constexpr ClockId kPlla{93};
constexpr ClockId kHole{13};
constexpr ResetId kUartaReset{100};
constexpr ResetId kVicReset{113};
constexpr DomainId kVicDomain{29};
constexpr DomainId kDomainHole{21};

int32_t Code(Error error) { return -static_cast<int32_t>(error); }

class TegraModelTest : public ::testing::Test {
 protected:
  static mrq::ClkRequest ClkRequestOf(ClkCmd cmd, ClockId clock) {
    mrq::ClkRequest request;
    request.cmd = cmd;
    request.clock = clock;
    return request;
  }

  mrq::Response Clk(ClkCmd cmd, ClockId clock) { return model_.Handle(ClkRequestOf(cmd, clock)); }

  mrq::Response Rate(ClkCmd cmd, ClockId clock, int64_t hz) {
    mrq::ClkRequest request = ClkRequestOf(cmd, clock);
    request.rate_hz = hz;
    return model_.Handle(request);
  }

  mrq::Response SetParent(ClockId clock, ClockId parent) {
    mrq::ClkRequest request = ClkRequestOf(ClkCmd::kSetParent, clock);
    request.parent = parent;
    return model_.Handle(request);
  }

  mrq::Response Reset(ResetCmd cmd, ResetId reset) {
    mrq::ResetRequest request;
    request.cmd = cmd;
    request.reset = reset;
    return model_.Handle(request);
  }

  mrq::Response Pg(PgCmd cmd, DomainId domain, uint32_t arg = 0) {
    mrq::PgRequest request;
    request.cmd = cmd;
    request.domain = domain;
    request.arg = arg;
    return model_.Handle(request);
  }

  mrq::Response Thermal(mrq::ThermalCmd cmd, uint32_t arg = 0) {
    mrq::ThermalRequest request;
    request.cmd = cmd;
    request.arg = arg;
    return model_.Handle(request);
  }

  static uint32_t U32(const mrq::Response& response) {
    EXPECT_TRUE(response.ok()) << mrq::ErrorName(response.error);
    return mrq::ReadU32(response).value_or(0xdeadbeef);
  }
  static int64_t Hz(const mrq::Response& response) {
    EXPECT_TRUE(response.ok()) << mrq::ErrorName(response.error);
    return mrq::ReadRate(response).value_or(-1);
  }

  TegraModel model_;
};

TEST_F(TegraModelTest, ProbesAsLinuxProbes) {
  EXPECT_EQ(U32(model_.Handle(mrq::PingRequest{false, 21})), 42u);
  EXPECT_EQ(U32(model_.Handle(mrq::QueryAbiRequest{71})), 0u);
  EXPECT_EQ(static_cast<int32_t>(U32(model_.Handle(mrq::QueryAbiRequest{75}))),
            Code(Error::kNoDev));
  EXPECT_EQ(mrq::ReadFwTag(model_.Handle(mrq::QueryFwTagRequest())), "bpmp-broker-sim-t234-1");
  const uint32_t max = U32(Clk(ClkCmd::kGetMaxClkId, ClockId()));
  EXPECT_EQ(max, 476u);

  std::set<std::string> names;
  for (uint32_t id = 0; id <= max; ++id) {
    const mrq::Response response = Clk(ClkCmd::kGetAllInfo, ClockId(id));
    if (!response.ok()) {
      EXPECT_EQ(response.error, Code(Error::kInval));
      continue;
    }
    const auto info = mrq::ReadClkInfo(response);
    ASSERT_TRUE(info.ok()) << id;
    EXPECT_TRUE(names.insert(info->name.data()).second) << info->name.data();
    EXPECT_EQ(info->num_parents > 1, (info->flags & mrq::clk_flag::kHasMux) != 0) << id;
    EXPECT_EQ(info->num_parents == 0, (info->flags & mrq::clk_flag::kIsRoot) != 0) << id;
    EXPECT_GT(Hz(Clk(ClkCmd::kGetRate, ClockId(id))), 0) << id;
    EXPECT_EQ(U32(Clk(ClkCmd::kGetParent, ClockId(id))), info->parent.value()) << id;
    U32(Clk(ClkCmd::kIsEnabled, ClockId(id)));
  }
  EXPECT_EQ(names.size(), 435u);
  EXPECT_EQ(model_.counters().Total(), 0u);
}

TEST_F(TegraModelTest, EveryAnswerHasTheSizeOfTheAbi) {
  EXPECT_EQ(Clk(ClkCmd::kGetAllInfo, kUarta).size, 113);
  EXPECT_EQ(Clk(ClkCmd::kGetRate, kUarta).size, 8);
  EXPECT_EQ(Clk(ClkCmd::kEnable, kUarta).size, 0);
  EXPECT_EQ(model_.Handle(mrq::EmcDvfsLatencyRequest()).size, 116);
  EXPECT_EQ(model_.Handle(mrq::CpuNdivLimitsRequest{0}).size, 12);
}

TEST_F(TegraModelTest, BootsWithWhatTheHostNeeds) {
  for (const uint32_t id : {91u, 14u, 101u, 102u, 31u, 280u, 157u, 123u}) {
    EXPECT_TRUE(model_.IsEnabled(ClockId(id))) << id;
    EXPECT_TRUE(model_.IsRunning(ClockId(id))) << id;
  }
  EXPECT_TRUE(model_.IsRunning(ClockId(310)));  // emcsa_mpll, under emc
  EXPECT_FALSE(model_.IsEnabled(ClockId(310)));
  EXPECT_FALSE(model_.IsRunning(kUarta));
  EXPECT_FALSE(model_.DomainOn(kVicDomain));
  EXPECT_TRUE(model_.DomainOn(DomainId(8)));
  EXPECT_EQ(model_.Reset(ResetId(85)), ResetLine::kDeasserted);
  EXPECT_EQ(model_.Reset(kUartaReset), ResetLine::kUnknown);
}

TEST_F(TegraModelTest, EnableIsAVoteAndRunsAncestors) {
  constexpr ClockId kMgbe0PtpRef{381};
  constexpr DomainId kMgbeb{18};
  ASSERT_TRUE(Pg(PgCmd::kSetState, kMgbeb, 1).ok());
  EXPECT_TRUE(Clk(ClkCmd::kEnable, kMgbe0PtpRef).ok());
  EXPECT_EQ(U32(Clk(ClkCmd::kIsEnabled, kMgbe0PtpRef)), 1u);
  for (const uint32_t ancestor : {327u, 288u}) {
    EXPECT_TRUE(model_.IsRunning(ClockId(ancestor)));
    EXPECT_EQ(U32(Clk(ClkCmd::kIsEnabled, ClockId(ancestor))), 0u);
    EXPECT_TRUE(Clk(ClkCmd::kDisable, ClockId(ancestor)).ok());
    EXPECT_TRUE(model_.IsRunning(ClockId(ancestor)));
  }
  EXPECT_TRUE(Clk(ClkCmd::kDisable, kMgbe0PtpRef).ok());
  EXPECT_FALSE(model_.IsRunning(ClockId(288)));
}

TEST_F(TegraModelTest, RefusesIdsThatAreNotThere) {
  for (const uint32_t id : {0u, 13u, 477u, 0xffffffu}) {
    for (const ClkCmd cmd :
         {ClkCmd::kGetRate, ClkCmd::kSetRate, ClkCmd::kRoundRate, ClkCmd::kGetParent,
          ClkCmd::kSetParent, ClkCmd::kIsEnabled, ClkCmd::kEnable, ClkCmd::kDisable,
          ClkCmd::kGetAllInfo, ClkCmd::kGetFmaxAtVmin}) {
      EXPECT_EQ(Clk(cmd, ClockId(id)).error, Code(Error::kInval)) << id;
    }
  }
  EXPECT_EQ(Reset(ResetCmd::kAssert, ResetId(62)).error, Code(Error::kInval));
  EXPECT_EQ(Reset(ResetCmd::kModule, ResetId(0xffffffff)).error, Code(Error::kInval));
  EXPECT_EQ(Pg(PgCmd::kSetState, kDomainHole, 1).error, Code(Error::kInval));
  EXPECT_EQ(Pg(PgCmd::kGetState, DomainId(37)).error, Code(Error::kInval));
  EXPECT_EQ(Pg(PgCmd::kGetName, kDomainHole).error, Code(Error::kInval));
  EXPECT_FALSE(model_.IsRunning(kHole));
  EXPECT_EQ(model_.Rate(kHole), 0);
}

TEST_F(TegraModelTest, RatesAreSetRoundedAndRefused) {
  EXPECT_EQ(Hz(Rate(ClkCmd::kRoundRate, kUarta, 100'000'000)), 90'666'666);
  EXPECT_EQ(Hz(Clk(ClkCmd::kGetRate, kUarta)), 102'000'000);
  EXPECT_EQ(Hz(Rate(ClkCmd::kSetRate, kUarta, 100'000'000)), 90'666'666);
  EXPECT_EQ(Hz(Clk(ClkCmd::kGetRate, kUarta)), 90'666'666);
  EXPECT_EQ(Hz(Clk(ClkCmd::kGetFmaxAtVmin, kUarta)), 408'000'000);
  // A fixed PLL's output, a gate, an oscillator.
  for (const uint32_t fixed : {102u, 40u, 91u}) {
    EXPECT_EQ(Rate(ClkCmd::kSetRate, ClockId(fixed), 1'000'000).error, Code(Error::kNotSup));
    EXPECT_EQ(Rate(ClkCmd::kRoundRate, ClockId(fixed), 1'000'000).error, Code(Error::kNotSup));
  }
  EXPECT_EQ(Rate(ClkCmd::kSetRate, kUarta, 0).error, Code(Error::kInval));
  EXPECT_EQ(Rate(ClkCmd::kSetRate, kUarta, -5).error, Code(Error::kInval));
}

TEST_F(TegraModelTest, AudioRateMovesThePllUnderItsSiblings) {
  EXPECT_EQ(Hz(Rate(ClkCmd::kSetRate, kI2s1, 1'536'000)), 1'536'000);
  EXPECT_EQ(model_.Rate(kPlla), 368'640'000);
  const int64_t sibling = model_.Rate(kDspk1);
  // 44.1 kHz is not a fraction of 48 kHz.
  EXPECT_EQ(Hz(Rate(ClkCmd::kSetRate, kI2s1, 1'411'200)), 1'411'200);
  EXPECT_NE(model_.Rate(kPlla), 368'640'000);
  EXPECT_NE(model_.Rate(kDspk1), sibling);
}

TEST_F(TegraModelTest, ParentsMustBeCandidates) {
  EXPECT_EQ(U32(SetParent(kUarta, kClkM)), kClkM.value());
  EXPECT_EQ(model_.Parent(kUarta), kClkM);
  EXPECT_EQ(model_.Rate(kUarta), 4'800'000);
  EXPECT_EQ(SetParent(kUarta, kVic).error, Code(Error::kInval));
  EXPECT_EQ(SetParent(kUarta, kHole).error, Code(Error::kInval));
  EXPECT_EQ(SetParent(ClockId(40), kPllpOut0).error, Code(Error::kInval));   // a gate
  EXPECT_EQ(SetParent(ClockId(91), ClockId(0)).error, Code(Error::kInval));  // a root
}

TEST_F(TegraModelTest, AnUnpoweredDomainRefusesWhatActsOnItsClocksAndResets) {
  const int64_t rate = model_.Rate(kVic);
  const ClockId parent = model_.Parent(kVic);
  EXPECT_EQ(Clk(ClkCmd::kEnable, kVic).error, Code(Error::kNotSup));
  EXPECT_EQ(Rate(ClkCmd::kSetRate, kVic, 200'000'000).error, Code(Error::kNotSup));
  EXPECT_EQ(SetParent(kVic, kPllpOut0).error, Code(Error::kNotSup));
  EXPECT_EQ(SetParent(kVic, kHole).error, Code(Error::kInval));
  EXPECT_EQ(model_.Rate(kVic), rate);
  EXPECT_EQ(model_.Parent(kVic), parent);
  for (const ResetCmd cmd : {ResetCmd::kAssert, ResetCmd::kDeassert, ResetCmd::kModule}) {
    EXPECT_EQ(Reset(cmd, kVicReset).error, Code(Error::kNotSup));
  }
  EXPECT_EQ(model_.Reset(kVicReset), ResetLine::kUnknown);
  EXPECT_EQ(model_.ResetPulses(kVicReset), 0u);
  // What Linux may do before it powers the domain, or after.
  EXPECT_TRUE(Rate(ClkCmd::kRoundRate, kVic, 200'000'000).ok());
  EXPECT_TRUE(Clk(ClkCmd::kDisable, kVic).ok());

  ASSERT_TRUE(Pg(PgCmd::kSetState, kVicDomain, 1).ok());
  EXPECT_TRUE(SetParent(kVic, kPllpOut0).ok());
  EXPECT_TRUE(Rate(ClkCmd::kSetRate, kVic, 200'000'000).ok());
  EXPECT_TRUE(Clk(ClkCmd::kEnable, kVic).ok());
  EXPECT_TRUE(Reset(ResetCmd::kDeassert, kVicReset).ok());
  ASSERT_TRUE(Pg(PgCmd::kSetState, kVicDomain, 0).ok());
  EXPECT_TRUE(model_.IsEnabled(kVic));
  EXPECT_TRUE(Clk(ClkCmd::kDisable, kVic).ok());
}

TEST_F(TegraModelTest, ResetsAreRemembered) {
  EXPECT_TRUE(Reset(ResetCmd::kAssert, kUartaReset).ok());
  EXPECT_TRUE(model_.ResetAsserted(kUartaReset));
  EXPECT_TRUE(Reset(ResetCmd::kDeassert, kUartaReset).ok());
  EXPECT_EQ(model_.Reset(kUartaReset), ResetLine::kDeasserted);
  EXPECT_EQ(model_.ResetPulses(kUartaReset), 0u);
  EXPECT_TRUE(Reset(ResetCmd::kAssert, kUartaReset).ok());
  EXPECT_TRUE(Reset(ResetCmd::kModule, kUartaReset).ok());
  EXPECT_EQ(model_.Reset(kUartaReset), ResetLine::kDeasserted);
  EXPECT_EQ(model_.ResetPulses(kUartaReset), 1u);
  EXPECT_EQ(U32(Reset(ResetCmd::kGetMaxId, ResetId())), 173u);
}

TEST_F(TegraModelTest, PowerDomainsHaveStatesAndNames) {
  EXPECT_EQ(U32(Pg(PgCmd::kGetMaxId, DomainId())), 36u);
  EXPECT_EQ(mrq::ReadName(Pg(PgCmd::kGetName, DomainId(18))), "mgbeb");
  EXPECT_EQ(U32(Pg(PgCmd::kGetState, kVicDomain)), 0u);
  EXPECT_TRUE(Pg(PgCmd::kSetState, kVicDomain, 1).ok());
  EXPECT_EQ(U32(Pg(PgCmd::kGetState, kVicDomain)), 1u);
  EXPECT_EQ(Pg(PgCmd::kSetState, kVicDomain, 2).error, Code(Error::kInval));
  EXPECT_TRUE(model_.DomainOn(kVicDomain));
  EXPECT_TRUE(Pg(PgCmd::kQueryAbi, DomainId(), 1).ok());
  EXPECT_EQ(Pg(PgCmd::kQueryAbi, DomainId(), 9).error, Code(Error::kNoDev));
}

TEST_F(TegraModelTest, AnswersTheRest) {
  EXPECT_EQ(U32(Thermal(mrq::ThermalCmd::kGetNumZones)), 9u);
  const auto temperature = static_cast<int32_t>(U32(Thermal(mrq::ThermalCmd::kGetTemp, 8)));
  EXPECT_GT(temperature, 20'000);
  EXPECT_LT(temperature, static_cast<int32_t>(U32(Thermal(mrq::ThermalCmd::kGetThermtrip, 8))));
  EXPECT_EQ(Thermal(mrq::ThermalCmd::kGetTemp, 9).error, Code(Error::kInval));
  EXPECT_TRUE(Thermal(mrq::ThermalCmd::kQueryAbi, 1).ok());
  EXPECT_EQ(Thermal(mrq::ThermalCmd::kQueryAbi, 2).error, Code(Error::kNoDev));

  const uint32_t pairs = U32(model_.Handle(mrq::EmcDvfsLatencyRequest()));
  EXPECT_GE(pairs, 1u);
  EXPECT_LE(pairs, mrq::kMaxEmcPairs);
  EXPECT_EQ(model_.Handle(mrq::CpuNdivLimitsRequest{3}).error, Code(Error::kInval));
  const mrq::Response limits = model_.Handle(mrq::CpuNdivLimitsRequest{2});
  EXPECT_GT(LoadLe<uint16_t>(limits.data, 8), LoadLe<uint16_t>(limits.data, 10));
}

}  // namespace
}  // namespace bpmp::backend::sim
