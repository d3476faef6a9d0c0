// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_REQUEST_PARSER_H_
#define BROKER_CTL_REQUEST_PARSER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "bpmp/v1/types.pb.h"
#include "broker/ctl/names.h"
#include "broker/mrq/types.h"

namespace bpmp::ctl {

// A request as somebody wrote it, ready to be sent.
struct ParsedRequest {
  v1::MrqRequest wire;
  // A range of rates that begins with the rate in `wire`: not for the guest's protocol, which has
  // none, but for the typed API.
  std::optional<int64_t> max_rate_hz;
  // Absent where the bytes (`raw`) are nothing that a VM may send; they are sent all the same.
  std::optional<mrq::Request> typed;
  // As written, with single spaces.
  std::string text;
  // What it is about, by name or id as written; empty for requests about nothing in particular.
  v1::ResourceKind kind = v1::RESOURCE_KIND_UNSPECIFIED;
  std::string resource;
};

// Blanks separate words; there are no quotes.
std::vector<std::string> SplitWords(std::string_view line);

// Parses one request of the grammar (request_grammar.h). A word may hold several ("clk enable
// uarta" in quotes). InvalidArgument says what is wrong and how it is written; names are asked
// from `names`, whose errors pass unchanged. Total: any words give a request or an error.
absl::StatusOr<ParsedRequest> ParseRequest(const std::vector<std::string>& words, Names& names);

// InvalidArgument for what the guest's protocol can't say.
absl::Status CheckGuestCanSay(const ParsedRequest& request);

// A request as the API carries it.
v1::MrqRequest ToWire(const mrq::Request& request);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_REQUEST_PARSER_H_
