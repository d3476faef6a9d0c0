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

const Position* SourceMap::Find(const google::protobuf::Message& message, std::string_view field,
                                int index) const {
  const auto* descriptor = message.GetDescriptor()->FindFieldByName(std::string(field));
  if (descriptor != nullptr) {
    const auto it = fields_.find(FieldKey{&message, descriptor->number(), index});
    if (it != fields_.end()) return &it->second;
  }
  const auto it = messages_.find(&message);
  return it == messages_.end() ? nullptr : &it->second;
}

core::Where SourceMap::Of(const google::protobuf::Message& message) const {
  return Of(message, "", 0);
}

core::Where SourceMap::Of(const google::protobuf::Message& message, std::string_view field,
                          int index) const {
  const Position* position = Find(message, field, index);
  return {file_, position == nullptr ? 0 : position->line};
}

std::string SourceMap::Prefix(const google::protobuf::Message& message) const {
  return Prefix(message, "", 0);
}

std::string SourceMap::Prefix(const google::protobuf::Message& message, std::string_view field,
                              int index) const {
  const Position* position = Find(message, field, index);
  return PrefixAt(position == nullptr ? Position() : *position);
}

}  // namespace bpmp::daemon
