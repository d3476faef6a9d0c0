// SPDX-License-Identifier: Apache-2.0
// Edges in flight, one story at a time: who joins, who waits, what a failure leaves.
#include <string>

#include "absl/status/status.h"
#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/core/testing/snapshot.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using Fate = FakeBackend::Fate;

constexpr VmId kSame = kVicVm;
constexpr VmId kOther = kNvdecVm;

// --- Sharing an outcome ---

class Joiners : public ::testing::Test {
 protected:
  void SetUp() override {
    first_ = rig_.Ask(kSame, Enable(kVic));
    second_ = rig_.Ask(kOther, Enable(kVic));
    EXPECT_EQ(rig_.Of(first_).kind, Decision::Kind::kRun);
    EXPECT_EQ(rig_.Of(second_).kind, Decision::Kind::kWait);
    EXPECT_EQ(rig_.in_flight(), 1u);
  }
  void ExpectBoth(int32_t error, bool held) {
    rig_.RunAll();
    ASSERT_TRUE(rig_.Answered(first_));
    ASSERT_TRUE(rig_.Answered(second_));
    EXPECT_EQ(rig_.ErrorOf(first_), error);
    EXPECT_EQ(rig_.ErrorOf(second_), error);
    EXPECT_EQ(rig_.Holders(kVic).size(), held ? 2u : 0u);
    ExpectConsistent(&rig_);
  }

  Rig rig_{PairBoard()};
  Ticket first_;
  Ticket second_;
};

TEST_F(Joiners, ShareSuccess) {
  rig_.End();
  ExpectBoth(0, true);
  EXPECT_THAT(rig_.Edges(), ::testing::ElementsAre("CLK ENABLE clock 19"));
}

TEST_F(Joiners, ShareTheFirmwaresRefusal) {
  rig_.End(Fate::kRefused, mrq::Error::kNotSup);
  ExpectBoth(-134, false);
}

TEST_F(Joiners, ShareAFailedTransfer) {
  rig_.End(Fate::kFailed);
  ExpectBoth(-5, false);
}

TEST_F(Joiners, MayTryAgainWhenTheBackendHasNoRoom) {
  rig_.End(Fate::kNoRoom);
  ExpectBoth(-11, false);
}

TEST_F(Joiners, ShareWhatTheReadBackSaysAfterALostAnswer) {
  rig_.End(Fate::kLostDone);
  EXPECT_EQ(rig_.Flying(), "CLK IS_ENABLED clock 19");
  EXPECT_FALSE(rig_.Answered(first_));
  ExpectBoth(0, true);
}

TEST_F(Joiners, ShareATimeOutWhenTheReadBackSaysOff) {
  rig_.End(Fate::kLostUndone);
  ExpectBoth(-23, false);
}

TEST_F(Joiners, KeepTheEdgeOfOneThatGaveUp) {
  rig_.Expire(first_);
  EXPECT_EQ(rig_.ErrorOf(first_), -23);
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(second_), 0);
  EXPECT_THAT(rig_.Holders(kVic), ::testing::ElementsAre(kOther));
  ExpectConsistent(&rig_);
}

TEST_F(Joiners, LeaveNothingWhenAllGaveUp) {
  rig_.Expire(first_);
  rig_.Expire(second_);
  rig_.RunAll();
  EXPECT_FALSE(rig_.firmware().on(kVic));
  EXPECT_TRUE(rig_.Holders(kVic).empty());
  ExpectConsistent(&rig_);
}

// --- Opposite targets ---

TEST(OppositeEdges, FollowOneAnotherInTheOrderAsked) {
  Rig rig(PairBoard());
  const Ticket on = rig.Ask(kSame, Enable(kVic));
  const Ticket off = rig.Ask(kSame, Disable(kVic));
  const Ticket again = rig.Ask(kSame, Enable(kVic));
  EXPECT_EQ(rig.in_flight(), 1u);
  rig.RunAll();
  for (const Ticket ticket : {on, off, again}) EXPECT_EQ(rig.ErrorOf(ticket), 0);
  EXPECT_TRUE(rig.firmware().on(kVic));
  EXPECT_TRUE(rig.Votes(kSame, kVic));
}

TEST(OppositeEdges, AnotherVmsEnableStartsWhenTheDisableEnds) {
  Rig rig(PairBoard());
  rig.Call(kSame, Enable(kVic));
  rig.backend().ClearLog();
  rig.Ask(kSame, Disable(kVic));
  const Ticket on = rig.Ask(kOther, Enable(kVic));
  EXPECT_EQ(rig.Of(on).kind, Decision::Kind::kWait);
  rig.End();
  EXPECT_EQ(rig.Flying(), "CLK ENABLE clock 19");
  rig.RunAll();
  EXPECT_THAT(rig.Edges(), ::testing::ElementsAre("CLK DISABLE clock 19", "CLK ENABLE clock 19"));
  EXPECT_EQ(rig.ErrorOf(on), 0);
}

TEST(OppositeEdges, DifferentResourcesDoNotWaitForEachOther) {
  Rig rig(PairBoard());
  rig.Ask(kUartVm, Enable(kUart));
  rig.Ask(kGpuVm, Enable(kGpu));
  rig.Ask(kEthVm, PowerOn(kEthDomain));
  EXPECT_EQ(rig.in_flight(), 3u);
}

// The rate change waits for another of its family, the clock itself is free.
TEST(Order, AnEnableDoesNotOvertakeItsVmsRateChange) {
  Rig rig(PairBoard());
  rig.Call(kNvdecVm, Enable(kVic));
  rig.Ask(kGpuVm, SetRate(kGpu, 400 * kMHz));
  const Ticket rate = rig.Ask(kSame, SetRate(kVic, 80 * kMHz));
  const Ticket on = rig.Ask(kSame, Enable(kVic));
  EXPECT_FALSE(rig.Answered(on));
  while (rig.in_flight() > 0 && !rig.Answered(on)) {
    rig.End();
    EXPECT_LE(rig.Answered(on), rig.Answered(rate));
  }
  rig.RunAll();
  EXPECT_EQ(rig.ErrorOf(rate), 0);
  EXPECT_EQ(rig.ErrorOf(on), 0);
}

TEST(Order, WhoGaveUpOnItsInfoReliesOnNothing) {
  Rig rig(PairBoard());
  rig.Call(kHost, Enable(kVic));
  rig.Ask(kSame, SetRate(kVic, 80 * kMHz));
  const Ticket info = rig.Ask(kSame, GetInfo(kVic));
  EXPECT_FALSE(rig.Answered(info));
  rig.Expire(info);
  rig.RunAll();
  EXPECT_TRUE(rig.Status(kVic).implied.empty());
}

TEST(LostParent, IsNotTakenForTheOldOneWhenItCanNotBeReadBack) {
  Rig rig(PairBoard());
  rig.Ask(kSame, SetParent(kVic, kClkM));
  while (rig.Flying() != mrq::Describe(SetParent(kVic, kClkM))) rig.End();
  rig.End(Fate::kLostDone);
  EXPECT_EQ(rig.Flying(), "CLK GET_PARENT clock 19");
  rig.End(Fate::kFailed);
  rig.RunAll();
  EXPECT_EQ(rig.firmware().parent(kVic), kClkM);
  EXPECT_EQ(rig.Error(kSame, SetParent(kVic, kPllB)), 0);
  EXPECT_EQ(rig.firmware().parent(kVic), kPllB);
}

// --- A disable that fails ---

TEST(FailedDisable, IsSuccessForTheVmAndLeavesTheClockInDoubt) {
  Rig rig(PairBoard());
  rig.Call(kSame, Enable(kVic));
  const Ticket off = rig.Ask(kSame, Disable(kVic));
  rig.End(Fate::kRefused, mrq::Error::kIo);
  ASSERT_TRUE(rig.Answered(off));
  EXPECT_EQ(rig.ErrorOf(off), 0);
  EXPECT_EQ(rig.Status(kVic).gate, GateState::kUnknown);
  EXPECT_TRUE(rig.Holders(kVic).empty());
  EXPECT_TRUE(rig.core().NeedsMaintenance());
  rig.Maintain();
  rig.RunAll();
  EXPECT_EQ(rig.Status(kVic).gate, GateState::kOff);
  EXPECT_FALSE(rig.firmware().on(kVic));
  EXPECT_FALSE(rig.core().NeedsMaintenance());
}

TEST(FailedDisable, EndsInQuarantineWhenItKeepsFailing) {
  Options options;
  options.max_retries = 2;
  Rig rig(PairBoard(), options);
  rig.Call(kSame, Enable(kVic));
  rig.Ask(kSame, Disable(kVic));
  rig.End(Fate::kRefused);
  int tries = 0;
  while (rig.core().NeedsMaintenance() && tries < 10) {
    rig.Maintain();
    while (rig.in_flight() > 0) rig.End(Fate::kRefused);
    ++tries;
  }
  EXPECT_LT(tries, 10);
  EXPECT_THAT(rig.core().Quarantined(), ::testing::ElementsAre(Resource::Of(kVic)));
  EXPECT_EQ(rig.Error(kOther, Enable(kVic)), -16);
  EXPECT_TRUE(rig.ClearQuarantine(Resource::Of(kVic)).ok());
  rig.RunAll();
  EXPECT_EQ(rig.Error(kOther, Enable(kVic)), 0);
  EXPECT_EQ(rig.ClearQuarantine(Resource::Of(kVic)).code(), absl::StatusCode::kNotFound);
}

TEST(FailedDisable, DoesNotKeepTheNextEnableFromWorking) {
  Rig rig(PairBoard());
  rig.Call(kSame, Enable(kVic));
  rig.Ask(kSame, Disable(kVic));
  rig.End(Fate::kRefused);
  EXPECT_EQ(rig.Error(kSame, Enable(kVic)), 0);
  EXPECT_TRUE(rig.firmware().on(kVic));
  ExpectConsistent(&rig);
}

}  // namespace
}  // namespace bpmp::core::testing
