// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/vector_file.h"

#include <map>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::conformance {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(VectorFileTest, ReadsARequest) {
  const auto vectors = ParseVectors("a.txt",
                                    "# comment\n\n"
                                    "request l1 mrq=22 tx=9b000007 => ok clk cmd=7 id=155 rx=0\n");
  ASSERT_TRUE(vectors.ok()) << vectors.status();
  ASSERT_EQ(vectors->size(), 1U);
  Vector vector = vectors->front();
  EXPECT_EQ(vector.where, "a.txt:3 l1");
  EXPECT_TRUE(vector.is_request);
  EXPECT_EQ(vector.mrq, 22U);
  EXPECT_THAT(vector.bytes, ElementsAre(0x9b, 0, 0, 7));
  EXPECT_EQ(vector.verdict, Verdict::kOk);
  EXPECT_EQ(vector.type, "clk");
  EXPECT_EQ(vector.fields.Number<uint32_t>("id"), 155U);
  EXPECT_FALSE(vector.fields.Finish().ok()) << "cmd and rx were not taken";
}

TEST(VectorFileTest, ReadsAnAnswerAndAnError) {
  const auto vectors = ParseVectors("a.txt",
                                    "answer l1 err=-13 rx=- => error u32 EINVAL\n"
                                    "request l2 mrq=1 tx=- => error EINVAL\n");
  ASSERT_TRUE(vectors.ok()) << vectors.status();
  ASSERT_EQ(vectors->size(), 2U);
  EXPECT_FALSE((*vectors)[0].is_request);
  EXPECT_EQ((*vectors)[0].error, -13);
  EXPECT_THAT((*vectors)[0].bytes, IsEmpty());
  EXPECT_EQ((*vectors)[0].type, "u32");
  EXPECT_EQ((*vectors)[0].error_name, "EINVAL");
  EXPECT_EQ((*vectors)[1].type, "");
  EXPECT_EQ((*vectors)[1].error_name, "EINVAL");
}

TEST(VectorFileTest, AFileWithoutVectorsIsAnError) {
  for (const char* text : {"", "\n\n", "# only a comment\n"}) {
    EXPECT_THAT(std::string(ParseVectors("a.txt", text).status().message()),
                HasSubstr("no vectors"));
  }
}

TEST(VectorFileTest, EveryMalformedLineIsAnErrorWithItsPlace) {
  for (const char* line : {
           "nonsense",
           "request",
           "reply l mrq=22 tx=- => error EINVAL",            // kind
           "request l mrq=22 tx=- -> error EINVAL",          // arrow
           "request  l mrq=22 tx=- => error EINVAL",         // two spaces
           "request l mrq=22 => error EINVAL",               // no tx
           "request l mrq=22 rx=- => error EINVAL",          // rx for tx
           "request l mrq=22 mrq=22 => error EINVAL",        // twice
           "request l mrq= tx=- => error EINVAL",            // no value
           "request l mrq=4294967296 tx=- => error EINVAL",  // too large
           "request l mrq=0x16 tx=- => error EINVAL",        // not decimal
           "request l mrq=22 tx=9b0 => error EINVAL",        // half a byte
           "request l mrq=22 tx=9B => error EINVAL",         // upper case
           "request l mrq=22 tx=zz => error EINVAL",         // not hexadecimal
           "request l mrq=22 tx=- => maybe EINVAL",          // verdict
           "request l mrq=22 tx=- => error",                 // no name
           "request l mrq=22 tx=- => error EINVAL EIO",      // two names
           "request l mrq=22 tx=- => ok",                    // no type
           "request l mrq=22 tx=- => ok clk cmd",            // no value
           "answer l err=0 rx=- => error EINVAL",            // no type
       }) {
    const auto vectors = ParseVectors("a.txt", std::string("# first\n") + line + "\n");
    ASSERT_FALSE(vectors.ok()) << line;
    EXPECT_THAT(std::string(vectors.status().message()), StartsWith("a.txt:2: ")) << line;
  }
}

TEST(VectorFileTest, FieldsComplainOfWhatIsMissingMalformedOrLeft) {
  using Values = std::map<std::string, std::string>;
  Fields missing(Values{{"a", "1"}});
  EXPECT_EQ(missing.Number<uint32_t>("a"), 1U);
  EXPECT_TRUE(missing.Finish().ok());
  missing.Number<uint32_t>("b");
  EXPECT_FALSE(missing.Finish().ok());

  Fields narrow(Values{{"a", "256"}});
  narrow.Number<uint8_t>("a");
  EXPECT_FALSE(narrow.Finish().ok());

  Fields list(Values{{"a", "1,x"}});
  list.Numbers("a");
  EXPECT_FALSE(list.Finish().ok());

  Fields none(Values{{"a", "-"}, {"b", "-"}, {"c", "-"}});
  EXPECT_THAT(none.Numbers("a"), IsEmpty());
  EXPECT_THAT(none.Hex("b"), IsEmpty());
  EXPECT_EQ(none.Text("c"), "");
  EXPECT_TRUE(none.Finish().ok());
}

}  // namespace
}  // namespace bpmp::conformance
