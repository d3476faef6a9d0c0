// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_FINDINGS_H_
#define BROKER_CORE_FINDINGS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "broker/base/capped.h"
#include "broker/core/policy.h"

namespace bpmp::core {

// What is wrong with a policy, and what must be said of it all the same: bounded, however long the
// file. What is left out is counted.
class Findings {
 public:
  static constexpr size_t kMaxProblems = 100;  // as many as somebody reads
  // More than that: those that are new with a VM are told from those that were there before.
  static constexpr size_t kMaxNotes = 20000;

  // With its place, as ToString(Where) writes it.
  void Problem(std::string line);
  void Say(const Where& where, std::string text);

  // InvalidArgument with one line for each problem; OK when there is none.
  absl::Status ToStatus() const;
  std::vector<Note> notes() const;

 private:
  Capped<std::string> problems_{kMaxProblems};
  Capped<Note> notes_{kMaxNotes};
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_FINDINGS_H_
