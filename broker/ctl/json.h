// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_JSON_H_
#define BROKER_CTL_JSON_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

namespace bpmp::ctl {

enum class JsonLayout { kIndented, kOneLine };

// Protobuf's JSON with the names of the .proto files, fields at their default included, a newline
// at the end. 64-bit numbers are strings, as protobuf has it. Internal for a message that has no
// JSON, e.g. one with a string that is no UTF-8.
absl::StatusOr<std::string> TryToJson(const google::protobuf::Message& message, JsonLayout layout);

// The same for a reader who wants a line in any case: {"error": ...} where there is no JSON.
std::string ToJson(const google::protobuf::Message& message, JsonLayout layout);

// The other way. InvalidArgument, with protobuf's reason, for what isn't such a message; unknown
// fields are refused.
absl::Status FromJson(std::string_view text, google::protobuf::Message* message);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_JSON_H_
