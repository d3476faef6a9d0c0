// SPDX-License-Identifier: Apache-2.0
// The five ways to decide a clock's rate, and changes that move other clocks.
#include <cstdint>
#include <optional>
#include <string>

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

using ::testing::Contains;
using ::testing::IsEmpty;
using Fate = FakeBackend::Fate;

class RatesTest : public ::testing::Test {
 protected:
  static int64_t RateIn(const mrq::Response& response) {
    return response.ok() ? mrq::ReadRate(response).value_or(-1) : response.error;
  }
  // The answer's rate, or its error.
  int64_t Set(VmId vm, ClockId clock, int64_t mhz) {
    const int64_t answer = RateIn(rig_.Call(vm, SetRate(clock, mhz * kMHz)));
    return answer > 0 ? answer / kMHz : answer;
  }
  int64_t Round(VmId vm, ClockId clock, int64_t mhz) {
    return RateIn(rig_.Call(vm, RoundRate(clock, mhz * kMHz))) / kMHz;
  }
  int64_t Now(ClockId clock) { return rig_.firmware().rate(clock) / kMHz; }

  Rig rig_;
};

// --- fixed ---

TEST_F(RatesTest, AFixedRateIsNobodysToSet) {
  EXPECT_EQ(Set(kCan0Vm, kI2c, 20), kAccess);
  EXPECT_EQ(Round(kCan0Vm, kI2c, 20), 40);
  EXPECT_EQ(Now(kI2c), 40);
}

// --- first ---

TEST_F(RatesTest, TheFirstToSetTheRateLocksIt) {
  EXPECT_EQ(Set(kCan0Vm, kLink, 20), 20);
  EXPECT_EQ(Set(kCan1Vm, kLink, 30), kBusy);
  EXPECT_EQ(Set(kCan1Vm, kLink, 20), 20);  // what it already is
  EXPECT_EQ(Round(kCan1Vm, kLink, 30), 20);
  EXPECT_EQ(Set(kCan0Vm, kLink, 25), 25);
}

TEST_F(RatesTest, TheFirstToEnableLocksTheRate) {
  rig_.Call(kCan0Vm, Enable(kLink));
  EXPECT_EQ(Set(kCan1Vm, kLink, 30), kBusy);
  EXPECT_EQ(Set(kCan0Vm, kLink, 30), 30);
}

TEST_F(RatesTest, TheLockEndsWithTheVmThatHasIt) {
  EXPECT_EQ(Set(kCan0Vm, kLink, 20), 20);
  rig_.Released(kCan0Vm);
  EXPECT_EQ(Set(kCan1Vm, kLink, 30), 30);
}

TEST_F(RatesTest, TheLockEndsWithTheDisable) {
  rig_.Call(kCan0Vm, Enable(kLink));
  rig_.Call(kCan0Vm, Disable(kLink));
  EXPECT_EQ(Set(kCan1Vm, kLink, 30), 30);
}

// --- max ---

TEST_F(RatesTest, TheHighestVoteWins) {
  EXPECT_EQ(Set(kCan0Vm, kBus, 20), 20);
  EXPECT_EQ(Set(kCan1Vm, kBus, 30), 30);
  EXPECT_EQ(Now(kBus), 30);
  // A lower vote is kept, and answered with the rate that it gets.
  EXPECT_EQ(Set(kCan0Vm, kBus, 25), 30);
  EXPECT_EQ(Now(kBus), 30);
}

TEST_F(RatesTest, TheRateFollowsTheVotesThatRemain) {
  rig_.Call(kCan0Vm, Enable(kBus));
  rig_.Call(kCan1Vm, Enable(kBus));
  EXPECT_EQ(Set(kCan0Vm, kBus, 70), 70);
  EXPECT_EQ(Set(kCan1Vm, kBus, 90), 90);
  rig_.Call(kCan1Vm, Disable(kBus));
  EXPECT_EQ(Now(kBus), 70);
}

TEST_F(RatesTest, RoundRateAnswersWhatSetRateWouldGive) {
  EXPECT_EQ(Set(kCan1Vm, kBus, 90), 90);
  EXPECT_EQ(Round(kCan0Vm, kBus, 70), 90);
  EXPECT_EQ(Round(kCan0Vm, kBus, 100), 100);
  EXPECT_EQ(Now(kBus), 90);
}

// A kernel sends no SET_RATE for a rate that the clock has: being told it is a vote.
TEST_F(RatesTest, EnablingIsAVoteForTheRateOneWasTold) {
  rig_.Call(kCan0Vm, Enable(kBus));
  EXPECT_EQ(Set(kCan1Vm, kBus, 30), 60);
  EXPECT_EQ(Now(kBus), 60);
}

// --- range ---

class RangeTest : public RatesTest {
 protected:
  static Board RangeBoard() {
    Board board = MakeBoard();
    Limit(&board, kCan0Vm, 20, 50);
    Limit(&board, kCan1Vm, 10, 40);
    return board;
  }
  static void Limit(Board* board, VmId vm, int64_t min_mhz, int64_t max_mhz) {
    RateLimits limits;
    limits.clock = "lane";
    limits.min_hz = min_mhz * kMHz;
    limits.max_hz = max_mhz * kMHz;
    board->spec.vms[vm.value() - 1].rate_limits.push_back(limits);
  }
  RangeTest() : limited_(RangeBoard()) {}
  int64_t SetLane(VmId vm, int64_t mhz) {
    const mrq::Response response = limited_.Call(vm, SetRate(kLane, mhz * kMHz));
    return response.ok() ? mrq::ReadRate(response).value_or(-1) / kMHz : response.error;
  }

  Rig limited_;
};

TEST_F(RangeTest, AVmStaysWithinItsOwnLimits) {
  EXPECT_EQ(SetLane(kCan0Vm, 30), 30);
  EXPECT_EQ(SetLane(kCan0Vm, 45), 45);
  EXPECT_EQ(SetLane(kCan0Vm, 80), kBusy);
  EXPECT_EQ(limited_.firmware().rate(kLane), 45 * kMHz);
}

TEST_F(RangeTest, ARateMeansAtLeastThat) {
  EXPECT_EQ(SetLane(kCan0Vm, 30), 30);
  EXPECT_EQ(SetLane(kCan1Vm, 15), 30);  // [15, 40] and [30, 50]
  EXPECT_EQ(SetLane(kCan1Vm, 35), 35);
}

TEST_F(RangeTest, DisjointRangesAreRefused) {
  EXPECT_EQ(SetLane(kCan1Vm, 40), 40);
  EXPECT_EQ(SetLane(kCan0Vm, 45), kBusy);
  EXPECT_EQ(limited_.firmware().rate(kLane), 40 * kMHz);
  limited_.Released(kCan1Vm);
  EXPECT_EQ(SetLane(kCan0Vm, 45), 45);
}

// --- owner, and the host ---

TEST_F(RatesTest, APinnedRateGivesWayWhenItIsUnpinned) {
  rig_.Call(kHost, Enable(kUart));
  rig_.Call(kHost, SetRate(kUart, 30 * kMHz));
  EXPECT_EQ(Now(kUart), 30);
  EXPECT_EQ(Set(kUartVm, kUart, 20), kBusy);
  rig_.Call(kHost, Disable(kUart));
  EXPECT_EQ(Set(kUartVm, kUart, 20), 20);
}

TEST_F(RatesTest, AConfiguredPinAppliesAtTheStart) {
  Board board = MakeBoard();
  PinSpec pin;
  pin.resource = "uart";
  pin.rate_hz = 24 * kMHz;
  board.spec.pins.push_back(pin);
  Rig pinned(std::move(board));
  EXPECT_TRUE(pinned.firmware().on(kUart));
  EXPECT_EQ(pinned.firmware().rate(kUart), 24 * kMHz);
  const ResourceStatus status = pinned.Status(kUart);
  EXPECT_TRUE(status.pinned);
  EXPECT_EQ(status.pinned_rate_hz, 24 * kMHz);
  EXPECT_THAT(status.holders, Contains(kHost));
}

// --- Faults ---

TEST_F(RatesTest, ALostAnswerIsReadBackBeforeTheRateIsRecorded) {
  for (const Fate fate : {Fate::kLostDone, Fate::kLostUndone}) {
    const Ticket ticket = rig_.Ask(kUartVm, SetRate(kUart, 20 * kMHz));
    while (rig_.in_flight() > 0 && rig_.Flying() != "CLK SET_RATE clock 8 to 20000000 Hz") {
      rig_.End();
    }
    rig_.End(fate);
    EXPECT_FALSE(rig_.Answered(ticket));
    rig_.RunAll();
    const bool done = fate == Fate::kLostDone;
    EXPECT_EQ(rig_.ErrorOf(ticket), done ? 0 : -23);
    EXPECT_EQ(Now(kUart), done ? 20 : 48);
    EXPECT_EQ(rig_.Status(kUart).rate_hz, Now(kUart) * kMHz);
    rig_.Released(kUartVm);
    EXPECT_EQ(Now(kUart), 48);
  }
}

TEST_F(RatesTest, ARefusedChangeIsTheFirmwaresErrorAndOwesNothing) {
  const Ticket ticket = rig_.Ask(kUartVm, SetRate(kUart, 20 * kMHz));
  while (rig_.in_flight() > 0 && rig_.Flying() != "CLK SET_RATE clock 8 to 20000000 Hz") {
    rig_.End();
  }
  rig_.End(Fate::kRefused, mrq::Error::kRange);
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(ticket), -34);
  rig_.backend().ClearLog();
  rig_.Released(kUartVm);
  EXPECT_THAT(rig_.Edges(), IsEmpty());
}

// --- Moving others ---

class MovingTest : public RatesTest {
 protected:
  // The PLL behind both follows vic, and nvdec with it.
  void SetUp() override { rig_.firmware().Couple(kVic, kNvdec); }
};

TEST_F(MovingTest, AChangeThatMovesAnothersRunningClockIsUndone) {
  rig_.Call(kNvdecVm, Enable(kNvdec));
  EXPECT_EQ(Set(kVicVm, kVic, 100), kBusy);
  EXPECT_EQ(Now(kVic), 150);
  EXPECT_EQ(Now(kNvdec), 150);
  EXPECT_EQ(rig_.Status(kNvdec).rate_hz, 150 * kMHz);
  EXPECT_EQ(rig_.observer().Count(EventKind::kMoved), 1u);
  EXPECT_EQ(rig_.observer().Count(EventKind::kConflict), 1u);
  // Nothing is owed for what was undone.
  rig_.backend().ClearLog();
  rig_.Released(kVicVm);
  EXPECT_THAT(rig_.Edges(), IsEmpty());
}

TEST_F(MovingTest, AChangeThatMovesAnIdleClockIsMade) {
  EXPECT_EQ(Set(kVicVm, kVic, 100), 100);
  EXPECT_EQ(Now(kNvdec), 100);
  // Nobody is told the old rate.
  EXPECT_EQ(RateIn(rig_.Call(kNvdecVm, GetRate(kNvdec))), 100 * kMHz);
}

}  // namespace
}  // namespace bpmp::core::testing
