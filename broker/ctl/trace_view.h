// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_TRACE_VIEW_H_
#define BROKER_CTL_TRACE_VIEW_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "bpmp/v1/trace.pb.h"
#include "broker/ctl/names.h"
#include "broker/ctl/style.h"
#include "broker/trace/reader.h"
#include "broker/trace/record.h"

// A trace's transfers as bpmpctl shows them. Pure functions over what trace::Reader reads.
namespace bpmp::ctl {

// What the trace itself says of names: in the firmware's answers when the broker read it out.
class TraceNames final : public Names {
 public:
  void Learn(const trace::Transfer& transfer);
  absl::StatusOr<uint32_t> Id(v1::ResourceKind kind, std::string_view name) override;
  std::string Name(v1::ResourceKind kind, uint32_t id) override;

 private:
  std::map<std::pair<v1::ResourceKind, uint32_t>, std::string> names_;
};

// "CLK ENABLE clock 155 (uarta)".
std::string RequestText(const trace::Transfer& transfer, Names& names);
// "ok: 408 MHz", "refused: EACCES (-13)", "lost: no answer", "failed: ...". One line.
std::string AnswerText(const trace::Transfer& transfer, Names& names);

// The firmware answered, and well.
inline bool IsFine(const trace::Transfer& transfer) {
  return transfer.status.ok() && transfer.response.ok();
}

// Reads a trace's transfers one after the other, as messages.
class TraceWalk {
 public:
  explicit TraceWalk(trace::Reader* reader) : reader_(reader) {}  // not owned

  // The next transfer, in `transfer` and `message`; false at the end. The error is the reader's.
  absl::StatusOr<bool> Next(trace::Transfer* transfer, v1::TraceTransfer* message);
  // Of what was read until now.
  v1::TraceSummary Summary() const;

 private:
  trace::Reader* const reader_;
  TraceNames names_;
  uint64_t number_ = 0;
  absl::Duration length_;
};

// One transfer on a line that ends in a newline, with its time since the recording began; before it
// a line where transfers are missing.
std::string TraceLine(const v1::TraceTransfer& transfer, const Style& style);
// Who recorded it; how it ends. Lines that end in newlines.
std::string TraceHead(const v1::TraceSummary& summary, absl::TimeZone zone, const Style& style);
std::string TraceFoot(const v1::TraceSummary& summary, const Style& style);

// "950 ns", "3.20 us", "1.50 ms", "230 s".
std::string FormatTook(uint64_t ns);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_TRACE_VIEW_H_
