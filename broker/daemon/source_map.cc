// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/source_map.h"

#include <google/protobuf/descriptor.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace bpmp::daemon {

std::string SourceMap::PrefixAt(Position position) const {
  if (file_.empty()) return "";
  if (position.line == 0) return absl::StrCat(file_, ": ");
  return absl::StrFormat("%s:%d:%d: ", file_, position.line, position.column);
}

core::Where SourceMap::Of(const google::protobuf::Message& message) const {
  const auto it = messages_.find(&message);
  return {file_, it == messages_.end() ? 0 : it->second.line};
}

std::string SourceMap::Prefix(const google::protobuf::Message& message) const {
  const auto it = messages_.find(&message);
  return PrefixAt(it == messages_.end() ? Position() : it->second);
}

std::string SourceMap::Prefix(const google::protobuf::Message& message, std::string_view field,
                              int index) const {
  const auto* descriptor = message.GetDescriptor()->FindFieldByName(std::string(field));
  if (descriptor == nullptr) return Prefix(message);
  const auto it = fields_.find(FieldKey{&message, descriptor->number(), index});
  return it == fields_.end() ? Prefix(message) : PrefixAt(it->second);
}

}  // namespace bpmp::daemon
