// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_SOURCE_MAP_H_
#define BROKER_DAEMON_SOURCE_MAP_H_

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "broker/core/policy.h"
#include "broker/daemon/yaml_tree.h"

namespace bpmp::daemon {

// Remembers where each message and field of a loaded file was written, so that whatever is found
// wrong with it later can name the line. Keyed by the messages' addresses: good while the loaded
// message lives and is changed only by setting fields and adding elements. Not thread-safe.
class SourceMap {
 public:
  SourceMap() = default;
  explicit SourceMap(std::string file) : file_(std::move(file)) {}

  const std::string& file() const { return file_; }

  void Add(const google::protobuf::Message* message, Position position) {
    messages_[message] = position;
  }
  // `index` counts the elements of a repeated field.
  void Add(const google::protobuf::Message* message, int field, int index, Position position) {
    fields_[{message, field, index}] = position;
  }

  // Line 0 for a message that wasn't in the file. The second form falls back as Prefix() does.
  core::Where Of(const google::protobuf::Message& message) const;
  core::Where Of(const google::protobuf::Message& message, std::string_view field, int index) const;
  // "broker.yaml:12:5: ", or "broker.yaml: " for what isn't in the file, or "" without a file. The
  // second form falls back to the message's own place where the field isn't set.
  std::string Prefix(const google::protobuf::Message& message) const;
  std::string Prefix(const google::protobuf::Message& message, std::string_view field,
                     int index = 0) const;

 private:
  struct FieldKey {
    const google::protobuf::Message* message;
    int field;
    int index;
    friend bool operator==(const FieldKey&, const FieldKey&) = default;
    template <typename H>
    friend H AbslHashValue(H h, const FieldKey& key) {
      return H::combine(std::move(h), key.message, key.field, key.index);
    }
  };

  // Null where neither the field nor the message was in the file.
  const Position* Find(const google::protobuf::Message& message, std::string_view field,
                       int index) const;
  std::string PrefixAt(Position position) const;

  std::string file_;
  absl::flat_hash_map<const google::protobuf::Message*, Position> messages_;
  absl::flat_hash_map<FieldKey, Position> fields_;
};

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_SOURCE_MAP_H_
