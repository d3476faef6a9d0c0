// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/dts_value.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "broker/devicetree/cells.h"

namespace bpmp::ctl {
namespace {

using devicetree::kCellSize;

bool IsText(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isprint(static_cast<unsigned char>(c));
  });
}

// Empty where the value isn't made of printable strings, each with its NUL.
std::string AsStrings(std::string_view value) {
  std::vector<std::string> strings;
  while (!value.empty()) {
    const size_t end = value.find('\0');
    if (end == std::string_view::npos || !IsText(value.substr(0, end))) {
      return "";
    }
    strings.push_back(DtsString(value.substr(0, end)));
    value.remove_prefix(end + 1);
  }
  return absl::StrJoin(strings, ", ");
}

std::string AsBytes(std::string_view value) {
  std::string text;
  for (const char c : value) {
    absl::StrAppendFormat(&text, "%s%02x", text.empty() ? "" : " ", static_cast<unsigned char>(c));
  }
  return "[" + text + "]";
}

}  // namespace

std::string DtsString(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) {
      absl::StrAppendFormat(&quoted, "\\x%02x", static_cast<unsigned char>(c));
      continue;
    }
    if (c == '"' || c == '\\') {
      quoted += '\\';
    }
    quoted += c;
  }
  return quoted + '"';
}

std::string DtsCells(std::string_view bytes) {
  std::string text;
  for (; bytes.size() >= kCellSize; bytes.remove_prefix(kCellSize)) {
    absl::StrAppendFormat(&text, "%s0x%x", text.empty() ? "" : " ", devicetree::LoadCell(bytes));
  }
  return text;
}

std::string DtsValue(std::string_view value) {
  if (value.empty()) {
    return "";
  }
  if (std::string strings = AsStrings(value); !strings.empty()) {
    return strings;
  }
  return value.size() % kCellSize == 0 ? "<" + DtsCells(value) + ">" : AsBytes(value);
}

}  // namespace bpmp::ctl
