// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/csv.h"

#include <cstddef>
#include <utility>

#include "broker/base/status_macros.h"

namespace bpmp::backend::sim {
namespace {

// Cuts what is before the next `separator` off the front of `text`, or all of it.
std::string_view TakeUntil(char separator, std::string_view* text) {
  const size_t end = text->find(separator);
  const std::string_view piece = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return piece;
}

absl::StatusOr<std::vector<std::string_view>> FieldsOf(std::string_view line) {
  std::vector<std::string_view> fields;
  for (bool more = true; more;) {
    if (!line.empty() && line.front() == '"') {
      line.remove_prefix(1);
      if (line.find('"') == std::string_view::npos) {
        return absl::InvalidArgumentError("a quoted field doesn't end");
      }
      fields.push_back(TakeUntil('"', &line));
      if (!line.empty() && line.front() != ',') {
        return absl::InvalidArgumentError("text after a quoted field");
      }
      more = !line.empty();
      line.remove_prefix(more ? 1 : 0);
    } else {
      more = line.find(',') != std::string_view::npos;
      fields.push_back(TakeUntil(',', &line));
    }
  }
  return fields;
}

}  // namespace

absl::StatusOr<std::vector<CsvRow>> ReadCsv(std::string_view text, std::string_view header) {
  if (TakeUntil('\n', &text) != header) {
    return absl::InvalidArgumentError(
        absl::StrCat("line 1: the header must be '", ToAbsl(header), "'"));
  }
  const size_t columns = Split(header, ',').size();
  std::vector<CsvRow> rows;
  for (int number = 2; !text.empty(); ++number) {
    const std::string_view line = TakeUntil('\n', &text);
    auto fields = FieldsOf(line);
    if (fields.ok() && fields->size() != columns) {
      fields = absl::InvalidArgumentError(
          absl::StrCat(fields->size(), " fields, the header has ", columns));
    }
    if (!fields.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": ", fields.status().message()));
    }
    rows.push_back({number, *std::move(fields)});
  }
  return rows;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::string_view piece = TakeUntil(separator, &text);
    if (!piece.empty()) {
      pieces.push_back(piece);
    }
  }
  return pieces;
}

}  // namespace bpmp::backend::sim
