// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_TRACE_STATS_H_
#define BROKER_CTL_TRACE_STATS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bpmp/v1/trace.pb.h"
#include "broker/ctl/style.h"
#include "broker/trace/record.h"

namespace bpmp::ctl {

// Counts a trace's transfers, in all, by VM, and by MRQ and command. Takes 24 bytes a transfer.
class TraceCounts {
 public:
  void Add(const trace::Transfer& transfer, const std::string& vm);
  // Those with most transfers first.
  v1::TraceStats Finish(const v1::TraceSummary& summary) &&;

 private:
  struct Count {
    v1::TraceCount count;
    std::vector<uint64_t> took;  // ns

    void Add(const trace::Transfer& transfer);
    v1::TraceCount Finish(std::string of) &&;
  };
  using Counts = std::map<std::string, Count>;
  static void Finish(Counts counts, google::protobuf::RepeatedPtrField<v1::TraceCount>* to);

  Count total_;
  Counts by_vm_;
  Counts by_command_;
};

// Two tables.
std::string TraceStatsText(const v1::TraceStats& stats, absl::TimeZone zone, const Style& style);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_TRACE_STATS_H_
