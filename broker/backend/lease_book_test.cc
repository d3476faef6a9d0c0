// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/lease_book.h"

#include <gtest/gtest.h>

#include <vector>

namespace bpmp::backend {
namespace {

constexpr VmId kVm{1}, kOther{2};
constexpr ClockId kRoot{1}, kLeaf{9};
constexpr DomainId kDomain{3};

mrq::Request Enable(ClockId clock) { return mrq::ClkRequest{mrq::ClkCmd::kEnable, clock, 0, {}}; }
mrq::Request Disable(ClockId clock) { return mrq::ClkRequest{mrq::ClkCmd::kDisable, clock, 0, {}}; }
mrq::Request Power(mrq::PgState state) {
  return mrq::PgRequest{mrq::PgCmd::kSetState, kDomain, static_cast<uint32_t>(state)};
}

class LeaseBookTest : public ::testing::Test {
 protected:
  // What is to be dropped, in order; forgets it.
  std::vector<core::Resource> TakeOrphans(VmId vm = kVm) {
    std::vector<core::Resource> taken;
    while (const auto next = book_.NextOrphan(vm, [](const VoteKey&) { return true; })) {
      taken.push_back(next->resource);
      if (next->resource.kind == core::ResourceKind::kClock) {
        book_.OnSuccess(vm, Disable(ClockId(next->resource.id)), kNoLease);
      } else {
        book_.OnSuccess(vm, Power(mrq::PgState::kOff), kNoLease);
      }
    }
    return taken;
  }

  // Higher ids are nearer to the leaves here.
  LeaseBook book_{[](core::Resource resource) {
    return resource.kind == core::ResourceKind::kClock ? static_cast<int>(resource.id) : -1;
  }};
};

TEST_F(LeaseBookTest, OrphansComeFromLeafToRootThenPower) {
  const LeaseId lease = book_.Open();
  book_.OnSuccess(kVm, Power(mrq::PgState::kOn), lease);
  book_.OnSuccess(kVm, Enable(kRoot), lease);
  book_.OnSuccess(kVm, Enable(kLeaf), lease);
  book_.OnSuccess(kOther, Enable(kRoot), kNoLease);
  EXPECT_FALSE(book_.has_orphans());
  book_.End(lease);
  EXPECT_EQ(book_.VmsWithOrphans(), std::set<VmId>{kVm});
  EXPECT_EQ(TakeOrphans(), (std::vector{core::Resource::Of(kLeaf), core::Resource::Of(kRoot),
                                        core::Resource::Of(kDomain)}));
  EXPECT_FALSE(book_.has_orphans());
}

TEST_F(LeaseBookTest, WhoeverElseAskedKeepsTheVote) {
  const LeaseId first = book_.Open();
  const LeaseId second = book_.Open();
  book_.OnSuccess(kVm, Enable(kLeaf), first);
  book_.OnSuccess(kVm, Enable(kLeaf), second);
  book_.End(first);
  EXPECT_FALSE(book_.has_orphans()) << "the second lease";
  book_.OnSuccess(kVm, Enable(kLeaf), kNoLease);
  book_.End(second);
  EXPECT_FALSE(book_.has_orphans()) << "no lease";
  const LeaseId third = book_.Open();
  book_.OnSuccess(kVm, Enable(kLeaf), third);
  book_.End(third);
  EXPECT_FALSE(book_.has_orphans()) << "it was held before the lease";
}

TEST_F(LeaseBookTest, ADroppedVoteIsNobodys) {
  const LeaseId lease = book_.Open();
  book_.OnSuccess(kVm, Enable(kLeaf), lease);
  book_.OnSuccess(kVm, Disable(kLeaf), kNoLease);
  book_.End(lease);
  EXPECT_FALSE(book_.has_orphans());
  book_.OnSuccess(kVm, Enable(kLeaf), kNoLease);
  book_.OnSuccess(kVm, Disable(kLeaf), kNoLease);
  const LeaseId next = book_.Open();
  book_.OnSuccess(kVm, Enable(kLeaf), next);
  book_.Forget(kVm);
  book_.End(next);
  EXPECT_FALSE(book_.has_orphans()) << "released";
}

TEST_F(LeaseBookTest, AnAnswerAfterTheEndMakesAnOrphan) {
  const LeaseId lease = book_.Open();
  book_.End(lease);
  book_.OnSuccess(kVm, Enable(kLeaf), lease);
  EXPECT_TRUE(book_.has_orphans());
  const LeaseId heir = book_.Open();
  book_.OnSuccess(kVm, Enable(kLeaf), heir);
  EXPECT_FALSE(book_.has_orphans());
  book_.OnSuccess(kVm, Enable(kLeaf), lease);
  EXPECT_FALSE(book_.has_orphans());
}

TEST_F(LeaseBookTest, GivesUpAfterAFewAttempts) {
  const LeaseId lease = book_.Open();
  book_.OnSuccess(kVm, Enable(kLeaf), lease);
  book_.End(lease);
  const VoteKey key{kVm, core::Resource::Of(kLeaf)};
  const auto any = [](const VoteKey&) { return true; };
  for (int i = 0; i < LeaseBook::kAttempts; ++i) {
    ASSERT_EQ(book_.NextOrphan(kVm, any), key) << i;
    book_.OnDropFailed(key);
    EXPECT_EQ(book_.NextOrphan(kVm, any), std::nullopt) << "it rests";
    book_.WakeOrphans();
  }
  EXPECT_FALSE(book_.has_orphans());
}

TEST_F(LeaseBookTest, OtherRequestsMakeNoVotes) {
  const LeaseId lease = book_.Open();
  book_.OnSuccess(kVm, mrq::ClkRequest{mrq::ClkCmd::kSetRate, kLeaf, 1, {}}, lease);
  book_.OnSuccess(kVm, mrq::PgRequest{mrq::PgCmd::kGetState, kDomain, 1}, lease);
  book_.OnSuccess(kVm, mrq::PingRequest{false, 1}, lease);
  book_.End(lease);
  EXPECT_FALSE(book_.has_orphans());
}

}  // namespace
}  // namespace bpmp::backend
