// SPDX-License-Identifier: Apache-2.0
#include "broker/base/utf8.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace bpmp {
namespace {

TEST(Utf8Length, IsThatOfTheFirstCharacter) {
  EXPECT_EQ(Utf8Length(std::string_view("\0", 1)), 1u);
  EXPECT_EQ(Utf8Length("\x7f\xff"), 1u);
  EXPECT_EQ(Utf8Length("\xc2\x80"), 2u);
  EXPECT_EQ(Utf8Length("\xdf\xbf"), 2u);
  EXPECT_EQ(Utf8Length("\xe0\xa0\x80"), 3u);
  EXPECT_EQ(Utf8Length("\xed\x9f\xbf"), 3u);  // the last before the surrogates
  EXPECT_EQ(Utf8Length("\xee\x80\x80"), 3u);  // the first behind them
  EXPECT_EQ(Utf8Length("\xf0\x90\x80\x80"), 4u);
  EXPECT_EQ(Utf8Length("\xf4\x8f\xbf\xbf rest"), 4u);  // U+10FFFF
}

TEST(Utf8Length, IsZeroForWhatIsNoCharacter) {
  for (const std::string_view text : {
           "\x80",
           "\xbf",  // continues what didn't begin
           "\xc3",
           "\xe2\x82",
           "\xf0\x9f\x98",  // ends too early
           "\xc3(",
           "\xe2\x28\xac",
           "\xe2\x82(",  // begins another in the middle
           "\xc0\x80",
           "\xc1\xbf",  // longer than it needs to be
           "\xe0\x80\x80",
           "\xe0\x9f\xbf",  //
           "\xf0\x80\x80\x80",
           "\xf0\x8f\xbf\xbf",  //
           "\xed\xa0\x80",
           "\xed\xbf\xbf",  // surrogates
           "\xf4\x90\x80\x80",
           "\xf5\x80\x80\x80",  // above U+10FFFF
           "\xff",
       }) {
    EXPECT_EQ(Utf8Length(text), 0u) << testing::PrintToString(std::string(text));
  }
}

}  // namespace
}  // namespace bpmp
