// SPDX-License-Identifier: Apache-2.0
#include "broker/core/findings.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace bpmp::core {

void Findings::Problem(std::string line) { problems_.Add(std::move(line)); }

void Findings::Say(const Where& where, std::string text) { notes_.Add({where, std::move(text)}); }

absl::Status Findings::ToStatus() const {
  if (problems_.items().empty()) return absl::OkStatus();
  std::string text = absl::StrJoin(problems_.items(), "\n");
  if (problems_.more() > 0) absl::StrAppend(&text, "\nand ", problems_.more(), " more");
  return absl::InvalidArgumentError(text);
}

std::vector<Note> Findings::notes() const {
  std::vector<Note> notes = notes_.items();
  if (notes_.more() > 0) notes.push_back({Where(), absl::StrCat("and ", notes_.more(), " more")});
  return notes;
}

}  // namespace bpmp::core
