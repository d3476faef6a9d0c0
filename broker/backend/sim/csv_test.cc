// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/csv.h"

#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::backend::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

TEST(CsvTest, RowsHaveFieldsAndLines) {
  const auto rows = ReadCsv("a,b,c\n1,two,3\n,,\n", "a,b,c");
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].line, 2);
  EXPECT_THAT((*rows)[0].fields, ElementsAre("1", "two", "3"));
  EXPECT_THAT((*rows)[1].fields, ElementsAre("", "", ""));
}

TEST(CsvTest, QuotedFieldMayHoldCommas) {
  const auto rows = ReadCsv("a,b\n\"x,y\",\"z\"", "a,b");
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_THAT((*rows)[0].fields, ElementsAre("x,y", "z"));
}

TEST(CsvTest, ErrorsNameTheLine) {
  EXPECT_THAT(MessageOf(ReadCsv("a,c\n", "a,b").status()), HasSubstr("line 1"));
  EXPECT_THAT(MessageOf(ReadCsv("a,b\n1,2\n1,2,3\n", "a,b").status()),
              HasSubstr("line 3: 3 fields, the header has 2"));
  EXPECT_THAT(MessageOf(ReadCsv("a,b\n\"1,2\n", "a,b").status()), HasSubstr("line 2"));
  EXPECT_THAT(MessageOf(ReadCsv("a,b\n\"1\"x,2\n", "a,b").status()), HasSubstr("line 2"));
}

TEST(CsvTest, ForEachRowSaysFileAndLine) {
  const absl::Status status =
      ForEachRow("tree", "a\n1\n2\n", "a", [](const CsvRow& row) -> absl::Status {
        return row.fields[0] == "2" ? absl::InvalidArgumentError("odd") : absl::OkStatus();
      });
  EXPECT_EQ(MessageOf(status), "tree: line 3: odd");
}

TEST(CsvTest, SplitDropsEmptyPieces) {
  EXPECT_THAT(Split("  a b  c ", ' '), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Split("", ' '), ElementsAre());
}

TEST(CsvTest, NumbersAreWhole) {
  EXPECT_EQ(*ParseNumber<uint32_t>("476"), 476u);
  EXPECT_FALSE(ParseNumber<uint32_t>("476x").ok());
  EXPECT_FALSE(ParseNumber<uint32_t>("").ok());
  EXPECT_FALSE(ParseNumber<uint32_t>("-1").ok());
  EXPECT_FALSE(ParseNumber<uint32_t>("4294967296").ok());
}

}  // namespace
}  // namespace bpmp::backend::sim
