// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/trace_stats.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/ctl/table.h"
#include "broker/ctl/trace_view.h"

namespace bpmp::ctl {
namespace {

// The smallest value that at least `percent` of them don't exceed. REQUIRES: sorted, not empty.
uint64_t Percentile(const std::vector<uint64_t>& sorted, size_t percent) {
  return sorted[(sorted.size() * percent + 99) / 100 - 1];
}

std::string CountTable(const char* title,
                       const google::protobuf::RepeatedPtrField<v1::TraceCount>& counts,
                       const Style& style) {
  const auto some = [](uint64_t count, Tone tone) {
    return count == 0 ? Cell("") : Cell(absl::StrCat(count), tone);
  };
  Table table({{title},
               {"TRANSFERS", Align::kRight},
               {"ERRORS", Align::kRight},
               {"FAILED", Align::kRight},
               {"LOST", Align::kRight},
               {"P50", Align::kRight},
               {"P90", Align::kRight},
               {"P99", Align::kRight},
               {"MAX", Align::kRight}});
  for (const v1::TraceCount& count : counts) {
    table.Add({count.of(), absl::StrCat(count.transfers()), some(count.errors(), Tone::kWarn),
               some(count.failed(), Tone::kBad), some(count.lost(), Tone::kBad),
               FormatTook(count.p50_ns()), FormatTook(count.p90_ns()), FormatTook(count.p99_ns()),
               FormatTook(count.max_ns())});
  }
  return table.Render(style);
}

}  // namespace

void TraceCounts::Count::Add(const trace::Transfer& transfer) {
  count.set_transfers(count.transfers() + 1);
  if (absl::IsDeadlineExceeded(transfer.status)) {
    count.set_lost(count.lost() + 1);
  } else if (!transfer.status.ok()) {
    count.set_failed(count.failed() + 1);
  } else if (!transfer.response.ok()) {
    count.set_errors(count.errors() + 1);
  }
  took.push_back(static_cast<uint64_t>(absl::ToInt64Nanoseconds(transfer.took)));
}

v1::TraceCount TraceCounts::Count::Finish(std::string of) && {
  count.set_of(std::move(of));
  if (took.empty()) return std::move(count);
  std::sort(took.begin(), took.end());
  count.set_p50_ns(Percentile(took, 50));
  count.set_p90_ns(Percentile(took, 90));
  count.set_p99_ns(Percentile(took, 99));
  count.set_max_ns(took.back());
  return std::move(count);
}

void TraceCounts::Add(const trace::Transfer& transfer, const std::string& vm) {
  total_.Add(transfer);
  by_vm_[vm].Add(transfer);
  by_command_[trace::CommandOf(transfer)].Add(transfer);
}

void TraceCounts::Finish(Counts counts, google::protobuf::RepeatedPtrField<v1::TraceCount>* to) {
  for (auto& [of, count] : counts) *to->Add() = std::move(count).Finish(of);
  std::stable_sort(to->begin(), to->end(), [](const v1::TraceCount& a, const v1::TraceCount& b) {
    return a.transfers() > b.transfers();
  });
}

v1::TraceStats TraceCounts::Finish(const v1::TraceSummary& summary) && {
  v1::TraceStats stats;
  *stats.mutable_summary() = summary;
  *stats.mutable_total() = std::move(total_).Finish("all");
  Finish(std::move(by_vm_), stats.mutable_by_vm());
  Finish(std::move(by_command_), stats.mutable_by_command());
  return stats;
}

std::string TraceStatsText(const v1::TraceStats& stats, absl::TimeZone zone, const Style& style) {
  auto by_vm = stats.by_vm();
  if (stats.total().transfers() > 0) *by_vm.Add() = stats.total();
  return absl::StrCat(TraceHead(stats.summary(), zone, style), TraceFoot(stats.summary(), style),
                      "\n", CountTable("VM", by_vm, style), "\n",
                      CountTable("REQUEST", stats.by_command(), style));
}

}  // namespace bpmp::ctl
