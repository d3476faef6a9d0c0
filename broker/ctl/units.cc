// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/units.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/base/string_view.h"
#include "broker/ctl/style.h"

namespace bpmp::ctl {
namespace {

struct Unit {
  std::string_view name;
  int decimals;  // 10^decimals Hz
  int64_t hz;
};
constexpr Unit kUnits[] = {
    {"GHz", 9, 1'000'000'000}, {"MHz", 6, 1'000'000}, {"kHz", 3, 1'000}, {"Hz", 0, 1}};

// "19.20" -> "19.2", "408.00" -> "408".
std::string TrimZeros(std::string number) {
  if (number.find('.') != std::string::npos) {
    number.erase(number.find_last_not_of('0') + 1);
    if (number.back() == '.') {
      number.pop_back();
    }
  }
  return number;
}

absl::Status BadRate(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(Quoted(text), " is no rate: ", ToAbsl(why),
                                                 "; write e.g. 48MHz, 1.5GHz or 48000000"));
}

// value * 10 + digit, or false when that has more than 63 bits.
bool Append(char digit, int64_t* value) {
  const int64_t number = digit - '0';
  if (*value > (std::numeric_limits<int64_t>::max() - number) / 10) {
    return false;
  }
  *value = *value * 10 + number;
  return true;
}

// Exact decimal arithmetic: a rate is never rounded on its way in.
absl::StatusOr<int64_t> ScaleToHz(std::string_view text, std::string_view number,
                                  const Unit& unit) {
  const size_t point = std::min(number.find('.'), number.size());
  std::string digits(number.substr(0, point));
  std::string fraction(point < number.size() ? number.substr(point + 1) : "");
  if (digits.empty() || (point < number.size() && fraction.empty())) {
    return BadRate(text, "a digit is missing");
  }
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (fraction.size() > static_cast<size_t>(unit.decimals)) {
    return BadRate(text, "not a whole number of Hz");
  }
  fraction.resize(static_cast<size_t>(unit.decimals), '0');
  int64_t hz = 0;
  for (const char c : digits + fraction) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      return BadRate(text, "not a number with a unit of Hz, kHz, MHz or GHz");
    }
    if (!Append(c, &hz)) {
      return BadRate(text, "too high");
    }
  }
  return hz;
}

}  // namespace

std::string FormatRate(int64_t hz) {
  for (const Unit& unit : kUnits) {
    if (hz >= unit.hz || unit.hz == 1) {
      const double value = static_cast<double>(hz) / static_cast<double>(unit.hz);
      return absl::StrCat(TrimZeros(absl::StrFormat("%.2f", value)), " ", ToAbsl(unit.name));
    }
  }
  return "";
}

std::string FormatExactRate(int64_t hz) {
  std::string shown = FormatRate(hz);
  std::string compact = shown;
  compact.erase(std::remove(compact.begin(), compact.end(), ' '), compact.end());
  const absl::StatusOr<int64_t> back = ParseRate(compact);
  return back.ok() && *back == hz ? shown : absl::StrCat(shown, " (", hz, " Hz)");
}

absl::StatusOr<int64_t> ParseRate(std::string_view text) {
  const std::string_view all = text;
  const Unit* unit = &kUnits[3];
  for (const Unit& candidate : kUnits) {
    if (absl::EndsWithIgnoreCase(ToAbsl(text), ToAbsl(candidate.name))) {
      unit = &candidate;
      text.remove_suffix(candidate.name.size());
      break;
    }
  }
  if (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  return ScaleToHz(all, text, *unit);
}

absl::StatusOr<uint64_t> ParseNumber(std::string_view text, uint64_t max, std::string_view what) {
  const bool hex = absl::StartsWithIgnoreCase(ToAbsl(text), "0x");
  const std::string_view digits = hex ? text.substr(2) : text;
  const bool plain = !digits.empty() && std::all_of(digits.begin(), digits.end(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return hex ? absl::ascii_isxdigit(byte) : absl::ascii_isdigit(byte);
  });
  uint64_t value = 0;
  const bool parsed = plain && (hex ? absl::SimpleHexAtoi(ToAbsl(digits), &value)
                                    : absl::SimpleAtoi(ToAbsl(digits), &value));
  if (!parsed || value > max) {
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(what), " is a number from 0 to ", max, ", not ", Quoted(text)));
  }
  return value;
}

absl::StatusOr<absl::Duration> ParseTimeout(std::string_view text) {
  absl::Duration duration;
  double seconds = 0;
  if (absl::SimpleAtod(ToAbsl(text), &seconds)) {
    duration = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(ToAbsl(text), &duration)) {
    duration = absl::ZeroDuration();
  }
  if (duration <= absl::ZeroDuration() || duration == absl::InfiniteDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(text), " is no time to wait; write e.g. 5s or 500ms"));
  }
  return duration;
}

std::string FormatAge(absl::Duration age) {
  const int64_t seconds = std::max<int64_t>(0, absl::ToInt64Seconds(age));
  if (seconds < 60) {
    return absl::StrCat(seconds, " s");
  }
  if (seconds < 3600) {
    return absl::StrCat(seconds / 60, " min ", seconds % 60, " s");
  }
  if (seconds < 86400) {
    return absl::StrCat(seconds / 3600, " h ", seconds / 60 % 60, " min");
  }
  return absl::StrCat(seconds / 86400, " d ", seconds / 3600 % 24, " h");
}

}  // namespace bpmp::ctl
