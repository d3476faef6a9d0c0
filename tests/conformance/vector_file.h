// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_CONFORMANCE_VECTOR_FILE_H_
#define TESTS_CONFORMANCE_VECTOR_FILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Reads the lines of tests/conformance/vectors (README.md there has the format), strictly: what
// doesn't parse is an error with file and line, never skipped.
namespace bpmp::conformance {

using Bytes = std::vector<uint8_t>;

// The `key=value` words of one line. Each is taken once; Finish() fails when one is left over or
// when one was missing or malformed, so a misspelt key can't pass as a default.
class Fields {
 public:
  Fields() = default;
  explicit Fields(std::map<std::string, std::string> values) : values_(std::move(values)) {}

  template <typename Int>
  Int Number(const std::string& key);
  std::vector<uint32_t> Numbers(const std::string& key);  // joined by ',', or "-"
  Bytes Hex(const std::string& key);
  std::string Text(const std::string& key);  // "-" is the empty text
  absl::Status Finish() const;

 private:
  std::string Take(const std::string& key);
  void Complain(const std::string& key, std::string_view what);

  std::map<std::string, std::string> values_;
  absl::Status status_;
};

enum class Verdict : uint8_t { kExact, kOk, kError };

struct Vector {
  std::string where;  // "clk.txt:12 clk-enable"
  std::string label;
  bool is_request = false;  // or an answer
  uint32_t mrq = 0;         // of a request
  int32_t error = 0;        // of an answer
  Bytes bytes;
  Verdict verdict = Verdict::kError;
  std::string type;        // empty for a refused request
  std::string error_name;  // for kError
  Fields fields;
};

// `name` is for messages. A file without vectors is an error.
absl::StatusOr<std::vector<Vector>> ParseVectors(std::string_view name, std::string_view text);

}  // namespace bpmp::conformance

#endif  // TESTS_CONFORMANCE_VECTOR_FILE_H_
