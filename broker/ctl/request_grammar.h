// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_REQUEST_GRAMMAR_H_
#define BROKER_CTL_REQUEST_GRAMMAR_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "broker/mrq/types.h"

// What may be written after `bpmpctl request VM`, as one table: parsing, help, completion and the
// hint about a mistyped word all read it.
namespace bpmp::ctl {

enum class ArgumentKind : uint8_t { kNone, kClock, kReset, kDomain, kRate, kNumber, kMrq, kBytes };

struct Argument {
  ArgumentKind kind = ArgumentKind::kNone;
  std::string_view name;  // as the help shows it, "ZONE"
  uint64_t max = 0;       // kNumber only
  bool optional = false;
  int64_t fallback = 0;  // where it is optional and left out
};

inline constexpr size_t kMaxArguments = 3;

// A form's arguments, checked and resolved: ids, rates in Hz and numbers by position.
struct Values {
  std::array<int64_t, kMaxArguments> number{};
  std::vector<uint8_t> bytes;
};

struct Form {
  std::string_view noun;  // "clk"
  std::string_view verb;  // "enable"; empty where the noun says it all
  std::array<Argument, kMaxArguments> arguments;
  mrq::Request (*make)(const Values&);
  // Its third argument is the end of a range of rates, which no message of the BPMP's has.
  bool range = false;
};

// All forms but `raw`, those of one noun together.
absl::Span<const Form> Forms();

// The noun for bytes as they are: raw MRQ [WORD|hex:BYTES]... [rx=N].
inline constexpr std::string_view kRaw = "raw";

// "clk set-rate CLOCK RATE".
std::string Usage(const Form& form);
// All forms, one a line, for --help.
std::string GrammarHelp();

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_REQUEST_GRAMMAR_H_
