// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_TRACE_DIFF_H_
#define BROKER_CTL_TRACE_DIFF_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "bpmp/v1/trace.pb.h"
#include "broker/ctl/style.h"
#include "broker/trace/record.h"

namespace bpmp::ctl {

// Compares two traces by what each VM asked and was answered, in the VM's own order: when, how fast
// and what other VMs did in between doesn't matter. A read that is answered as the last time says
// nothing new and is passed over, so that neither does how often somebody looked.
class TraceComparison {
 public:
  enum Side : uint8_t { kA = 0, kB = 1 };
  // `every`: repeated reads count too.
  explicit TraceComparison(bool every) : every_(every) {}

  // Each trace's transfers in order; `message` is the same as TraceWalk has it.
  void Add(Side side, const trace::Transfer& transfer, const v1::TraceTransfer& message);
  // At most `limit` differences are kept, all are counted.
  v1::TraceDiff Compare(size_t limit) const;

 private:
  // A transfer, as numbers: equal texts have equal numbers.
  struct Entry {
    uint32_t request = 0;
    uint32_t answer = 0;
    uint64_t number = 0;
  };
  using Entries = std::vector<Entry>;

  uint32_t Intern(std::string key, const std::string& text);
  void CompareVm(const std::string& vm, const Entries& a, const Entries& b, size_t limit,
                 v1::TraceDiff* diff) const;
  void Report(const std::string& vm, const Entry* a, const Entry* b, size_t limit,
              v1::TraceDiff* diff) const;

  const bool every_;
  absl::flat_hash_map<std::string, uint32_t> numbers_;
  std::vector<std::string> texts_;
  std::map<std::string, std::array<Entries, 2>> vms_;
  std::array<absl::flat_hash_map<uint32_t, uint32_t>, 2> last_;  // answer to each request
  std::array<uint64_t, 2> repeated_{};
};

// "-" only in A, "+" only in B, "!" the same request with another answer.
std::string TraceDiffText(const v1::TraceDiff& diff, const Style& style);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_TRACE_DIFF_H_
