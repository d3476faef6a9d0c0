// SPDX-License-Identifier: Apache-2.0
// Any bytes as a trace that somebody sent: it can be shown, counted and compared, in text and in
// JSON that reads back as what it was written from.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "broker/ctl/json.h"
#include "broker/ctl/trace_diff.h"
#include "broker/ctl/trace_stats.h"
#include "broker/ctl/trace_view.h"
#include "broker/trace/codec.h"
#include "broker/trace/reader.h"
#include "google/protobuf/util/message_differencer.h"

namespace bpmp::ctl {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// One line, and nothing in it that could steer a terminal.
bool IsOneLine(std::string_view text) {
  return !text.empty() && text.find_first_of("\n\x1b") == text.size() - 1;
}

template <typename Message>
void RequireJson(const Message& message, JsonLayout layout) {
  const auto json = TryToJson(message, layout);
  Require(json.ok());
  Message back;
  Require(FromJson(*json, &back).ok());
  Require(google::protobuf::util::MessageDifferencer::Equals(message, back));
}

void Fuzz(std::string_view bytes) {
  auto reader = trace::Reader::OverBytes(bytes);
  if (!reader.ok()) return;
  TraceWalk walk(&*reader);
  TraceCounts counts;
  TraceComparison same(/*every=*/false);
  trace::Transfer transfer;
  v1::TraceTransfer message;
  for (auto more = walk.Next(&transfer, &message); more.ok() && *more;
       more = walk.Next(&transfer, &message)) {
    message.set_missing_before(0);  // which would be another line
    Require(IsOneLine(TraceLine(message, Style())));
    RequireJson(message, JsonLayout::kOneLine);
    counts.Add(transfer, message.vm());
    same.Add(TraceComparison::kA, transfer, message);
    same.Add(TraceComparison::kB, transfer, message);
  }
  const v1::TraceStats stats = std::move(counts).Finish(walk.Summary());
  Require(!TraceStatsText(stats, absl::UTCTimeZone(), Style()).empty());
  RequireJson(stats, JsonLayout::kIndented);
  const v1::TraceDiff diff = same.Compare(10);
  Require(diff.total() == 0 && diff.compared_a() == diff.compared_b());
}

}  // namespace
}  // namespace bpmp::ctl

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  bpmp::ctl::Fuzz(bytes);
  std::string trace(bpmp::trace::kMagic);
  bpmp::trace::Encode(bpmp::trace::Start(), &trace);
  trace += bytes;
  bpmp::ctl::Fuzz(trace);
  return 0;
}
