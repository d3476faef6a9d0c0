// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/json.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "broker/ctl/style.h"
#include "google/protobuf/util/json_util.h"

namespace bpmp::ctl {

absl::StatusOr<std::string> TryToJson(const google::protobuf::Message& message, JsonLayout layout) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  options.add_whitespace = layout == JsonLayout::kIndented;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) {
    return absl::InternalError(absl::StrCat(message.GetTypeName(), " can't be shown as JSON"));
  }
  if (json.empty() || json.back() != '\n') {
    json += '\n';
  }
  return json;
}

std::string ToJson(const google::protobuf::Message& message, JsonLayout layout) {
  auto json = TryToJson(message, layout);
  if (json.ok()) return *std::move(json);
  return absl::StrCat("{\"error\": \"", json.status().message(), "\"}\n");
}

absl::Status FromJson(std::string_view text, google::protobuf::Message* message) {
  const auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(text.data(), text.size()), message);
  if (!status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("no JSON of a ",
                                                   message->GetDescriptor()->name(), ": ",
                                                   Printable(std::string(status.message()))));
  }
  return absl::OkStatus();
}

}  // namespace bpmp::ctl
