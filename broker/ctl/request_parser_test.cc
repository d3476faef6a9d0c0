// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/request_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "broker/ctl/fake_names.h"
#include "broker/ctl/request_grammar.h"
#include "broker/mrq/codec.h"

namespace bpmp::ctl {
namespace {

using testing::HasSubstr;

absl::StatusOr<ParsedRequest> Parse(const std::string& line) {
  FakeNames names;
  return ParseRequest({line}, names);
}

std::string ErrorOf(const std::string& line) {
  const absl::StatusOr<ParsedRequest> parsed = Parse(line);
  EXPECT_FALSE(parsed.ok()) << line;
  return std::string(parsed.status().message());
}

struct Case {
  const char* line;
  uint32_t mrq;
  const char* tx;  // hex
  uint32_t rx_size;
};

class GrammarTest : public testing::TestWithParam<Case> {};

TEST_P(GrammarTest, GivesTheBytesOfTheAbi) {
  const absl::StatusOr<ParsedRequest> parsed = Parse(GetParam().line);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->wire.mrq(), GetParam().mrq);
  EXPECT_EQ(absl::BytesToHexString(parsed->wire.tx()), GetParam().tx);
  EXPECT_EQ(parsed->wire.rx_size(), GetParam().rx_size);
  EXPECT_EQ(parsed->text, GetParam().line);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, GrammarTest,
    testing::Values(Case{"clk enable uarta", 22, "9b000007000000000000000000000000", 0},
                    Case{"clk disable 155", 22, "9b000008000000000000000000000000", 0},
                    Case{"clk set-rate uarta 48MHz", 22, "9b00000200000000006cdc0200000000", 8},
                    Case{"clk set-parent uarta pllp_out0", 22, "9b000005660000000000000000000000",
                         4},
                    Case{"clk info uarta", 22, "9b00000e000000000000000000000000", 113},
                    Case{"reset pulse uarta", 20, "0300000064000000", 0},
                    Case{"pg on vic", 66, "010000001d00000001000000", 0},
                    Case{"pg off vic", 66, "010000001d00000000000000", 0},
                    Case{"ping", 0, "01000000", 4}, Case{"ping 0x10", 0, "10000000", 4},
                    Case{"query-abi CLK", 23, "16000000", 4},
                    Case{"query-abi 99", 23, "63000000", 4}, Case{"fw-tag", 71, "", 32},
                    Case{"raw 22 0x0700009b", 22, "9b000007", 0},
                    Case{"raw 22 0x0100009b rx=16", 22, "9b000001", 16},
                    Case{"raw CLK hex:9b000007", 22, "9b000007", 0},
                    Case{"raw 75 1 2", 75, "0100000002000000", 120}));

TEST(ParseRequest, EveryFormOfTheTableCanBeWrittenAndIsWhatItsBytesSay) {
  for (const Form& form : Forms()) {
    std::string line = absl::StrCat(std::string(form.noun), " ", std::string(form.verb));
    for (const Argument& argument : form.arguments) {
      switch (argument.kind) {
        case ArgumentKind::kNone:
          break;
        case ArgumentKind::kRate:
          line += " 48MHz";
          break;
        case ArgumentKind::kBytes:
          line += " 0102030405060708090a0b0c0d0e0f1011121314";
          break;
        default:
          line += " 3";
      }
    }
    const absl::StatusOr<ParsedRequest> parsed = Parse(line);
    ASSERT_TRUE(parsed.ok()) << line << ": " << parsed.status();
    const std::vector<uint8_t> bytes(parsed->wire.tx().begin(), parsed->wire.tx().end());
    const absl::StatusOr<mrq::Request> decoded = mrq::DecodeRequest(parsed->wire.mrq(), bytes);
    ASSERT_TRUE(decoded.ok()) << line << ": " << decoded.status();
    EXPECT_EQ(mrq::CommandName(*decoded), mrq::CommandName(*parsed->typed)) << line;
  }
}

TEST(ParseRequest, KnowsWhatTheRequestIsAbout) {
  EXPECT_EQ(Parse("clk enable uarta")->resource, "uarta");
  EXPECT_EQ(Parse("clk enable uarta")->kind, v1::RESOURCE_KIND_CLOCK);
  EXPECT_EQ(Parse("pg on vic")->kind, v1::RESOURCE_KIND_POWER_DOMAIN);
  EXPECT_EQ(Parse("ping")->resource, "");
}

TEST(ParseRequest, TakesWordsApartOrTogether) {
  FakeNames names;
  EXPECT_EQ(ParseRequest({"clk", "enable", "uarta"}, names)->text, "clk enable uarta");
  EXPECT_EQ(ParseRequest({" clk\tenable ", "uarta"}, names)->text, "clk enable uarta");
}

TEST(ParseRequest, SaysWhatIsWrongAndHowItIsWritten) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("no request"));
  EXPECT_THAT(ErrorOf("clc enable uarta"), HasSubstr("did you mean clk?"));
  EXPECT_THAT(ErrorOf("clk"), HasSubstr("One of: enable, disable"));
  EXPECT_THAT(ErrorOf("clk enabel uarta"), HasSubstr("did you mean enable?"));
  EXPECT_THAT(ErrorOf("clk enable"), HasSubstr("CLOCK is missing; write: clk enable CLOCK"));
  EXPECT_THAT(ErrorOf("clk enable uarta now"), HasSubstr("'now' is one word too many"));
  EXPECT_THAT(ErrorOf("clk enable uartz"), HasSubstr("no such clock"));
  EXPECT_THAT(ErrorOf("clk set-rate uarta fast"), HasSubstr("'fast' is no rate"));
  EXPECT_THAT(ErrorOf("clk enable 16777216"), HasSubstr("an id is a number from 0 to 16777215"));
  EXPECT_THAT(ErrorOf("pg query-abi vic -1"), HasSubstr("a COMMAND is a number"));
  EXPECT_THAT(ErrorOf("uphy pll-init 65536"), HasSubstr("a LANE is a number from 0 to 65535"));
}

TEST(ParseRequest, UnknownNamesAreNotFound) {
  EXPECT_EQ(Parse("clk enable uartz").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Parse("clk bogus uarta").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ParseRequest, RawIsBounded) {
  EXPECT_FALSE(Parse("raw 75 1")->typed.has_value());
  EXPECT_TRUE(Parse("raw 22 0x0700009b")->typed.has_value());
  EXPECT_TRUE(Parse("raw 0 hex:" + std::string(240, '0')).ok());
  EXPECT_THAT(ErrorOf("raw 0 hex:" + std::string(242, '0')), HasSubstr("at most 120 bytes"));
  EXPECT_THAT(ErrorOf("raw 0 hex:0"), HasSubstr("two hex digits"));
  EXPECT_THAT(ErrorOf("raw 0 hex:"), HasSubstr("no bytes"));
  EXPECT_THAT(ErrorOf("raw 0 hex:0g"), HasSubstr("no bytes"));
  EXPECT_THAT(ErrorOf("raw 0 0x100000000"), HasSubstr("a word is a number"));
  EXPECT_THAT(ErrorOf("raw 0 rx=121"), HasSubstr("from 0 to 120"));
  EXPECT_THAT(ErrorOf("raw bogus"), HasSubstr("an MRQ has a name or"));
  EXPECT_THAT(ErrorOf("raw"), HasSubstr("MRQ is missing"));
  EXPECT_THAT(ErrorOf("raw ?"), HasSubstr("an MRQ has a name or"));
}

TEST(ParseRequest, IsTotalOverHostileWords) {
  const std::vector<std::string> pieces = {"clk",
                                           "enable",
                                           "set-rate",
                                           "raw",
                                           "pg",
                                           "ping",
                                           "uarta",
                                           "155",
                                           "48MHz",
                                           "hex:00",
                                           "rx=",
                                           "rx=9",
                                           "hex:",
                                           "0x",
                                           "-1",
                                           "--help",
                                           std::string("a\0b", 3),
                                           "\xff\xfe",
                                           "\x1b[2J",
                                           std::string(10'000, 'x'),
                                           std::string(10'000, '9'),
                                           "'",
                                           "\"",
                                           "%s",
                                           "\n",
                                           ""};
  std::mt19937 random(20240601);
  FakeNames names;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::string> words;
    for (auto left = random() % 6; left > 0; --left) {
      words.push_back(pieces[random() % pieces.size()]);
    }
    const absl::StatusOr<ParsedRequest> parsed = ParseRequest(words, names);
    if (parsed.ok()) {
      ASSERT_LE(parsed->wire.tx().size(), mrq::kPayloadSize);
      ASSERT_LE(parsed->wire.rx_size(), mrq::kPayloadSize);
    } else {
      const std::string message(parsed.status().message());
      ASSERT_LT(message.size(), 1000u) << message;
      ASSERT_EQ(message.find('\x1b'), std::string::npos);
    }
  }
}

TEST(GrammarHelp, ListsEveryFormOnce) {
  std::set<std::string> seen;
  for (const Form& form : Forms()) {
    EXPECT_TRUE(seen.insert(Usage(form)).second) << Usage(form);
    EXPECT_THAT(GrammarHelp(), HasSubstr("  " + Usage(form) + "\n"));
  }
}

}  // namespace
}  // namespace bpmp::ctl
