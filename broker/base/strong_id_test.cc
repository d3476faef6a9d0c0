// SPDX-License-Identifier: Apache-2.0
#include "broker/base/strong_id.h"

#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "broker/base/ids.h"
#include "gtest/gtest.h"

namespace bpmp {
namespace {

// What must not compile is the point of the type.
static_assert(!std::is_convertible_v<uint32_t, ClockId>);
static_assert(!std::is_convertible_v<ClockId, uint32_t>);
static_assert(!std::is_constructible_v<ClockId, ResetId>);
static_assert(!std::equality_comparable_with<ClockId, ResetId>);
static_assert(!std::equality_comparable_with<ClockId, uint32_t>);
static_assert(std::is_trivially_copyable_v<ClockId> && sizeof(ClockId) == sizeof(uint32_t));
static_assert(sizeof(Ticket) == sizeof(uint64_t));

TEST(StrongIdTest, HoldsItsValueAtFullWidth) {
  EXPECT_EQ(ClockId().value(), 0U);
  EXPECT_EQ(ClockId(155).value(), 155U);
  EXPECT_EQ(Ticket(std::numeric_limits<uint64_t>::max()).value(),
            std::numeric_limits<uint64_t>::max());
}

TEST(StrongIdTest, OrdersByValue) {
  EXPECT_EQ(ClockId(1), ClockId(1));
  EXPECT_NE(ClockId(1), ClockId(2));
  EXPECT_LT(ClockId(1), ClockId(2));
  EXPECT_GT(ClockId(0x8000'0000), ClockId(0x7fff'ffff)) << "unsigned";
}

TEST(StrongIdTest, HashesByValue) {
  std::unordered_set<ClockId, absl::Hash<ClockId>> ids;
  for (uint32_t i = 0; i < 100; ++i) {
    ids.insert(ClockId(i));
    ids.insert(ClockId(i));
  }
  EXPECT_EQ(ids.size(), 100U);
  EXPECT_TRUE(ids.contains(ClockId(42)));
}

TEST(StrongIdTest, SaysItsKind) {
  EXPECT_EQ(ToString(ClockId(155)), "clock 155");
  EXPECT_EQ(ToString(ResetId(100)), "reset 100");
  EXPECT_EQ(ToString(DomainId(18)), "power domain 18");
  EXPECT_EQ(ToString(kHost), "vm 0");
  EXPECT_EQ(ToString(TransferId(7)), "transfer 7");
}

}  // namespace
}  // namespace bpmp
