// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_SIM_CSV_H_
#define BROKER_BACKEND_SIM_CSV_H_

#include <charconv>
#include <string_view>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "broker/base/string_view.h"

// The little of CSV that data/ needs. Fields are views into the text, which must outlive them.
namespace bpmp::backend::sim {

struct CsvRow {
  int line = 0;  // in the file, from 1
  std::vector<std::string_view> fields;
};

// The rows below the header, which must be exactly `header`. A field may be in double quotes and
// then hold commas; there are no escapes. Errors name the line: a row with another number of fields
// than the header, a quote that doesn't end.
absl::StatusOr<std::vector<CsvRow>> ReadCsv(std::string_view text, std::string_view header);

// Runs `parse(row)`, which returns absl::Status, over the rows of such text until one fails. Errors
// say file and line.
template <typename Parse>
absl::Status ForEachRow(std::string_view file, std::string_view text, std::string_view header,
                        Parse parse) {
  const auto rows = ReadCsv(text, header);
  if (!rows.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(file), ": ", rows.status().message()));
  }
  for (const CsvRow& row : *rows) {
    if (const absl::Status status = parse(row); !status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(ToAbsl(file), ": line ", row.line, ": ", status.message()));
    }
  }
  return absl::OkStatus();
}

// The non-empty pieces of `text` between separators.
std::vector<std::string_view> Split(std::string_view text, char separator);

// All of `text` as a number that `Int` holds, or InvalidArgument.
template <typename Int>
absl::StatusOr<Int> ParseNumber(std::string_view text) {
  Int value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return absl::InvalidArgumentError(absl::StrCat("'", ToAbsl(text), "' is no number"));
  }
  return value;
}

}  // namespace bpmp::backend::sim

#endif  // BROKER_BACKEND_SIM_CSV_H_
