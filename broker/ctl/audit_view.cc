// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/audit_view.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/ctl/event_view.h"
#include "broker/ctl/table.h"

namespace bpmp::ctl {
namespace {

constexpr std::string_view kDecisions[] = {
    "denied",          "conflict",        "would-deny",  "unbalanced",     "withheld",
    "edge-failed",     "unknown",         "quarantined", "cleared",        "pinned",
    "vm-defined",      "vm-deleted",      "vm-updated",  "vm-draining",    "vm-undrained",
    "release-started", "release-step",    "released",    "session-opened", "session-lost",
    "session-closed",  "session-refused", "throttled",   "thermal-trip",   "inbound-dropped",
    "policy-reloaded", "policy-refused"};

}  // namespace

bool IsDecision(std::string_view kind) {
  return std::find(std::begin(kDecisions), std::end(kDecisions), kind) != std::end(kDecisions);
}

void AuditView::Add(const v1::Event& event) {
  Entry& entry = entries_[{event.vm(), event.kind(), EventText(event)}];
  ++entry.times;
  entry.number = event.number();
  entry.last = EventTime(event);
}

std::string AuditView::Text(absl::TimeZone zone, const Style& style) const {
  if (entries_.empty()) {
    return "";
  }
  std::vector<decltype(entries_)::const_iterator> order;
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    order.push_back(it);
  }
  std::sort(order.begin(), order.end(), [](const auto& left, const auto& right) {
    return left->second.number < right->second.number;
  });
  Table table({{"LAST"}, {"TIMES", Align::kRight}, {"VM"}, {"DECISION"}, {"WHAT"}});
  for (const auto& it : order) {
    const auto& [vm, kind, text] = it->first;
    table.Add({absl::FormatTime("%Y-%m-%d %H:%M:%S", it->second.last, zone),
               absl::StrCat(it->second.times), vm, Cell(kind, EventTone(kind)), text});
  }
  return table.Render(style);
}

}  // namespace bpmp::ctl
