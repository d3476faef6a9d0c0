// SPDX-License-Identifier: Apache-2.0
// RequestTable: what is asked before the guest asks it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "qemu-client/src/request_table_fixture.h"

namespace bpmp::client {
namespace {

class RequestTableAheadTest : public RequestTableFixture {
 protected:
  RequestTableAheadTest() { table_.Connected(64, At(0)); }

  int Look(Result* result, uint8_t clock, int64_t ms = 0, size_t rx_size = 4) {
    Call call;
    call.mrq = 22;
    // As from a frame, which doesn't say how much of it counts.
    const std::vector<uint8_t> tx = {clock, 0, 0, 14, junk_++, 0xee};
    call.tx = tx;
    call.rx_size = rx_size;
    call.timeout = kTimeout;
    call.waiter = result->waiter();
    call.read_ahead = true;
    return table_.Submit(call, At(ms), &wake_);
  }
  // Clocks 3 and 4, asked and answered; what was sent for 5.
  Outgoing GuessOf5(int64_t ms = 0) {
    Result result;
    for (uint8_t clock = 3; clock <= 4; ++clock) {
      EXPECT_EQ(Look(&result, clock, ms), 0);
      Answer(TakeNow(), ms, 0, {clock});
    }
    EXPECT_EQ(result.times, 2);
    return TakeNow();
  }
  Outgoing TakeNow() {
    const auto out = Take();
    EXPECT_TRUE(out.has_value());
    return out.value_or(Outgoing());
  }
  static std::vector<uint8_t> Sent(const Outgoing& out) {
    return {out.tx.begin(), out.tx.begin() + out.tx_size};
  }

  uint8_t junk_ = 0;
  Result result_;
};

TEST_F(RequestTableAheadTest, TheNextOfARowIsAskedAhead) {
  const Outgoing guess = GuessOf5();
  EXPECT_EQ(guess.kind, Outgoing::Kind::kRequest);
  EXPECT_EQ(guess.mrq, 22u);
  EXPECT_EQ(guess.rx_size, 4u);
  EXPECT_EQ(Sent(guess), (std::vector<uint8_t>{5, 0, 0, 14}));
  EXPECT_FALSE(Take().has_value());
}

TEST_F(RequestTableAheadTest, AnAnswerThatIsThereIsGivenAtOnce) {
  Answer(GuessOf5(), 1, 0, {55, 56});
  ASSERT_EQ(Look(&result_, 5, 1), 0);
  EXPECT_EQ(result_.times, 1);
  EXPECT_EQ(result_.status, 0);
  EXPECT_EQ(result_.rx, std::string("78\0\0", 4));
  EXPECT_EQ(Sent(TakeNow()), (std::vector<uint8_t>{6, 0, 0, 14})) << "and the row goes on";
  EXPECT_FALSE(Take().has_value());
}

TEST_F(RequestTableAheadTest, AnErrorIsAnAnswerToo) {
  Answer(GuessOf5(), 1, -22, {55});
  ASSERT_EQ(Look(&result_, 5, 1), 0);
  EXPECT_EQ(result_.times, 1);
  EXPECT_EQ(result_.error, -22);
  EXPECT_EQ(result_.rx, "");
}

TEST_F(RequestTableAheadTest, AnAnswerOnItsWayIsWaitedFor) {
  const Outgoing guess = GuessOf5();
  ASSERT_EQ(Look(&result_, 5, 1), 0);
  EXPECT_EQ(result_.times, 0);
  EXPECT_EQ(Sent(TakeNow()), (std::vector<uint8_t>{6, 0, 0, 14})) << "5 isn't asked twice";
  Answer(guess, 2, 0, {55});
  EXPECT_EQ(result_.times, 1);
  EXPECT_EQ(result_.rx, std::string("7\0\0\0", 4));
}

TEST_F(RequestTableAheadTest, WhatWasClaimedEndsAsIfItHadBeenAskedThen) {
  GuessOf5(0);
  ASSERT_EQ(Look(&result_, 5, 8), 0);
  table_.Tick(At(1001));
  EXPECT_EQ(result_.times, 0) << "the guess would be over by now";
  table_.Tick(At(1008));
  EXPECT_EQ(result_.times, 1);
  EXPECT_EQ(result_.status, -ETIMEDOUT);
}

TEST_F(RequestTableAheadTest, AGuessMayBeRightLater) {
  const Outgoing guess = GuessOf5();
  ASSERT_EQ(Look(&result_, 9, 1), 0);
  const Outgoing asked = TakeNow();
  EXPECT_EQ(Sent(asked)[0], 9);
  EXPECT_FALSE(Take().has_value()) << "one guess at a time";
  Answer(guess, 2, 0, {55});
  EXPECT_EQ(result_.times, 0);
  Answer(asked, 2, 0, {99});
  EXPECT_EQ(result_.rx, std::string("c\0\0\0", 4));
  Result later;
  ASSERT_EQ(Look(&later, 5, 3), 0);
  EXPECT_EQ(later.times, 1);
  EXPECT_EQ(later.rx, std::string("7\0\0\0", 4));
}

TEST_F(RequestTableAheadTest, WhatTheGuestDoesMeanwhileEndsAGuessOnItsWay) {
  const Outgoing guess = GuessOf5();
  Result enabled;
  ASSERT_EQ(Submit(&enabled, 1, {5, 0, 0, 7}), 0);
  Answer(guess, 1, 0, {55});
  Answer(TakeNow(), 1);
  ASSERT_EQ(Look(&result_, 5, 1), 0);
  EXPECT_EQ(result_.times, 0);
  EXPECT_EQ(Sent(TakeNow())[0], 5);
}

TEST_F(RequestTableAheadTest, WhatTheGuestDoesEndsAnAnswerThatIsKept) {
  Answer(GuessOf5(), 1, 0, {55});
  Result enabled;
  ASSERT_EQ(Submit(&enabled, 1, {5, 0, 0, 7}), 0);
  Answer(TakeNow(), 1);
  ASSERT_EQ(Look(&result_, 5, 1), 0);
  EXPECT_EQ(result_.times, 0);
  EXPECT_TRUE(Take().has_value());
}

TEST_F(RequestTableAheadTest, NothingIsGuessedWhileSomethingChanges) {
  Result enabled;
  ASSERT_EQ(Submit(&enabled, 0, {5, 0, 0, 7}), 0);
  const Outgoing enable = TakeNow();
  for (uint8_t clock = 3; clock <= 4; ++clock) {
    ASSERT_EQ(Look(&result_, clock), 0);
    Answer(TakeNow(), 0, 0, {0});
    EXPECT_FALSE(Take().has_value()) << "the answer could be that of before";
  }
  Answer(enable, 1);
  ASSERT_EQ(Look(&result_, 5, 1), 0);
  EXPECT_EQ(Sent(TakeNow())[0], 5);
  EXPECT_EQ(Sent(TakeNow())[0], 6);
}

TEST_F(RequestTableAheadTest, AResetEndsAGuess) {
  const Outgoing guess = GuessOf5();
  Result reset;
  ASSERT_EQ(Reset(&reset, 1), 0);
  Answer(guess, 1, 0, {55});
  const Outgoing sent = TakeNow();
  ASSERT_EQ(sent.kind, Outgoing::Kind::kReset);
  ASSERT_EQ(Look(&result_, 5, 1), 0);
  EXPECT_EQ(result_.times, 0);
  ASSERT_EQ(Look(&result_, 6, 1), 0);
  table_.OnResetDone(sent.sequence, At(1));
  EXPECT_EQ(Sent(TakeNow())[0], 5);
  EXPECT_EQ(Sent(TakeNow())[0], 6);
  EXPECT_FALSE(Take().has_value()) << "what was asked before the reset was done makes no row";
}

TEST_F(RequestTableAheadTest, AnAnswerOfTheConnectionBeforeIsNone) {
  Answer(GuessOf5(), 1, 0, {55});
  table_.Disconnected(0);
  table_.Connected(64, At(2));
  ASSERT_EQ(Look(&result_, 5, 2), 0);
  EXPECT_EQ(result_.times, 0);
}

TEST_F(RequestTableAheadTest, AGuessThatWasNotSentEndsWithTheConnection) {
  for (uint8_t clock = 3; clock <= 4; ++clock) {
    ASSERT_EQ(Look(&result_, clock), 0);
    if (clock == 3) Answer(TakeNow(), 0);
  }
  Answer(TakeNow(), 0);
  EXPECT_EQ(table_.waiting(), 1u);
  table_.Disconnected(0);
  EXPECT_EQ(table_.waiting(), 0u);
  table_.Connected(64, At(2));
  EXPECT_FALSE(Take().has_value());
}

TEST_F(RequestTableAheadTest, AnOldGuessIsAskedAgain) {
  const Outgoing guess = GuessOf5();
  ASSERT_EQ(Look(&result_, 5, 11), 0);
  EXPECT_EQ(Sent(TakeNow())[0], 5);
  Answer(guess, 12, 0, {1});
  EXPECT_EQ(result_.times, 0);
}

TEST_F(RequestTableAheadTest, AGuessCostsNoPlaceAndIsNone) {
  GuessOf5();
  std::vector<Result> results(kMaxWaiting);
  for (Result& result : results) ASSERT_EQ(Look(&result, 9), 0);
  EXPECT_EQ(Look(&result_, 5), -EBUSY);
  Answer(TakeNow(), 1);
  EXPECT_EQ(Look(&result_, 5), 0);
  EXPECT_EQ(Submit(&result_), -EBUSY);
}

TEST_F(RequestTableAheadTest, AGuessLeavesRoomForARequest) {
  table_.Disconnected(0);
  table_.Connected(2, At(0));
  for (uint8_t clock = 3; clock <= 4; ++clock) {
    ASSERT_EQ(Look(&result_, clock), 0);
    Answer(TakeNow(), 0);
    EXPECT_FALSE(Take().has_value());
  }
}

TEST_F(RequestTableAheadTest, WhatTimedOutMayStillBeAtWork) {
  Result slow;
  ASSERT_EQ(Submit(&slow, 0, {5, 0, 0, 2}), 0);
  const Outgoing set_rate = TakeNow();
  EXPECT_TRUE(table_.Tick(At(500)).write);
  table_.OnKeepAlive(TakeNow().sequence, At(900));
  table_.Tick(At(1000));
  ASSERT_EQ(slow.status, -ETIMEDOUT);
  for (uint8_t clock = 3; clock <= 4; ++clock) {
    ASSERT_EQ(Look(&result_, clock, 1000), 0);
    Answer(TakeNow(), 1000);
    EXPECT_FALSE(Take().has_value());
  }
  Answer(set_rate, 1001);
  ASSERT_EQ(Look(&result_, 5, 1001), 0);
  EXPECT_EQ(Sent(TakeNow())[0], 5);
  EXPECT_EQ(Sent(TakeNow())[0], 6);
}

TEST_F(RequestTableAheadTest, ANewerAnswerEndsAGuess) {
  Answer(GuessOf5(), 1, 0, {55});
  ASSERT_EQ(Look(&result_, 5, 1, 8), 0);
  Answer(TakeNow(), 1, 0, {56});
  Result later;
  ASSERT_EQ(Look(&later, 5, 1), 0);
  EXPECT_EQ(later.times, 0);
}

TEST_F(RequestTableAheadTest, WhoWaitsInBetweenEndsAGuess) {
  Answer(GuessOf5(), 1, 0, {55});
  Result waited;
  ASSERT_EQ(Submit(&waited, 1, {5, 0, 0, 14}), 0);
  Answer(TakeNow(), 1);
  ASSERT_EQ(Look(&result_, 5, 1), 0);
  EXPECT_EQ(result_.times, 0);
}

TEST_F(RequestTableAheadTest, WhoDoesNotWantItHasNone) {
  for (uint8_t clock = 3; clock <= 5; ++clock) {
    ASSERT_EQ(Submit(&result_, 0, {clock, 0, 0, 14}), 0);
    Answer(TakeNow(), 0);
    EXPECT_FALSE(Take().has_value());
  }
}

TEST_F(RequestTableAheadTest, AGuessThatIsNeverAnsweredIsOver) {
  GuessOf5();
  EXPECT_TRUE(table_.Tick(At(500)).write) << "the broker is asked for a sign of life";
  const RequestTable::Ticked ticked = table_.Tick(At(1000));
  EXPECT_TRUE(ticked.ended);
  EXPECT_FALSE(ticked.blocked) << "the guest has waited for nothing";
  EXPECT_EQ(table_.waiting(), 0u);
}

TEST_F(RequestTableAheadTest, ClosingTellsNobodyOfAGuess) {
  GuessOf5();
  table_.Close();
  EXPECT_EQ(table_.waiting(), 0u);
}

}  // namespace
}  // namespace bpmp::client
