// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_YAML_TREE_H_
#define BROKER_DAEMON_YAML_TREE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace bpmp::daemon {

// The bounds of a file. All are far above what a configuration needs and far below what hurts.
inline constexpr size_t kMaxYamlBytes = 1 << 20;
inline constexpr size_t kMaxYamlNodes = 100'000;
inline constexpr int kMaxYamlDepth = 32;

// A place in a file, 1-based. Zeroes: unknown.
struct Position {
  int line = 0;
  int column = 0;
};

// One value of a YAML document. Only what a configuration is made of: no anchors, aliases or tags
// (a few lines of those can stand for gigabytes), one document a file, scalars as keys.
struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  Position position;
  std::string text;             // kScalar: unescaped, any bytes
  bool quoted = false;          // kScalar: written in quotes or as a block, so it is a string
  std::vector<YamlNode> keys;   // kMap: scalars, in the order of the file, repeated ones too
  std::vector<YamlNode> items;  // kList: the elements; kMap: the value of each key
};

// Parses one document; an empty one is a kNull. Never throws, whatever the bytes. InvalidArgument
// names the place ("broker.yaml:3:7: ...") of the first thing that is no YAML, or not allowed here.
absl::StatusOr<YamlNode> ParseYaml(std::string_view text, std::string_view file);

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_YAML_TREE_H_
