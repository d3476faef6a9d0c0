// SPDX-License-Identifier: Apache-2.0
#include "broker/service/event_text.h"

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/substitute.h"
#include "broker/base/string_view.h"
#include "broker/core/names.h"
#include "broker/mrq/codec.h"

namespace bpmp::service {
namespace {

using core::Event;
using core::EventKind;

// How each kind is told. $0 the VM, $1 the resource with its kind, $2 the other VM, $3 the value as
// the kind means it, $4 error and reason, $5 the request. `off` is told instead when `value` is 0,
// if there is one.
struct Phrase {
  EventKind kind;
  bool vm;     // Event::vm counts
  bool other;  // Event::other counts
  const char* text;
  const char* off = nullptr;
};

constexpr std::array kPhrases = {
    Phrase{EventKind::kVote, true, false, "$0 votes for $1", "$0 drops its vote for $1"},
    Phrase{EventKind::kEdge, true, false, "$1 was turned on for $0", "$1 was turned off for $0"},
    Phrase{EventKind::kEdgeFailed, true, false, "a change of $1 for $0 failed: $4"},
    Phrase{EventKind::kEndpointPll, true, false, "the endpoint PLL of $1 was turned on for $0",
           "the endpoint PLL of $1 was turned off for $0"},
    Phrase{EventKind::kRate, true, false, "$1 now runs at $3, because of $0"},
    Phrase{EventKind::kParent, true, false, "$1 now has the parent $3, set by $0"},
    Phrase{EventKind::kMoved, true, true, "a change by $0 moved $1, which $2 holds, to $3"},
    Phrase{EventKind::kReset, true, false, "$0 $3 $1"},
    Phrase{EventKind::kDenied, true, false, "$0 was refused $5: $4"},
    Phrase{EventKind::kConflict, true, true, "$0 was refused $5, because of $2: $4"},
    Phrase{EventKind::kWouldDeny, true, false,
           "$0 is audit-only and was allowed $5, which its policy denies: $4"},
    Phrase{EventKind::kUnbalanced, true, false, "$0 turned off $1 without a vote for it"},
    Phrase{EventKind::kWithheld, true, true,
           "a reset of $1 by $0 was withheld: $2 uses the device"},
    Phrase{EventKind::kUnknown, true, false, "nobody knows whether $1 is on or off; it is retried"},
    Phrase{EventKind::kQuarantined, true, false,
           "$1 is quarantined, kept from all but $0; once it is fit for use: bpmpctl "
           "clear-quarantine RESOURCE"},
    Phrase{EventKind::kCleared, true, false, "$1 is out of quarantine, where it was for $0"},
    Phrase{EventKind::kPinned, true, false, "the host holds $1", "the host no longer holds $1"},
    Phrase{EventKind::kVmDefined, true, false, "$0 is defined"},
    Phrase{EventKind::kVmDeleted, true, false, "$0 is deleted"},
    Phrase{EventKind::kReleaseStarted, true, false, "the release of $0 begins; next is epoch $3"},
    Phrase{EventKind::kReleaseStep, true, false, "in the release of $0, $1: $4"},
    Phrase{EventKind::kReleased, true, false, "$0 is released, with $3 in quarantine",
           "$0 is released"},
};
static_assert(kPhrases.size() == static_cast<size_t>(EventKind::kEventKindCount));

constexpr bool PhrasesInOrder() {
  for (size_t i = 0; i < kPhrases.size(); ++i) {
    if (static_cast<size_t>(kPhrases[i].kind) != i) return false;
  }
  return true;
}
static_assert(PhrasesInOrder(), "the table is indexed by EventKind");

const Phrase& PhraseOf(const Event& event) { return kPhrases[static_cast<size_t>(event.kind)]; }

std::string ValueText(const Event& event, const EventNames& names) {
  static constexpr std::string_view kResetActions[] = {"asserted", "deasserted", "pulsed"};
  switch (event.kind) {
    case EventKind::kRate:
    case EventKind::kMoved:
      return HzText(event.value);
    case EventKind::kParent:
      return names.target;
    case EventKind::kReset:
      return event.value >= 0 && event.value < 3 ? std::string(kResetActions[event.value])
                                                 : "drove";
    case EventKind::kReleased:
      return absl::StrCat(event.value, event.value == 1 ? " resource" : " resources");
    default:
      return absl::StrCat(event.value);
  }
}

std::string WhyText(const Event& event) {
  const absl::string_view reason = ToAbsl(core::ReasonText(event.reason));
  if (event.error == 0) return std::string(reason);
  return absl::StrCat(ToAbsl(mrq::ErrorName(event.error)), ", ", reason);
}

// "clock uarta"; a name that says its kind already ("clock 13") is left alone.
std::string ResourceText(const Event& event, const EventNames& names) {
  if (event.resource.kind == core::ResourceKind::kNone) return "nothing";
  const std::string_view kind = core::KindName(event.resource.kind);
  if (names.resource.rfind(kind, 0) == 0) return names.resource;
  return absl::StrCat(ToAbsl(kind), " ", names.resource);
}

template <typename Request>
std::string_view CommandOf(uint32_t command) {
  Request request;
  request.cmd = static_cast<decltype(request.cmd)>(command);
  // A command that doesn't survive the cast is none.
  if (static_cast<uint32_t>(request.cmd) != command) return "?";
  return mrq::CommandName(request);
}

}  // namespace

EventNames NamesOf(const core::Core& core, const Event& event) {
  const Phrase& phrase = PhraseOf(event);
  EventNames names;
  if (phrase.vm) names.vm = core.NameOf(event.vm);
  if (phrase.other) names.other = core.NameOf(event.other);
  if (event.resource.kind != core::ResourceKind::kNone) {
    names.resource = core.NameOf(event.resource);
  }
  if (event.kind == EventKind::kParent) {
    names.target = core.NameOf(core::Resource::Of(ClockId(static_cast<uint32_t>(event.value))));
  }
  return names;
}

std::string EventText(const Event& event, const EventNames& names) {
  const Phrase& phrase = PhraseOf(event);
  const char* text = event.value == 0 && phrase.off != nullptr ? phrase.off : phrase.text;
  std::string request = RequestName(event.mrq, event.cmd);
  if (event.resource.kind != core::ResourceKind::kNone) {
    absl::StrAppend(&request, " of ", ResourceText(event, names));
  }
  return absl::Substitute(text, names.vm, ResourceText(event, names), names.other,
                          ValueText(event, names), WhyText(event), request);
}

RenderedEvent Render(const EventLog::Record& record, const backend::Engine& engine) {
  RenderedEvent rendered;
  if (!record.from_core) {
    if (record.event.vm != kHost) {
      rendered.names.vm =
          engine.Read([&](const core::Core& core) { return core.NameOf(record.event.vm); });
    }
    rendered.text = record.text;
    return rendered;
  }
  rendered.names = engine.Read([&](const core::Core& core) { return NamesOf(core, record.event); });
  rendered.text = EventText(record.event, rendered.names);
  return rendered;
}

std::string LogLine(const EventLog::Record& record, const RenderedEvent& shown) {
  if (record.from_core || shown.names.vm.empty()) return shown.text;
  return absl::StrCat("vm ", shown.names.vm, ": ", shown.text);
}

std::string RequestName(uint32_t mrq, uint32_t command) {
  std::string name(mrq::MrqName(mrq));
  std::string_view command_name;
  switch (static_cast<mrq::Mrq>(mrq)) {
    case mrq::Mrq::kClk:
      command_name = CommandOf<mrq::ClkRequest>(command);
      break;
    case mrq::Mrq::kReset:
      command_name = CommandOf<mrq::ResetRequest>(command);
      break;
    case mrq::Mrq::kPg:
      command_name = CommandOf<mrq::PgRequest>(command);
      break;
    case mrq::Mrq::kThermal:
      command_name = CommandOf<mrq::ThermalRequest>(command);
      break;
    case mrq::Mrq::kUphy:
      command_name = CommandOf<mrq::UphyRequest>(command);
      break;
    default:
      break;
  }
  // 0: none is known.
  if (command_name == "?") return command == 0 ? name : absl::StrCat(name, " command ", command);
  if (!command_name.empty()) absl::StrAppend(&name, " ", ToAbsl(command_name));
  return name;
}

std::string DescribeByName(const core::Core& core, const mrq::Request& request) {
  std::vector<std::pair<std::string, std::string>> names;
  const auto add = [&](auto id) {
    std::string as_number = ToString(id);
    // A pair may be given twice (a clock as its own parent); the replacement wants it once.
    if (!names.empty() && names.front().first == as_number) return;
    names.emplace_back(std::move(as_number), core.NameOf(core::Resource::Of(id)));
  };
  if (const auto* clk = std::get_if<mrq::ClkRequest>(&request)) {
    add(clk->clock);
    add(clk->parent);
  } else if (const auto* reset = std::get_if<mrq::ResetRequest>(&request)) {
    add(reset->reset);
  } else if (const auto* pg = std::get_if<mrq::PgRequest>(&request)) {
    add(pg->domain);
  }
  return absl::StrReplaceAll(mrq::Describe(request), names);
}

std::string HzText(int64_t hz) {
  constexpr int64_t kMega = 1'000'000;
  if (hz < kMega) return absl::StrCat(hz, " Hz");
  std::string text = absl::StrFormat("%d.%06d", hz / kMega, hz % kMega);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + " MHz";
}

}  // namespace bpmp::service
