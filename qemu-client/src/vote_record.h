// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_SRC_VOTE_RECORD_H_
#define QEMU_CLIENT_SRC_VOTE_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace bpmp::client {

// Which clocks and power domains the guest believes it holds, learned from how its requests ended:
// what a broker is told that was restarted and knows nothing of this VM any more.
//
// The guest's belief is what counts, and it follows what Linux makes of an error: a clock whose
// DISABLE failed counts as off for its drivers, a domain that wasn't turned off as on. A vote that
// nobody knows about would otherwise come back with a restart.
//
// Bounded, without memory of its own after construction: what doesn't fit isn't recorded. Not
// thread-safe.
class VoteRecord {
 public:
  // More than any Tegra has, and what a broker accepts in a Hello.
  static constexpr size_t kMaxClocks = 1024;
  static constexpr size_t kMaxDomains = 256;

  VoteRecord();

  // A request with these bytes ended; `succeeded`: it was answered, without a BPMP error. Returns
  // whether it took a vote.
  bool Note(uint32_t mrq, absl::Span<const uint8_t> tx, bool succeeded);
  // The guest was reset: it holds nothing.
  void Clear();

  // Ascending, each once.
  const std::vector<uint32_t>& clocks() const { return clocks_; }
  const std::vector<uint32_t>& domains() const { return domains_; }

 private:
  std::vector<uint32_t> clocks_;
  std::vector<uint32_t> domains_;
};

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_SRC_VOTE_RECORD_H_
