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

// The ordinary use of a device, of which there is much.
constexpr std::string_view kOrdinary[] = {"vote",   "edge",  "endpoint-pll", "rate",
                                          "parent", "moved", "reset"};

}  // namespace

bool IsDecision(std::string_view kind) {
  return std::find(std::begin(kOrdinary), std::end(kOrdinary), kind) == std::end(kOrdinary);
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
