// SPDX-License-Identifier: Apache-2.0
// Limits that a VM states itself for a clock that goes by `range`.
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// lane goes by `range` and runs at 60 MHz. The policy limits can0 to 20..80 MHz.
class StatedRange : public ::testing::Test {
 protected:
  static Board Limited() {
    Board board = MakeBoard();
    board.spec.vms[kCan0Vm.value() - 1].rate_limits = {{"lane", 20 * kMHz, 80 * kMHz, {}}};
    return board;
  }

  static int64_t RateIn(const mrq::Response& response) {
    return response.ok() ? mrq::ReadRate(response).value_or(-1) / kMHz : response.error;
  }
  // The answer's rate in MHz, or its error. Explain() must have said the same.
  int64_t State(VmId vm, ClockId clock, int64_t min_mhz, int64_t max_mhz) {
    const mrq::Request request = SetRate(clock, min_mhz * kMHz);
    said_ = rig_.core().Explain(vm, request, max_mhz * kMHz);
    const Ticket ticket = rig_.Ask(vm, request, max_mhz * kMHz);
    const bool at_once = rig_.Answered(ticket);
    rig_.RunAll();
    reason_ = rig_.Of(ticket).reason;
    EXPECT_EQ(said_.error, rig_.ErrorOf(ticket)) << said_.text;
    if (at_once) {
      EXPECT_EQ(said_.reason, reason_) << said_.text;
    }
    return RateIn(*rig_.Of(ticket).answer);
  }
  int64_t Set(VmId vm, int64_t mhz) { return RateIn(rig_.Call(vm, SetRate(kLane, mhz * kMHz))); }
  int64_t Now() { return rig_.firmware().rate(kLane) / kMHz; }
  std::vector<RateVote> Votes() { return rig_.Status(kLane).rate_votes; }

  Rig rig_{Limited()};
  Explanation said_;
  Reason reason_ = Reason::kNone;
};

// --- Alone ---

TEST_F(StatedRange, TheLowestRateOfItIsSet) {
  EXPECT_EQ(State(kCan1Vm, kLane, 30, 50), 30);
  EXPECT_EQ(Now(), 30);
  ASSERT_THAT(Votes(), SizeIs(1));
  EXPECT_EQ(Votes()[0].min_hz, 30 * kMHz);
  EXPECT_EQ(Votes()[0].max_hz, 50 * kMHz);
}

TEST_F(StatedRange, TheCurrentRateNeedsNoHardware) {
  rig_.backend().ClearLog();
  EXPECT_EQ(State(kCan1Vm, kLane, 60, 70), 60);
  EXPECT_THAT(rig_.Log(), IsEmpty());
  EXPECT_EQ(Votes()[0].max_hz, 70 * kMHz);
}

TEST_F(StatedRange, LaterRatesStayWithinIt) {
  State(kCan1Vm, kLane, 30, 50);
  EXPECT_EQ(Set(kCan1Vm, 40), 40);
  EXPECT_EQ(Set(kCan1Vm, 10), 30);
  EXPECT_EQ(Set(kCan1Vm, 60), kBusy);
  EXPECT_EQ(Now(), 30);
  EXPECT_EQ(RateIn(rig_.Call(kCan1Vm, RoundRate(kLane, 10 * kMHz))), 30);
}

TEST_F(StatedRange, AnotherTakesItsPlace) {
  State(kCan1Vm, kLane, 30, 50);
  EXPECT_EQ(State(kCan1Vm, kLane, 70, 90), 70);
  EXPECT_EQ(State(kCan1Vm, kLane, 10, 90), 10);
}

// --- Within the policy's limits ---

TEST_F(StatedRange, ThePolicysLimitsCountToo) {
  EXPECT_EQ(State(kCan0Vm, kLane, 10, 100), 20);
  EXPECT_EQ(Set(kCan0Vm, 90), kBusy);
}

TEST_F(StatedRange, WhatIsOutsideThePolicysLimitsIsInvalid) {
  EXPECT_EQ(State(kCan0Vm, kLane, 10, 19), kInval);
  EXPECT_EQ(reason_, Reason::kOutsideLimits);
  EXPECT_EQ(State(kCan0Vm, kLane, 81, 100), kInval);
  EXPECT_THAT(Votes(), IsEmpty());
  EXPECT_EQ(Now(), 60);
}

TEST_F(StatedRange, AnEmptyRangeIsInvalid) {
  EXPECT_EQ(State(kCan1Vm, kLane, 50, 49), kInval);
  EXPECT_EQ(reason_, Reason::kBadArgument);
  EXPECT_EQ(State(kCan1Vm, kLane, 0, 49), kInval);
  EXPECT_EQ(State(kCan1Vm, kLane, -5, 49), kInval);
}

TEST_F(StatedRange, APolicyThatLeavesNothingOfItTakesItsPlace) {
  State(kCan1Vm, kLane, 30, 50);
  PolicySpec spec = Limited().spec;
  spec.vms[kCan1Vm.value() - 1].rate_limits = {{"lane", 60 * kMHz, 70 * kMHz, {}}};
  ASSERT_TRUE(rig_.Install(spec).ok());
  EXPECT_EQ(Set(kCan1Vm, 65), 65);
  rig_.Call(kCan1Vm, Enable(kLane));
}

// --- With others ---

TEST_F(StatedRange, WhatIsInEverybodysRangeIsSet) {
  EXPECT_EQ(State(kCan0Vm, kLane, 30, 50), 30);
  EXPECT_EQ(State(kCan1Vm, kLane, 40, 60), 40);
  EXPECT_EQ(State(kCan0Vm, kLane, 35, 45), 40);
}

TEST_F(StatedRange, DisjointRangesAreBusy) {
  EXPECT_EQ(State(kCan0Vm, kLane, 30, 50), 30);
  EXPECT_EQ(State(kCan1Vm, kLane, 51, 60), kBusy);
  EXPECT_EQ(reason_, Reason::kDisjointRange);
  EXPECT_THAT(said_.text, HasSubstr("In the way: can0-vm."));
  EXPECT_EQ(State(kCan1Vm, kLane, 10, 29), kBusy);
  EXPECT_EQ(Now(), 30);
  EXPECT_THAT(Votes(), SizeIs(1));
}

TEST_F(StatedRange, ARateThatWasRoundedHidesNoConflict) {
  const Ticket first = rig_.Ask(kCan0Vm, SetRate(kLane, 30'500'000), 50 * kMHz);
  rig_.RunAll();
  ASSERT_EQ(RateIn(*rig_.Of(first).answer), 30);
  const Ticket second = rig_.Ask(kCan1Vm, SetRate(kLane, 30 * kMHz), 30'400'000);
  EXPECT_EQ(rig_.ErrorOf(second), kBusy);
}

TEST_F(StatedRange, WhatAKernelAskedForCountsAsItsLowest) {
  EXPECT_EQ(Set(kCan0Vm, 50), 50);
  EXPECT_EQ(State(kCan1Vm, kLane, 20, 40), kBusy);
  EXPECT_EQ(State(kCan1Vm, kLane, 20, 70), 50);
  EXPECT_EQ(Set(kCan0Vm, 75), kBusy) << "can1 takes no more than 70 MHz";
}

TEST_F(StatedRange, APinnedRateIsBusy) {
  EXPECT_EQ(rig_.Error(kHost, SetRate(kLane, 40 * kMHz)), 0);
  EXPECT_EQ(State(kCan1Vm, kLane, 30, 50), kBusy);
  EXPECT_EQ(reason_, Reason::kPinnedRate);
}

// --- Not for this clock, or not for this VM ---

TEST_F(StatedRange, OnlyClocksThatGoByRangeHaveOne) {
  for (const ClockId clock : {kBus, kLink}) {
    EXPECT_EQ(State(kCan0Vm, clock, 30, 50), kInval) << ToString(clock);
    EXPECT_EQ(reason_, Reason::kNotByRange);
  }
  EXPECT_EQ(State(kUartVm, kUart, 30, 50), kInval);
  EXPECT_EQ(State(kHost, kLane, 30, 50), kInval);
}

TEST_F(StatedRange, WhoMayNotSetTheRateMayNotLimitIt) {
  EXPECT_EQ(State(kUartVm, kLane, 30, 50), kAccess);
  EXPECT_EQ(State(kSpiVm, kUart, 30, 50), kAccess);
  EXPECT_EQ(State(kCan0Vm, kHole, 30, 50), kInval);
  EXPECT_EQ(reason_, Reason::kUnknownId);
}

TEST_F(StatedRange, OnlySetRateTakesOne) {
  for (const mrq::Request& request : {Enable(kLane), RoundRate(kLane, kMHz), Assert(kUartReset)}) {
    const Ticket ticket = rig_.Ask(kCan0Vm, request, 50 * kMHz);
    ASSERT_TRUE(rig_.Answered(ticket));
    EXPECT_EQ(rig_.ErrorOf(ticket), kInval);
    EXPECT_EQ(rig_.core().Explain(kCan0Vm, request, 50 * kMHz).error, kInval);
  }
}

// --- Its end ---

TEST_F(StatedRange, ItEndsWithTheVote) {
  State(kCan0Vm, kLane, 30, 50);
  rig_.Call(kCan0Vm, Enable(kLane));
  EXPECT_EQ(Set(kCan1Vm, 60), kBusy);
  rig_.Call(kCan0Vm, Disable(kLane));
  EXPECT_EQ(Set(kCan1Vm, 60), 60);
  EXPECT_EQ(Set(kCan0Vm, 70), 70);
}

TEST_F(StatedRange, ItEndsWithTheVm) {
  State(kCan0Vm, kLane, 30, 50);
  rig_.Released(kCan0Vm);
  EXPECT_EQ(Now(), 60);
  EXPECT_THAT(Votes(), IsEmpty());
  EXPECT_EQ(Set(kCan1Vm, 70), 70);
}

TEST_F(StatedRange, AWaitingOneIsJudgedWhenItIsItsTurn) {
  const Ticket first = rig_.Ask(kCan0Vm, SetRate(kLane, 30 * kMHz), 50 * kMHz);
  const Ticket second = rig_.Ask(kCan1Vm, SetRate(kLane, 55 * kMHz), 70 * kMHz);
  EXPECT_EQ(rig_.Of(second).kind, Decision::Kind::kWait);
  rig_.RunAll();
  EXPECT_EQ(RateIn(*rig_.Of(first).answer), 30);
  EXPECT_EQ(RateIn(*rig_.Of(second).answer), kBusy);
}

TEST_F(StatedRange, WhatFailedLeavesNone) {
  const Ticket ticket = rig_.Ask(kCan0Vm, SetRate(kLane, 30 * kMHz), 50 * kMHz);
  for (int i = 0; i < 100 && rig_.Flying() != "CLK SET_RATE clock 24 to 30000000 Hz"; ++i) {
    rig_.End();
  }
  rig_.End(FakeBackend::Fate::kRefused);
  rig_.RunAll();
  EXPECT_NE(rig_.ErrorOf(ticket), 0);
  EXPECT_THAT(Votes(), IsEmpty());
  EXPECT_EQ(Set(kCan1Vm, 70), 70);
}

// --- Through the ledger ---

TEST_F(StatedRange, EachStepIsAChange) {
  rig_.observer().changes.clear();
  State(kCan1Vm, kLane, 30, 50);
  rig_.Released(kCan1Vm);
  std::string changes;
  for (const Change& change : rig_.observer().changes) {
    if (change.kind == Change::Kind::kRateMin) changes += "min " + std::to_string(change.value);
    if (change.kind == Change::Kind::kRateMax) changes += "max " + std::to_string(change.value);
  }
  EXPECT_EQ(changes, "min 30000000max 50000000min 0max 0");
}

}  // namespace
}  // namespace bpmp::core::testing
