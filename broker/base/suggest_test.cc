// SPDX-License-Identifier: Apache-2.0
#include "broker/base/suggest.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace bpmp {
namespace {

TEST(SuggestTest, FindsSlipsAndNothingElse) {
  const std::vector<std::string> names = {"uarta", "uartb", "gpu", "vic"};
  EXPECT_EQ(Closest("uatra", names), "uarta") << "swapped";
  EXPECT_EQ(Closest("uart", names), "uarta") << "the first of two as near";
  EXPECT_EQ(Closest("vc", names), "vic");
  EXPECT_EQ(Closest("mgbe0", names), "");
  EXPECT_EQ(Closest("", {"a"}), "");
}

TEST(SuggestTest, BoundedInTime) {
  EXPECT_EQ(Closest(std::string(100'000, 'u'), {"uarta"}), "");
  EXPECT_EQ(Closest("uarta", {std::string(100'000, 'u')}), "");
}

TEST(SuggestTest, FollowsAComplaint) {
  EXPECT_EQ(DidYouMean("nmae", {"mode", "name"}), "; did you mean 'name'?");
  EXPECT_EQ(DidYouMean("xyz", {"mode", "name"}), "");
}

}  // namespace
}  // namespace bpmp
