// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/dts_value.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/base/string_view.h"
#include "broker/devicetree/compile_for_test.h"

namespace bpmp::ctl {
namespace {

using std::string_literals::operator""s;

TEST(DtsValue, IsWhatDtcWouldWrite) {
  EXPECT_EQ(DtsValue(""), "");
  EXPECT_EQ(DtsValue("okay\0"s), "\"okay\"");
  EXPECT_EQ(DtsValue("a\0b c\0"s), "\"a\", \"b c\"");
  EXPECT_EQ(DtsValue("\0\0\0\x01\x80\0\0\0"s), "<0x1 0x80000000>");
  EXPECT_EQ(DtsValue("\x01\xff\0"s), "[01 ff 00]");
  EXPECT_EQ(DtsValue("ok"s), "[6f 6b]") << "no string: it has no end";
  EXPECT_EQ(DtsValue("a\0\0"s), "[61 00 00]") << "no strings: one would be empty";
}

TEST(DtsValue, CompilesToTheSameBytes) {
  const std::vector<std::string> values = {
      "",
      "\0"s,
      "\0\0"s,
      "\0\0\0\0"s,
      "a\\b\"c\0"s,
      "*/ }; //\0"s,
      "a\nb\0"s,
      "\xff\xfe\0\0"s,
      "\x80zz\0zz9\0"s,
      "nul\0in\0"s,
      "\0\0\0\x05 cells"s,
  };
  for (const std::string& value : values) {
    const std::string text = DtsValue(value);
    const devicetree::Tree tree = devicetree::CompileTree(
        absl::StrCat("/dts-v1/; / { p", text.empty() ? "" : " = ", text, "; };"));
    EXPECT_EQ(tree.root().Find("p")->value, value) << text;
  }
}

TEST(DtsString, TakesAnyBytes) {
  for (const std::string& value : {"plain"s, "q\"b\\"s,
                                   "\x01"
                                   "f"s,
                                   "\xff"s}) {
    const devicetree::Tree tree =
        devicetree::CompileTree("/dts-v1/; / { p = " + DtsString(value) + "; };");
    EXPECT_EQ(tree.root().Find("p")->value, value + '\0');
  }
}

}  // namespace
}  // namespace bpmp::ctl
