// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/words.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "broker/base/string_view.h"
#include "broker/ctl/units.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/types.h"

namespace bpmp::ctl {
namespace {

template <typename Value>
struct Word {
  Value value;
  std::string_view word;
  Tone tone = Tone::kPlain;
};

constexpr Word<v1::ResourceKind> kKinds[] = {
    {v1::RESOURCE_KIND_CLOCK, "clock"},
    {v1::RESOURCE_KIND_POWER_DOMAIN, "power domain"},
    {v1::RESOURCE_KIND_RESET, "reset"},
    {v1::RESOURCE_KIND_PCIE_CONTROLLER, "PCIe controller"},
};
// As written before a colon.
constexpr Word<v1::ResourceKind> kPrefixes[] = {
    {v1::RESOURCE_KIND_CLOCK, "clock"},
    {v1::RESOURCE_KIND_POWER_DOMAIN, "domain"},
    {v1::RESOURCE_KIND_RESET, "reset"},
    {v1::RESOURCE_KIND_PCIE_CONTROLLER, "pcie"},
};
constexpr Word<v1::Access> kAccesses[] = {
    {v1::ACCESS_NONE, "none"},
    {v1::ACCESS_GET, "get"},
    {v1::ACCESS_VOTE, "vote"},
    {v1::ACCESS_EXCLUSIVE, "exclusive"},
};
constexpr Word<v1::RatePolicy> kRatePolicies[] = {
    {v1::RATE_POLICY_OWNER, "owner"}, {v1::RATE_POLICY_FIXED, "fixed"},
    {v1::RATE_POLICY_FIRST, "first"}, {v1::RATE_POLICY_MAX, "max"},
    {v1::RATE_POLICY_RANGE, "range"},
};
constexpr Word<v1::GateState> kGates[] = {
    {v1::GATE_STATE_OFF, "off", Tone::kDim},
    {v1::GATE_STATE_TURNING_ON, "turning on", Tone::kWarn},
    {v1::GATE_STATE_ON, "on", Tone::kGood},
    {v1::GATE_STATE_TURNING_OFF, "turning off", Tone::kWarn},
    {v1::GATE_STATE_UNKNOWN, "unknown", Tone::kBad},
};
constexpr Word<v1::ResetState> kResets[] = {
    {v1::RESET_STATE_UNKNOWN, "never driven", Tone::kDim},
    {v1::RESET_STATE_ASSERTED, "asserted", Tone::kWarn},
    {v1::RESET_STATE_DEASSERTED, "deasserted", Tone::kGood},
};
// What an error means where the broker gives no better reason.
constexpr Word<mrq::Error> kErrors[] = {
    {mrq::Error::kAccess, "not permitted by the VM's policy"},
    {mrq::Error::kBusy, "another holder"},
    {mrq::Error::kInval, "no such id, or a bad argument"},
    {mrq::Error::kIo, "the hardware could not be reached"},
    {mrq::Error::kTimedOut, "no answer in time; the outcome is unknown"},
    {mrq::Error::kAgain, "the VM was released meanwhile"},
    {mrq::Error::kBadCmd, "not a command of this firmware"},
    {mrq::Error::kNoDev, "not offered to this VM"},
    {mrq::Error::kNotSup, "the device's power domain is off, or it can't do that"},
};

// A value of a newer broker that this table lacks is shown as a number.
template <typename Value, size_t N>
Cell Find(const Word<Value> (&words)[N], Value value) {
  const auto* found = std::find_if(std::begin(words), std::end(words),
                                   [value](const auto& word) { return word.value == value; });
  if (found == std::end(words)) {
    const auto number = static_cast<int64_t>(value);
    return number == 0 ? Cell("") : Cell(absl::StrCat("value ", number));
  }
  return Cell(std::string(found->word), found->tone);
}

template <typename Value, size_t N>
const Word<Value>* FindWord(const Word<Value> (&words)[N], std::string_view text) {
  const auto* found = std::find_if(std::begin(words), std::end(words),
                                   [text](const auto& word) { return word.word == text; });
  return found == std::end(words) ? nullptr : found;
}

std::string ErrorNameOf(int32_t error) {
  const std::string_view name = mrq::ErrorName(error);
  return name == "E?" ? absl::StrCat("error ", error) : std::string(name);
}

}  // namespace

std::string KindWord(v1::ResourceKind kind) { return Find(kKinds, kind).text; }
std::string AccessWord(v1::Access access) { return Find(kAccesses, access).text; }
std::string RatePolicyWord(v1::RatePolicy policy) { return Find(kRatePolicies, policy).text; }
Cell GateCell(v1::GateState gate) { return Find(kGates, gate); }
Cell ResetCell(v1::ResetState state) { return Find(kResets, state); }

absl::StatusOr<v1::Access> ParseAccess(std::string_view word) {
  const auto* found = FindWord(kAccesses, word);
  if (found == nullptr || found->value == v1::ACCESS_NONE) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(word), " is no permission; one of get, vote, exclusive"));
  }
  return found->value;
}

std::string ErrorWords(int32_t error) {
  std::string words = ErrorNameOf(error);
  const bool has_negative = error > std::numeric_limits<int32_t>::min();
  const auto known = static_cast<mrq::Error>(has_negative ? -error : 0);
  for (const auto& candidate : kErrors) {
    if (candidate.value == known) {
      absl::StrAppend(&words, " (", ToAbsl(candidate.word), ")");
    }
  }
  return words;
}

std::string ErrorAndReason(int32_t error, std::string_view reason) {
  return reason.empty() ? ErrorWords(error)
                        : absl::StrCat(ErrorNameOf(error), ": ", WithoutVerdict(reason));
}

std::string WithoutVerdict(std::string_view explanation) {
  for (const std::string_view verdict : {"Refused with ", "Allowed"}) {
    const size_t colon = explanation.find(": ");
    if (explanation.substr(0, verdict.size()) == verdict && colon != std::string_view::npos) {
      return Printable(explanation.substr(colon + 2));
    }
  }
  return Printable(explanation);
}

absl::StatusOr<ResourceWord> ParseResourceWord(std::string_view word) {
  ResourceWord result;
  const size_t colon = word.find(':');
  if (colon != std::string_view::npos) {
    const auto* prefix = FindWord(kPrefixes, word.substr(0, colon));
    if (prefix == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          Quoted(word), " names no kind; write clock:NAME, domain:NAME, reset:NAME or pcie:ID"));
    }
    result.kind = prefix->value;
    word.remove_prefix(colon + 1);
  }
  if (word.empty()) {
    return absl::InvalidArgumentError("the name of a clock, power domain or reset is missing");
  }
  result.name = std::string(word);
  return result;
}

std::string Count(uint64_t number, const char* one, const char* several) {
  return absl::StrCat(number, " ", number == 1 ? one : several);
}

}  // namespace bpmp::ctl
