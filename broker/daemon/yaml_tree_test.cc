// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace bpmp::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string ErrorOf(std::string_view text) {
  const auto tree = ParseYaml(text, "f.yaml");
  return tree.ok() ? "parsed" : std::string(tree.status().message());
}

std::string Repeat(int times, std::string_view text) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(YamlTreeTest, KeepsOrderKindsAndPlaces) {
  const auto tree = ParseYaml("# hello\nname: 'a b'\nlist:\n  - 1\n  - {x: ~}\n", "f.yaml");
  ASSERT_TRUE(tree.ok()) << tree.status();
  ASSERT_EQ(tree->kind, YamlNode::Kind::kMap);
  ASSERT_EQ(tree->keys.size(), 2u);
  EXPECT_EQ(tree->keys[0].text, "name");
  EXPECT_EQ(tree->items[0].text, "a b");
  EXPECT_TRUE(tree->items[0].quoted);
  EXPECT_EQ(tree->items[0].position.line, 2);
  EXPECT_EQ(tree->items[0].position.column, 7);
  const YamlNode& list = tree->items[1];
  ASSERT_EQ(list.kind, YamlNode::Kind::kList);
  EXPECT_EQ(list.items[0].text, "1");
  EXPECT_FALSE(list.items[0].quoted);
  EXPECT_EQ(list.items[1].items[0].kind, YamlNode::Kind::kNull);
  EXPECT_EQ(list.items[1].position.line, 5);
  EXPECT_EQ(list.items[1].position.column, 5);
}

TEST(YamlTreeTest, AnEmptyFileIsNull) {
  for (const char* text : {"", "\n\n", "# only a comment\n", "---\n"}) {
    const auto tree = ParseYaml(text, "f.yaml");
    ASSERT_TRUE(tree.ok()) << tree.status();
    EXPECT_EQ(tree->kind, YamlNode::Kind::kNull);
  }
}

TEST(YamlTreeTest, RefusesWhatMultiplies) {
  EXPECT_THAT(ErrorOf("a: &x [1, 2]\nb: 2\n"),
              StartsWith("f.yaml:1:4: anchor '&x' is not allowed"));
  EXPECT_THAT(ErrorOf("a: 1\nb: *x\n"), StartsWith("f.yaml:2:4: "));
  std::string laughs = "a0: &a0 [lol, lol]\n";
  for (int i = 1; i < 30; ++i)
    absl::StrAppend(&laughs, "a", i, ": &a", i, " [*a", i - 1, ",*a", i - 1, "]\n");
  EXPECT_THAT(ErrorOf(laughs), StartsWith("f.yaml:1:5: anchor"));
}

TEST(YamlTreeTest, RefusesWhatIsNotPlain) {
  EXPECT_EQ(ErrorOf("a: !!binary aGk=\n"),
            "f.yaml:1:4: tag 'tag:yaml.org,2002:binary' is not allowed");
  EXPECT_EQ(ErrorOf("a: 1\n---\nb: 2\n"), "f.yaml:2:1: a second document; one file holds one");
  EXPECT_EQ(ErrorOf("[1, 2]: x\n"), "f.yaml:1:1: a key must be a plain word");
  EXPECT_EQ(ErrorOf(std::string_view("a: b\nc: \0d\n", 11)),
            "f.yaml:2:4: a NUL byte; the file must be UTF-8 text");
}

TEST(YamlTreeTest, AQuoteMustBeClosed) {
  for (const char* text :
       {"a: \"x\n", "a: 'x\n", "a: \"x\\\"\n", "a: 'it''s\n", "a: \"\n", "a: '"}) {
    EXPECT_EQ(ErrorOf(text), "f.yaml:1:4: a quote that is never closed") << text;
  }
  for (const char* text : {"a: \"x\\\\\"\n", "a: 'it''s'\n", "a: ''\n", "{'a': \"'\"}",
                           "a: |\n  'x\n", "a: it's\n", "ä: 'ö'\n", "a: \"x\n\n  y\"\n"}) {
    EXPECT_EQ(ErrorOf(text), "parsed") << text;
  }
}

TEST(YamlTreeTest, MustBeUtf8) {
  EXPECT_EQ(ErrorOf("a: b\nc: \xff\n"), "f.yaml:2:4: not UTF-8; the file must be UTF-8 text");
  EXPECT_EQ(ErrorOf("a: \xc3"), "f.yaml:1:4: not UTF-8; the file must be UTF-8 text");
  EXPECT_EQ(ErrorOf("\xfe\xff\0a"), "f.yaml:1:1: not UTF-8; the file must be UTF-8 text");
  EXPECT_EQ(ErrorOf("\xef\xbb\xbf\"a\": 1"), "parsed") << "a byte order mark";
}

TEST(YamlTreeTest, SaysWhereItIsNoYaml) {
  EXPECT_THAT(ErrorOf("vms:\n  - name: a\n b: 2\n"), StartsWith("f.yaml:3:"));
  EXPECT_THAT(ErrorOf("a: [1, 2\n"), StartsWith("f.yaml:2:1: not YAML: "));
  EXPECT_THAT(ErrorOf("\tb: 1\n"), StartsWith("f.yaml:1:3: not YAML: "));
  EXPECT_THAT(ErrorOf("a: \"\\xzz\"\n"), StartsWith("f.yaml:1:"));
}

TEST(YamlTreeTest, IsBounded) {
  const std::string open = Repeat(kMaxYamlDepth, "[");
  const std::string close = Repeat(kMaxYamlDepth, "]");
  EXPECT_EQ(ErrorOf(open + close), "parsed");
  EXPECT_EQ(ErrorOf("[" + open + close + "]"), "f.yaml:1:33: nested deeper than 32 levels");
  EXPECT_THAT(ErrorOf(Repeat(100'000, "[")), StartsWith("f.yaml:1:"));
  EXPECT_THAT(ErrorOf(Repeat(100'000, "{a: ")), StartsWith("f.yaml:1:"));
  EXPECT_THAT(ErrorOf(Repeat(100'000, "- ")), HasSubstr("nested deeper than 32 levels"));
  EXPECT_THAT(ErrorOf("[" + Repeat(100'001, "1,") + "]"), HasSubstr("more than 100000 values"));
  EXPECT_EQ(ErrorOf(std::string(kMaxYamlBytes + 1, '#')),
            "f.yaml: 1048577 bytes; a file may have at most 1048576");
  EXPECT_EQ(ErrorOf(std::string(kMaxYamlBytes, '#')), "parsed");
}

}  // namespace
}  // namespace bpmp::daemon
