// SPDX-License-Identifier: Apache-2.0
#include "broker/core/findings.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace bpmp::core {

void Findings::Problem(std::string line) {
  if (problems_.size() < kMaxProblems) {
    problems_.push_back(std::move(line));
  } else {
    ++more_problems_;
  }
}

void Findings::Say(const Where& where, std::string text) {
  if (notes_.size() < kMaxNotes) {
    notes_.push_back({where, std::move(text)});
  } else {
    ++more_notes_;
  }
}

absl::Status Findings::ToStatus() const {
  if (problems_.empty()) return absl::OkStatus();
  std::string text = absl::StrJoin(problems_, "\n");
  if (more_problems_ > 0) absl::StrAppend(&text, "\nand ", more_problems_, " more");
  return absl::InvalidArgumentError(text);
}

std::vector<Note> Findings::notes() const {
  std::vector<Note> notes = notes_;
  if (more_notes_ > 0) notes.push_back({Where(), absl::StrCat("and ", more_notes_, " more")});
  return notes;
}

}  // namespace bpmp::core
