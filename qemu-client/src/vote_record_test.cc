// SPDX-License-Identifier: Apache-2.0
#include "qemu-client/src/vote_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "broker/base/endian.h"

namespace bpmp::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint32_t kClk = 22;
constexpr uint32_t kPg = 66;

std::vector<uint8_t> Words(const std::vector<uint32_t>& words) {
  std::vector<uint8_t> bytes(words.size() * 4);
  for (size_t i = 0; i < words.size(); ++i) {
    StoreLe<uint32_t>(absl::MakeSpan(bytes), i * 4, words[i]);
  }
  return bytes;
}
std::vector<uint8_t> Clk(uint32_t command, uint32_t id) { return Words({command << 24 | id}); }
std::vector<uint8_t> Pg(uint32_t command, uint32_t id, uint32_t state) {
  return Words({command, id, state});
}
std::vector<uint8_t> Enable(uint32_t id) { return Clk(7, id); }
std::vector<uint8_t> Disable(uint32_t id) { return Clk(8, id); }

TEST(VoteRecordTest, ClocksThatWereEnabled) {
  VoteRecord votes;
  EXPECT_TRUE(votes.Note(kClk, Enable(155), true));
  EXPECT_TRUE(votes.Note(kClk, Enable(9), true));
  EXPECT_TRUE(votes.Note(kClk, Enable(155), true)) << "again";
  EXPECT_FALSE(votes.Note(kClk, Enable(10), false)) << "refused";
  EXPECT_FALSE(votes.Note(kClk, Clk(6, 11), true)) << "IS_ENABLED";
  EXPECT_THAT(votes.clocks(), ElementsAre(9, 155));
  EXPECT_FALSE(votes.Note(kClk, Disable(9), true));
  EXPECT_FALSE(votes.Note(kClk, Disable(77), true));
  EXPECT_THAT(votes.clocks(), ElementsAre(155));
}

TEST(VoteRecordTest, IdsHave24Bits) {
  VoteRecord votes;
  votes.Note(kClk, Enable(0xff'ffff), true);
  EXPECT_THAT(votes.clocks(), ElementsAre(0xff'ffff));
}

TEST(VoteRecordTest, AClockThatFailedToGoOffIsOffForTheGuest) {
  VoteRecord votes;
  votes.Note(kClk, Enable(155), true);
  votes.Note(kClk, Disable(155), false);
  EXPECT_THAT(votes.clocks(), IsEmpty());
}

TEST(VoteRecordTest, DomainsThatWerePowered) {
  VoteRecord votes;
  EXPECT_TRUE(votes.Note(kPg, Pg(1, 29, 1), true));
  EXPECT_FALSE(votes.Note(kPg, Pg(1, 30, 1), false)) << "refused";
  EXPECT_FALSE(votes.Note(kPg, Pg(2, 31, 1), true)) << "GET_STATE";
  EXPECT_FALSE(votes.Note(kPg, Pg(1, 29, 0), false)) << "failed: still on for the guest";
  EXPECT_THAT(votes.domains(), ElementsAre(29));
  EXPECT_FALSE(votes.Note(kPg, Pg(1, 29, 0), true));
  EXPECT_THAT(votes.domains(), IsEmpty());
}

TEST(VoteRecordTest, ShortBytesAndOtherRequestsAreNone) {
  VoteRecord votes;
  for (const uint32_t mrq : {0U, 20U, kClk, kPg}) {
    for (size_t size = 0; size < 12; ++size) {
      const std::vector<uint8_t> bytes(size, 1);
      EXPECT_FALSE(votes.Note(mrq, bytes, true));
    }
  }
  EXPECT_FALSE(votes.Note(20, Enable(155), true));
  EXPECT_THAT(votes.clocks(), IsEmpty());
  EXPECT_THAT(votes.domains(), IsEmpty());
}

TEST(VoteRecordTest, IsBoundedAndCanBeCleared) {
  VoteRecord votes;
  for (uint32_t id = 0; id < 5000; ++id) {
    votes.Note(kClk, Enable(id), true);
    votes.Note(kPg, Pg(1, id, 1), true);
  }
  EXPECT_EQ(votes.clocks().size(), VoteRecord::kMaxClocks);
  EXPECT_EQ(votes.domains().size(), VoteRecord::kMaxDomains);
  votes.Clear();
  EXPECT_THAT(votes.clocks(), IsEmpty());
  EXPECT_THAT(votes.domains(), IsEmpty());
}

}  // namespace
}  // namespace bpmp::client
