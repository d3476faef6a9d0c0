// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/event_view.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {
namespace {

constexpr size_t kVmWidth = 10;
constexpr size_t kKindWidth = 15;

struct KindTone {
  std::string_view kind;
  Tone tone;
};
constexpr KindTone kTones[] = {
    {"vote", Tone::kGood},          {"edge", Tone::kGood},           {"denied", Tone::kBad},
    {"conflict", Tone::kWarn},      {"edge-failed", Tone::kBad},     {"unknown", Tone::kBad},
    {"quarantined", Tone::kBad},    {"moved", Tone::kWarn},          {"unbalanced", Tone::kWarn},
    {"session-lost", Tone::kWarn},  {"session-refused", Tone::kBad}, {"would-deny", Tone::kWarn},
    {"policy-refused", Tone::kBad}, {"vm-draining", Tone::kWarn},    {"thermal-trip", Tone::kWarn},
};

constexpr std::string_view kKinds[] = {"vote",           "edge",           "edge-failed",
                                       "rate",           "parent",         "moved",
                                       "reset",          "denied",         "conflict",
                                       "unbalanced",     "withheld",       "unknown",
                                       "quarantined",    "cleared",        "pinned",
                                       "vm-defined",     "vm-deleted",     "release-started",
                                       "release-step",   "released",       "session-opened",
                                       "session-lost",   "session-closed", "session-refused",
                                       "throttled",      "would-deny",     "policy-reloaded",
                                       "policy-refused", "vm-draining",    "vm-undrained",
                                       "vm-updated",     "endpoint-pll",   "thermal-trip",
                                       "inbound-dropped"};

std::string Padded(std::string text, size_t width) {
  const size_t own = DisplayWidth(text);
  text.append(width > own ? width - own : 0, ' ');
  return text;
}

}  // namespace

absl::Time EventTime(const v1::Event& event) {
  return absl::FromUnixSeconds(event.time().seconds()) + absl::Nanoseconds(event.time().nanos());
}

Tone EventTone(std::string_view kind) {
  const auto* found = std::find_if(std::begin(kTones), std::end(kTones),
                                   [kind](const KindTone& known) { return known.kind == kind; });
  return found == std::end(kTones) ? Tone::kPlain : found->tone;
}

std::string EventText(const v1::Event& event) {
  std::string text = event.text();
  if (text.empty()) {
    text = event.resource_name();
    if (!event.other().empty()) {
      absl::StrAppend(&text, text.empty() ? "" : ", ", event.other());
    }
    if (event.error() != 0) {
      absl::StrAppend(&text, text.empty() ? "" : ", ", ErrorWords(event.error()));
    }
  }
  return Printable(text);
}

std::vector<std::string> EventKinds() { return {std::begin(kKinds), std::end(kKinds)}; }

std::string EventLine(const v1::Event& event, absl::TimeZone zone, const Style& style) {
  const std::string time = absl::FormatTime("%H:%M:%E3S", EventTime(event), zone);
  return absl::StrCat(
      Paint(time, Tone::kDim, style), "  ",
      Paint(Padded(absl::StrCat("#", event.number()), 5), Tone::kDim, style), "  ",
      Padded(event.vm().empty() ? "-" : Printable(event.vm()), kVmWidth), "  ",
      Paint(Padded(Printable(event.kind()), kKindWidth), EventTone(event.kind()), style), "  ",
      EventText(event), "\n");
}

std::string GapLine(uint64_t count, Gap gap, const Style& style) {
  const std::string events = absl::StrCat(count, count == 1 ? " event" : " events");
  const std::string text = gap == Gap::kForgotten
                               ? absl::StrCat("(", events, " before this: no longer remembered)")
                               : absl::StrCat("(", events, " lost: this watcher is too slow)");
  return Paint(text, Tone::kWarn, style) + "\n";
}

}  // namespace bpmp::ctl
