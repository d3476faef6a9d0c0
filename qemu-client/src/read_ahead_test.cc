// SPDX-License-Identifier: Apache-2.0
#include "qemu-client/src/read_ahead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace bpmp::client {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

constexpr uint32_t kGetRate = 1;
constexpr uint32_t kIsEnabled = 6;
constexpr uint32_t kGetAllInfo = 14;

absl::Time At(int64_t ms) { return absl::UnixEpoch() + absl::Milliseconds(ms); }
Query Info(uint32_t clock, size_t rx_size = 4) { return {{kGetAllInfo, clock}, rx_size}; }
Query Rate(uint32_t clock) { return {{kGetRate, clock}, 4}; }
Query Enabled(uint32_t clock) { return {{kIsEnabled, clock}, 4}; }

std::optional<Query> Of(const std::vector<uint8_t>& tx, uint32_t mrq = 22) {
  return Query::Of(mrq, tx, 4);
}

// Of a guest that was told of clocks 0 to 29, but for 7.
class ReadAheadTest : public ::testing::Test {
 protected:
  ReadAheadTest() {
    for (uint32_t clock = 0; clock < 30; ++clock) {
      if (clock != 7) ahead_.Seen(Info(clock));
    }
  }
  ReadAhead ahead_;
};

TEST(Query, IsALookAtAClock) {
  EXPECT_THAT(Of({5, 1, 0, 14}), Optional(Query{{kGetAllInfo, 0x105}, 4}));
  EXPECT_THAT(Of({5, 1, 0, 1}), Optional(Query{{kGetRate, 0x105}, 4}));
  EXPECT_THAT(Of({5, 0, 0, 6, 99, 98}), Optional(Query{{kIsEnabled, 5}, 4})) << "the rest is noise";
  constexpr uint8_t kOthers[] = {0, 2, 3, 4, 5, 7, 8, 15, 0x46};
  for (const uint8_t command : kOthers) {
    EXPECT_EQ(Of({5, 0, 0, command}), std::nullopt) << int{command};
  }
  EXPECT_EQ(Of({5, 0, 14}), std::nullopt) << "cut off";
  EXPECT_EQ(Of({5, 0, 0, 14}, 66), std::nullopt) << "another MRQ";
}

TEST(ReadAhead, WhichClocksThereAreIsAskedByTheirIds) {
  ReadAhead ahead;
  EXPECT_THAT(ahead.Next(Info(0, 72)), Optional(Info(1, 72)));
  EXPECT_THAT(ahead.Next(Info(1)), Optional(Info(2)));
  EXPECT_EQ(ahead.Next(Enabled(1)), std::nullopt) << "it hasn't been told of any";
}

TEST_F(ReadAheadTest, TwoInARowMakeTheThird) {
  EXPECT_EQ(ahead_.Next(Rate(3)), std::nullopt);
  EXPECT_THAT(ahead_.Next(Rate(4)), Optional(Rate(5)));
  EXPECT_THAT(ahead_.Next(Rate(5)), Optional(Rate(6)));
  EXPECT_THAT(ahead_.Next(Rate(6)), Optional(Rate(8))) << "there is no 7";
}

TEST_F(ReadAheadTest, SwitchedOnClocksAreLookedForBackwards) {
  EXPECT_EQ(ahead_.Next(Enabled(9)), std::nullopt);
  EXPECT_THAT(ahead_.Next(Enabled(8)), Optional(Enabled(6)));
  EXPECT_THAT(ahead_.Next(Enabled(6)), Optional(Enabled(5)));
}

TEST_F(ReadAheadTest, WaysDoNotDisturbEachOther) {
  ahead_.Next(Rate(3));
  ahead_.Next(Enabled(20));
  EXPECT_THAT(ahead_.Next(Rate(4)), Optional(Rate(5)));
  EXPECT_THAT(ahead_.Next(Enabled(19)), Optional(Enabled(18)));
}

TEST_F(ReadAheadTest, ParentsInBetweenAreNotAskedTwice) {
  ahead_.Next(Rate(3));
  EXPECT_THAT(ahead_.Next(Rate(4)), Optional(Rate(5)));
  EXPECT_THAT(ahead_.Next(Rate(6)), Optional(Rate(8))) << "a parent of 5's";
  EXPECT_EQ(ahead_.Next(Rate(5)), std::nullopt) << "two wrong guesses";
  EXPECT_THAT(ahead_.Next(Rate(8)), Optional(Rate(9))) << "6 was asked";
}

TEST_F(ReadAheadTest, WhoAsksInNoOrderIsNotGuessed) {
  for (const uint32_t clock : {20U, 3U, 11U, 5U, 25U, 9U}) {
    EXPECT_EQ(ahead_.Next(Rate(clock)), std::nullopt) << clock;
  }
}

TEST_F(ReadAheadTest, EachClockIsGuessedOnceUntilTheGuestStartsAnew) {
  for (uint32_t round = 0; round < 2; ++round) {
    ahead_.Next(Rate(3));
    EXPECT_THAT(ahead_.Next(Rate(4)), Optional(Rate(5)));
    EXPECT_EQ(ahead_.Next(Rate(3)), std::nullopt);
    EXPECT_EQ(ahead_.Next(Rate(4)), std::nullopt);
    ahead_.Keep(Rate(5), At(0), 0, {});
    ahead_.Restart();
    EXPECT_FALSE(ahead_.Take(Rate(5), At(0)).has_value());
  }
}

TEST_F(ReadAheadTest, NothingFollowsTheLastClock) {
  ahead_.Next(Rate(28));
  EXPECT_EQ(ahead_.Next(Rate(29)), std::nullopt);
  ahead_.Next(Enabled(1));
  EXPECT_EQ(ahead_.Next(Enabled(0)), std::nullopt);
  ahead_.Next(Info(ReadAhead::kClocks - 2));
  EXPECT_EQ(ahead_.Next(Info(ReadAhead::kClocks - 1)), std::nullopt);
}

TEST_F(ReadAheadTest, NoClockIsTooHigh) {
  for (const uint32_t clock : {ReadAhead::kClocks, ReadAhead::kClocks + 1, 0xff'ffffU}) {
    ahead_.Seen(Info(clock));
    EXPECT_EQ(ahead_.Next(Info(clock)), std::nullopt);
    EXPECT_EQ(ahead_.Next(Enabled(clock)), std::nullopt);
  }
}

TEST_F(ReadAheadTest, AnAnswerIsTakenOnce) {
  ahead_.Keep(Info(9), At(0), 0, std::vector<uint8_t>{1, 2});
  EXPECT_FALSE(ahead_.Take(Info(8), At(1)).has_value());
  EXPECT_FALSE(ahead_.Take(Rate(9), At(1)).has_value());
  const auto answer = ahead_.Take(Info(9), At(1));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error, 0);
  EXPECT_EQ(answer->rx_size, 4u);
  EXPECT_THAT(std::vector<uint8_t>(answer->rx.begin(), answer->rx.begin() + 4),
              ElementsAre(1, 2, 0, 0));
  EXPECT_FALSE(ahead_.Take(Info(9), At(1)).has_value());
}

TEST_F(ReadAheadTest, AnErrorIsAnAnswerToo) {
  ahead_.Keep(Info(9), At(0), -22, {});
  EXPECT_EQ(ahead_.Take(Info(9), At(1))->error, -22);
}

TEST_F(ReadAheadTest, MoreThanWasAskedForIsCutOff) {
  ahead_.Keep(Info(9, 2), At(0), 0, std::vector<uint8_t>(200, 7));
  const auto answer = ahead_.Take(Info(9, 2), At(1));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->rx[1], 7);
  EXPECT_EQ(answer->rx[2], 0);
}

TEST_F(ReadAheadTest, AnAnswerOfAnotherSizeIsNone) {
  ahead_.Keep(Info(9), At(0), 0, {});
  EXPECT_FALSE(ahead_.Take(Info(9, 8), At(1)).has_value());
  EXPECT_FALSE(ahead_.Take(Info(9), At(1)).has_value()) << "it would be older than that one's";
}

TEST_F(ReadAheadTest, WhatMayHaveChangedIsDropped) {
  ahead_.Keep(Info(9), At(0), 0, {});
  ahead_.Drop();
  EXPECT_FALSE(ahead_.Take(Info(9), At(1)).has_value());
}

TEST_F(ReadAheadTest, AnOldAnswerIsNone) {
  ahead_.Keep(Info(9), At(0), 0, {});
  EXPECT_TRUE(ahead_.Take(Info(9), At(0) + ReadAhead::kFresh).has_value());
  ahead_.Keep(Info(9), At(0), 0, {});
  EXPECT_FALSE(ahead_.Take(Info(9), At(0) + ReadAhead::kFresh + absl::Microseconds(1)).has_value());
}

}  // namespace
}  // namespace bpmp::client
