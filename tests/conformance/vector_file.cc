// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/vector_file.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"

namespace bpmp::conformance {
namespace {

using Words = std::vector<std::string>;

absl::StatusOr<Fields> ParseFields(Words::const_iterator begin, Words::const_iterator end) {
  std::map<std::string, std::string> values;
  for (; begin != end; ++begin) {
    const std::pair<std::string, std::string> field =
        absl::StrSplit(*begin, absl::MaxSplits('=', 1));
    if (field.first.empty() || field.second.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("'", *begin, "' is not key=value"));
    }
    if (!values.insert(field).second) {
      return absl::InvalidArgumentError(absl::StrCat("'", field.first, "' is there twice"));
    }
  }
  return Fields(std::move(values));
}

absl::StatusOr<Verdict> ParseVerdict(const std::string& word) {
  static const auto& kVerdicts = *new std::map<std::string, Verdict>{
      {"exact", Verdict::kExact}, {"ok", Verdict::kOk}, {"error", Verdict::kError}};
  const auto found = kVerdicts.find(word);
  if (found == kVerdicts.end()) {
    return absl::InvalidArgumentError(absl::StrCat("'", word, "' is not exact, ok or error"));
  }
  return found->second;
}

// What follows the verdict: a type unless a request is refused, then fields or an error's name.
absl::Status ParseMeaning(Words::const_iterator begin, Words::const_iterator end, Vector* vector) {
  if (vector->verdict != Verdict::kError || !vector->is_request) {
    if (begin == end) {
      return absl::InvalidArgumentError("no type");
    }
    vector->type = *begin++;
  }
  if (vector->verdict == Verdict::kError) {
    if (end - begin != 1) {
      return absl::InvalidArgumentError("error takes the name of one error");
    }
    vector->error_name = *begin;
    return absl::OkStatus();
  }
  BPMP_ASSIGN_OR_RETURN(vector->fields, ParseFields(begin, end));
  return absl::OkStatus();
}

absl::StatusOr<Vector> ParseLine(absl::string_view line) {
  constexpr int kVerdictWord = 5;  // KIND LABEL code bytes => VERDICT
  const Words words = absl::StrSplit(line, ' ');
  if (words.size() <= kVerdictWord || words[kVerdictWord - 1] != "=>") {
    return absl::InvalidArgumentError("not 'KIND LABEL key=value key=value => VERDICT ...'");
  }
  if (words[0] != "request" && words[0] != "answer") {
    return absl::InvalidArgumentError(absl::StrCat("'", words[0], "' is not request or answer"));
  }
  Vector vector;
  vector.is_request = words[0] == "request";
  vector.label = words[1];
  BPMP_ASSIGN_OR_RETURN(Fields input, ParseFields(words.begin() + 2, words.begin() + 4));
  if (vector.is_request) {
    vector.mrq = input.Number<uint32_t>("mrq");
    vector.bytes = input.Hex("tx");
  } else {
    vector.error = input.Number<int32_t>("err");
    vector.bytes = input.Hex("rx");
  }
  BPMP_RETURN_IF_ERROR(input.Finish());
  BPMP_ASSIGN_OR_RETURN(vector.verdict, ParseVerdict(words[kVerdictWord]));
  BPMP_RETURN_IF_ERROR(ParseMeaning(words.begin() + kVerdictWord + 1, words.end(), &vector));
  return vector;
}

bool IsLowerHex(char c) { return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f'); }

}  // namespace

template <typename Int>
Int Fields::Number(const std::string& key) {
  const std::string text = Take(key);
  int64_t value = 0;
  // Only the plain form: no sign but '-', no spaces, no leading zeros.
  if (!absl::SimpleAtoi(text, &value) || absl::StrCat(value) != text ||
      !std::in_range<Int>(value)) {
    Complain(key, "is not a number that fits");
  }
  return static_cast<Int>(value);
}
template int32_t Fields::Number(const std::string& key);
template int64_t Fields::Number(const std::string& key);
template uint8_t Fields::Number(const std::string& key);
template uint16_t Fields::Number(const std::string& key);
template uint32_t Fields::Number(const std::string& key);

std::vector<uint32_t> Fields::Numbers(const std::string& key) {
  const std::string text = Text(key);
  std::vector<uint32_t> values;
  for (const absl::string_view word : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    if (!absl::SimpleAtoi(word, &values.emplace_back())) {
      Complain(key, "is not a list of numbers");
    }
  }
  return values;
}

Bytes Fields::Hex(const std::string& key) {
  const std::string text = Text(key);
  if (text.size() % 2 != 0 || !std::all_of(text.begin(), text.end(), IsLowerHex)) {
    Complain(key, "is not pairs of lower-case hexadecimal digits");
    return {};
  }
  const std::string bytes = absl::HexStringToBytes(text);
  return {bytes.begin(), bytes.end()};
}

std::string Fields::Text(const std::string& key) {
  std::string text = Take(key);
  return text == "-" ? "" : text;
}

absl::Status Fields::Finish() const {
  if (status_.ok() && !values_.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", values_.begin()->first, "' is not a key of this type"));
  }
  return status_;
}

std::string Fields::Take(const std::string& key) {
  const auto found = values_.find(key);
  if (found == values_.end()) {
    Complain(key, "is missing");
    return "";
  }
  std::string text = std::move(found->second);
  values_.erase(found);
  return text;
}

void Fields::Complain(const std::string& key, std::string_view what) {
  status_.Update(absl::InvalidArgumentError(absl::StrCat("'", key, "' ", ToAbsl(what))));
}

absl::StatusOr<std::vector<Vector>> ParseVectors(std::string_view name, std::string_view text) {
  std::vector<Vector> vectors;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(ToAbsl(text), '\n')) {
    ++number;
    if (line.empty() || line.front() == '#') {
      continue;
    }
    const std::string where = absl::StrCat(ToAbsl(name), ":", number);
    absl::StatusOr<Vector> vector = ParseLine(line);
    if (!vector.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(where, ": ", vector.status().message()));
    }
    vector->where = absl::StrCat(where, " ", vector->label);
    vectors.push_back(*std::move(vector));
  }
  if (vectors.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(name), ": no vectors"));
  }
  return vectors;
}

}  // namespace bpmp::conformance
