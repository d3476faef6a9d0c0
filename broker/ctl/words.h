// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_WORDS_H_
#define BROKER_CTL_WORDS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "bpmp/v1/types.pb.h"
#include "broker/ctl/table.h"

// The API's enumerations in words, with the tone that each has on a terminal. Pure functions.
namespace bpmp::ctl {

std::string KindWord(v1::ResourceKind kind);  // "clock", "power domain", "reset"
std::string AccessWord(v1::Access access);    // "exclusive"
std::string RatePolicyWord(v1::RatePolicy policy);
Cell GateCell(v1::GateState gate);
Cell ResetCell(v1::ResetState state);

// "get", "vote", "exclusive". InvalidArgument for any other word.
absl::StatusOr<v1::Access> ParseAccess(std::string_view word);

// "EBUSY (another holder)" for -16.
std::string ErrorWords(int32_t error);

// "EBUSY: another VM holds it" where the broker gave a reason, which repeats no verdict ("Refused
// with EBUSY: "), else as ErrorWords.
std::string ErrorAndReason(int32_t error, std::string_view reason);

// The broker's explanation without the verdict that it begins with.
std::string WithoutVerdict(std::string_view explanation);

// A resource as somebody writes it on the command line: "uarta", "155", or with its kind before it
// where a name alone is ambiguous: "clock:vic", "domain:vic", "reset:vic".
struct ResourceWord {
  v1::ResourceKind kind = v1::RESOURCE_KIND_UNSPECIFIED;  // unspecified: not written
  std::string name;                                       // name or id
};
// InvalidArgument for an empty name or a kind that there isn't.
absl::StatusOr<ResourceWord> ParseResourceWord(std::string_view word);

// "1 clock", "3 clocks".
std::string Count(uint64_t number, const char* one, const char* several);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_WORDS_H_
