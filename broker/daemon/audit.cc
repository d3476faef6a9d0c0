// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/audit.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "broker/mrq/types.h"

namespace bpmp::daemon {
namespace {

using core::EventKind;
using service::EventLog;

// Windows beyond this are not opened: their lines are written unfolded. VMs × requests × reasons
// come nowhere near it.
constexpr size_t kMaxWindows = 4096;
// Resources that a summary names.
constexpr size_t kMaxOthers = 5;

struct KindRule {
  EventKind kind;
  AuditRule rule;
};
// Kinds that aren't here are for debugging, and folded there too.
constexpr KindRule kKindRules[] = {
    {EventKind::kEdgeFailed, {spdlog::level::warn, true}},
    {EventKind::kMoved, {spdlog::level::warn, true}},
    {EventKind::kDenied, {spdlog::level::warn, true}},
    {EventKind::kConflict, {spdlog::level::warn, true}},
    {EventKind::kWouldDeny, {spdlog::level::warn, true}},
    {EventKind::kUnknown, {spdlog::level::warn, true}},
    {EventKind::kQuarantined, {spdlog::level::err, false}},
    {EventKind::kCleared, {spdlog::level::info, false}},
    {EventKind::kPinned, {spdlog::level::info, false}},
    {EventKind::kVmDefined, {spdlog::level::info, false}},
    {EventKind::kVmDeleted, {spdlog::level::info, false}},
    {EventKind::kReleaseStarted, {spdlog::level::info, false}},
    {EventKind::kReleaseStep, {spdlog::level::warn, true}},
    {EventKind::kReleased, {spdlog::level::info, false}},
};

// A guest that is refused one of these can't use its device; whatever else it is refused, its
// drivers carry on.
bool IsFatalToGuests(uint32_t mrq, uint32_t command) {
  switch (static_cast<mrq::Mrq>(mrq)) {
    case mrq::Mrq::kClk:
      return command == static_cast<uint32_t>(mrq::ClkCmd::kEnable);
    case mrq::Mrq::kReset:
      return true;
    case mrq::Mrq::kPg:
      return command == static_cast<uint32_t>(mrq::PgCmd::kSetState);
    default:
      return false;
  }
}

AuditRule RuleForCore(const core::Event& event) {
  if (event.kind == EventKind::kDenied && !IsFatalToGuests(event.mrq, event.cmd)) {
    return {spdlog::level::debug, true};
  }
  const auto* found = std::find_if(std::begin(kKindRules), std::end(kKindRules),
                                   [&](const KindRule& rule) { return rule.kind == event.kind; });
  return found == std::end(kKindRules) ? AuditRule{spdlog::level::debug, true} : found->rule;
}

}  // namespace

AuditRule RuleFor(const EventLog::Record& record) {
  if (record.from_core) return RuleForCore(record.event);
  // A peer that is refused tries again at once, for ever; a flooding VM is slowed all the time.
  if (record.kind == service::event_kind::kSessionRefused) return {spdlog::level::warn, true};
  if (record.kind == service::event_kind::kPolicyRefused) return {spdlog::level::err, false};
  // A firmware that says what nobody expects may say it without end.
  if (record.kind == service::event_kind::kInboundDropped) return {spdlog::level::warn, true};
  if (record.kind == service::event_kind::kThermalTrip) return {spdlog::level::warn, true};
  return {spdlog::level::info, record.kind == service::event_kind::kThrottled};
}

void AuditFolder::Add(const EventLog::Record& record, const service::RenderedEvent& shown) {
  Flush();
  const AuditRule rule = RuleFor(record);
  if (!rule.fold || window_ <= absl::ZeroDuration()) return sink_(rule.level, shown.text);
  const core::Event& event = record.event;
  const Key key{event.vm, record.kind, event.mrq, event.cmd, event.reason};
  const std::string& resource = shown.names.resource;
  if (const auto it = windows_.find(key); it != windows_.end()) {
    Window& window = it->second;
    ++window.more;
    if (resource != window.resource && window.others.size() < kMaxOthers &&
        std::find(window.others.begin(), window.others.end(), resource) == window.others.end()) {
      window.others.push_back(resource);
    }
    return;
  }
  sink_(rule.level, shown.text);
  if (windows_.size() >= kMaxWindows) return;
  Window window;
  window.ends = clock_->Now() + window_;
  window.level = rule.level;
  window.text = shown.text;
  window.resource = resource;
  windows_.emplace(key, std::move(window));
}

void AuditFolder::Flush(bool all) {
  const absl::Time now = clock_->Now();
  absl::erase_if(windows_, [&](auto& entry) {
    Window& window = entry.second;
    if (!all && window.ends > now) return false;
    if (window.more == 0) return true;
    SumUp(window);
    window.more = 0;
    window.others.clear();
    window.ends = now + window_;
    return all;
  });
}

void AuditFolder::SumUp(const Window& window) const {
  std::string others;
  if (!window.others.empty()) {
    others = absl::StrCat(", also of ", absl::StrJoin(window.others, ", "),
                          window.others.size() == kMaxOthers ? ", ..." : "");
  }
  sink_(window.level, absl::StrFormat("%s (%d more within %s%s)", window.text, window.more,
                                      absl::FormatDuration(window_), others));
}

absl::Time AuditFolder::NextDue() const {
  absl::Time due = absl::InfiniteFuture();
  for (const auto& [key, window] : windows_) due = std::min(due, window.ends);
  return due;
}

}  // namespace bpmp::daemon
