// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/units.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace bpmp::ctl {
namespace {

TEST(FormatRate, HasAtMostTwoDecimalsAndAUnit) {
  EXPECT_EQ(FormatRate(0), "0 Hz");
  EXPECT_EQ(FormatRate(999), "999 Hz");
  EXPECT_EQ(FormatRate(32'768), "32.77 kHz");
  EXPECT_EQ(FormatRate(1'012'500), "1.01 MHz");
  EXPECT_EQ(FormatRate(19'200'000), "19.2 MHz");
  EXPECT_EQ(FormatRate(408'000'000), "408 MHz");
  EXPECT_EQ(FormatRate(1'267'200'000), "1.27 GHz");
  EXPECT_EQ(FormatRate(100'000'000), "100 MHz");
  EXPECT_EQ(FormatRate(-5), "-5 Hz");
}

TEST(FormatExactRate, SaysTheNumberOnlyWhereItWasRounded) {
  EXPECT_EQ(FormatExactRate(408'000'000), "408 MHz");
  EXPECT_EQ(FormatExactRate(32'768), "32.77 kHz (32768 Hz)");
  EXPECT_EQ(FormatExactRate(1'267'200'000), "1.27 GHz (1267200000 Hz)");
  EXPECT_EQ(FormatExactRate(-5), "-5 Hz (-5 Hz)");
}

struct RateCase {
  const char* text;
  int64_t hz;  // -1: refused
};

class ParseRateTest : public testing::TestWithParam<RateCase> {};

TEST_P(ParseRateTest, IsExactOrRefused) {
  const absl::StatusOr<int64_t> rate = ParseRate(GetParam().text);
  if (GetParam().hz < 0) {
    EXPECT_EQ(rate.status().code(), absl::StatusCode::kInvalidArgument) << rate.value_or(-1);
  } else {
    ASSERT_TRUE(rate.ok()) << rate.status();
    EXPECT_EQ(*rate, GetParam().hz);
  }
}

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
INSTANTIATE_TEST_SUITE_P(
    Texts, ParseRateTest,
    testing::Values(RateCase{"48MHz", 48'000'000}, RateCase{"48000000", 48'000'000},
                    RateCase{"1.5GHz", 1'500'000'000}, RateCase{"32.768khz", 32'768},
                    RateCase{"32.768 kHz", 32'768}, RateCase{"0.000001MHz", 1}, RateCase{"7Hz", 7},
                    RateCase{"0", 0}, RateCase{"1.50000000000000GHz", 1'500'000'000},
                    RateCase{"9223372036854775807", kMax}, RateCase{"9223372036854775808", -1},
                    RateCase{"9223372036855MHz", -1}, RateCase{"1.0000001MHz", -1},
                    RateCase{"1.5", -1}, RateCase{"", -1}, RateCase{"MHz", -1},
                    RateCase{".5MHz", -1}, RateCase{"5.MHz", -1}, RateCase{"-5MHz", -1},
                    RateCase{"+5MHz", -1}, RateCase{"1e6", -1}, RateCase{"0x10", -1},
                    RateCase{"48 M Hz", -1}, RateCase{"1.2.3MHz", -1}, RateCase{"nan", -1}));

TEST(ParseRate, RefusesHostileLengths) {
  EXPECT_FALSE(ParseRate(std::string(1'000'000, '9')).ok());
  EXPECT_FALSE(ParseRate("0." + std::string(1'000'000, '0') + "1MHz").ok());
  const absl::StatusOr<int64_t> escape = ParseRate("\x1b[2J");
  EXPECT_EQ(std::string(escape.status().message()).find('\x1b'), std::string::npos);
}

TEST(ParseNumber, TakesDecimalAndHexWithinTheLimit) {
  EXPECT_EQ(ParseNumber("42", 100, "x").value(), 42u);
  EXPECT_EQ(ParseNumber("0x2A", 100, "x").value(), 42u);
  EXPECT_EQ(ParseNumber("18446744073709551615", ~uint64_t{0}, "x").value(), ~uint64_t{0});
  for (const char* bad : {"", "0x", "101", "-1", "+1", " 1", "1 ", "1.0", "0x1g", "0x0x1",
                          "18446744073709551616", "99999999999999999999999"}) {
    EXPECT_FALSE(ParseNumber(bad, 100, "x").ok()) << bad;
  }
}

TEST(ParseTimeout, IsPositiveAndFinite) {
  EXPECT_EQ(ParseTimeout("5s").value(), absl::Seconds(5));
  EXPECT_EQ(ParseTimeout("500ms").value(), absl::Milliseconds(500));
  EXPECT_EQ(ParseTimeout("2").value(), absl::Seconds(2));
  for (const char* bad : {"0", "-1s", "inf", "nan", "", "soon"}) {
    EXPECT_FALSE(ParseTimeout(bad).ok()) << bad;
  }
}

TEST(FormatAge, UsesTwoUnits) {
  EXPECT_EQ(FormatAge(absl::Seconds(-3)), "0 s");
  EXPECT_EQ(FormatAge(absl::Seconds(59)), "59 s");
  EXPECT_EQ(FormatAge(absl::Seconds(723)), "12 min 3 s");
  EXPECT_EQ(FormatAge(absl::Minutes(133)), "2 h 13 min");
  EXPECT_EQ(FormatAge(absl::Hours(121)), "5 d 1 h");
}

}  // namespace
}  // namespace bpmp::ctl
