// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/event_view.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

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
    {"vote", Tone::kGood},         {"edge", Tone::kGood},           {"denied", Tone::kBad},
    {"conflict", Tone::kWarn},     {"edge-failed", Tone::kBad},     {"unknown", Tone::kBad},
    {"quarantined", Tone::kBad},   {"moved", Tone::kWarn},          {"unbalanced", Tone::kWarn},
    {"session-lost", Tone::kWarn}, {"session-refused", Tone::kBad},
};

Tone ToneOf(std::string_view kind) {
  const auto* found = std::find_if(std::begin(kTones), std::end(kTones),
                                   [kind](const KindTone& known) { return known.kind == kind; });
  return found == std::end(kTones) ? Tone::kPlain : found->tone;
}

std::string Padded(std::string text, size_t width) {
  const size_t own = DisplayWidth(text);
  text.append(width > own ? width - own : 0, ' ');
  return text;
}

absl::Time TimeOf(const v1::Event& event) {
  return absl::FromUnixSeconds(event.time().seconds()) + absl::Nanoseconds(event.time().nanos());
}

// Where the broker sent no sentence, the event's own fields say it.
std::string TextOf(const v1::Event& event) {
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

}  // namespace

std::string EventLine(const v1::Event& event, absl::TimeZone zone, const Style& style) {
  std::string line;
  if (event.lost() > 0) {
    absl::StrAppend(
        &line,
        Paint(absl::StrCat("(", event.lost(), " events lost: this watcher is too slow)"),
              Tone::kWarn, style),
        "\n");
  }
  const std::string time = absl::FormatTime("%H:%M:%E3S", TimeOf(event), zone);
  absl::StrAppend(&line, Paint(time, Tone::kDim, style), "  ",
                  Paint(Padded(absl::StrCat("#", event.number()), 5), Tone::kDim, style), "  ",
                  Padded(event.vm().empty() ? "-" : Printable(event.vm()), kVmWidth), "  ",
                  Paint(Padded(Printable(event.kind()), kKindWidth), ToneOf(event.kind()), style),
                  "  ", TextOf(event), "\n");
  return line;
}

}  // namespace bpmp::ctl
