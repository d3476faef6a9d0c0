// SPDX-License-Identifier: Apache-2.0
// Machine resets, and what the guest holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "qemu-client/src/request_table.h"
#include "qemu-client/src/request_table_fixture.h"

namespace bpmp::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RequestTableResetTest : public RequestTableFixture {};

// --- Resets -------------------------------------------------------------------------------------

TEST_F(RequestTableResetTest, AResetIsNeverTheFirstThingOnAStream) {
  table_.Connected(64, At(0));
  Result reset;
  ASSERT_EQ(Reset(&reset), 0);
  const auto ping = Take();
  ASSERT_TRUE(ping.has_value());
  EXPECT_EQ(ping->kind, Outgoing::Kind::kRequest);
  EXPECT_EQ(ping->mrq, 0u);
  const auto out = Take();
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->kind, Outgoing::Kind::kReset);
  EXPECT_FALSE(Take().has_value());
  Answer(*ping, 1);
  EXPECT_EQ(reset.times, 0);
  table_.OnResetDone(out->sequence, At(2));
  EXPECT_EQ(reset.status, 0);
  EXPECT_EQ(reset.times, 1);
}

TEST_F(RequestTableResetTest, AResetStaysBetweenWhatWasAskedBeforeAndAfter) {
  Result before;
  Result reset;
  Result after;
  ASSERT_EQ(Submit(&before, 0, {1}), 0);
  ASSERT_EQ(Reset(&reset), 0);
  ASSERT_EQ(Submit(&after, 0, {2}), 0);
  table_.Connected(64, At(1));
  EXPECT_EQ(Take()->tx[0], 1);
  EXPECT_EQ(Take()->kind, Outgoing::Kind::kReset);
  EXPECT_EQ(Take()->tx[0], 2);
  EXPECT_FALSE(Take().has_value());
}

TEST_F(RequestTableResetTest, AResetIsOwedUntilItIsConfirmed) {
  table_.Connected(64, At(0));
  Hold155();
  Result reset;
  ASSERT_EQ(Reset(&reset), 0);
  EXPECT_THAT(table_.votes().clocks, IsEmpty());
  EXPECT_EQ(Take()->kind, Outgoing::Kind::kReset);
  table_.Disconnected(0);
  table_.Tick(At(1000));
  EXPECT_EQ(reset.status, -ENOTCONN) << "told, and still owed";
  table_.Connected(64, At(1001));
  EXPECT_EQ(Take()->mrq, 0u);
  const auto again = Take();
  EXPECT_EQ(again->kind, Outgoing::Kind::kReset);
  table_.OnResetDone(again->sequence, At(1002));
  EXPECT_EQ(reset.times, 1);
  table_.Disconnected(0);
  table_.Connected(64, At(1003));
  EXPECT_FALSE(Take().has_value()) << "paid";
}

TEST_F(RequestTableResetTest, AResetWhileBlockedFailsAtOnceAndIsOwed) {
  Result first;
  ASSERT_EQ(Submit(&first, 0), 0);
  table_.Tick(At(1000));
  Result reset;
  ASSERT_EQ(Reset(&reset, 1001), 0);
  EXPECT_EQ(reset.status, -ENOTCONN);
  table_.Connected(64, At(1002));
  EXPECT_EQ(Take()->mrq, 0u);
  EXPECT_EQ(Take()->kind, Outgoing::Kind::kReset);
}

TEST_F(RequestTableResetTest, ManyResetsAreOneWhenTheBrokerIsBack) {
  Result resets[100];
  for (Result& reset : resets) ASSERT_EQ(Reset(&reset), 0);
  table_.Connected(64, At(1));
  EXPECT_EQ(Take()->mrq, 0u);
  const auto out = Take();
  EXPECT_FALSE(Take().has_value());
  table_.OnResetDone(out->sequence, At(2));
  for (const Result& reset : resets) EXPECT_EQ(reset.status, 0);
}

TEST_F(RequestTableResetTest, AnAnswerFromBeforeAResetRecordsNoVote) {
  table_.Connected(64, At(0));
  Result enable;
  Result reset;
  ASSERT_EQ(Submit(&enable, 0, kEnable155), 0);
  const auto out = Take();
  ASSERT_EQ(Reset(&reset), 0);
  Answer(*out, 1);
  EXPECT_EQ(enable.status, 0);
  EXPECT_THAT(table_.votes().clocks, IsEmpty());
}

TEST_F(RequestTableResetTest, AVoteAfterAResetShowsThatItIsDone) {
  table_.Connected(64, At(0));
  Result reset;
  ASSERT_EQ(Reset(&reset), 0);
  Take();
  Take();
  Result enable;
  ASSERT_EQ(Submit(&enable, 0, kEnable155), 0);
  Answer(*Take(), 1);
  // The reset's own answer is lost with the stream; sent again, it would drop the vote.
  table_.Disconnected(0);
  EXPECT_THAT(table_.votes().clocks, ElementsAre(155));
  table_.Connected(64, At(2));
  EXPECT_FALSE(Take().has_value());
}

// --- Votes --------------------------------------------------------------------------------------

TEST_F(RequestTableResetTest, VotesOutliveTheStream) {
  table_.Connected(64, At(0));
  Hold155();
  table_.Disconnected(0);
  EXPECT_THAT(table_.votes().clocks, ElementsAre(155));
}

TEST_F(RequestTableResetTest, ADisableWithoutAnswerEndsTheVote) {
  table_.Connected(64, At(0));
  Hold155();
  Result disable;
  ASSERT_EQ(Submit(&disable, 0, kDisable155), 0);
  Take();
  table_.Disconnected(0);
  EXPECT_THAT(table_.votes().clocks, IsEmpty());
}

TEST_F(RequestTableResetTest, ADisableWhileBlockedEndsTheVote) {
  table_.Connected(64, At(0));
  Hold155();
  table_.Disconnected(-EACCES);
  Result disable;
  ASSERT_EQ(Submit(&disable, 0, kDisable155), 0);
  EXPECT_THAT(table_.votes().clocks, IsEmpty());
}

}  // namespace
}  // namespace bpmp::client
