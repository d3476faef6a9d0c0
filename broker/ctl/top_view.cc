// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/top_view.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "broker/base/string_view.h"
#include "broker/ctl/table.h"
#include "broker/ctl/units.h"
#include "broker/ctl/vm_view.h"

namespace bpmp::ctl {
namespace {

// The broker's line, an empty one, the table's titles.
constexpr size_t kHeadLines = 3;

struct Row {
  const v1::Vm* vm;
  double rate;  // requests a second
};

std::string RateText(double rate) {
  return absl::StrFormat("%.*f", rate > 0 && rate < 10 ? 1 : 0, rate);
}

// Of sessions: a VM that has another one now starts at 0 again.
using Counts = std::map<std::pair<std::string, uint64_t>, uint64_t>;

Counts CountsOf(const Sample& sample) {
  Counts counts;
  for (const v1::Vm& vm : sample.vms.vms()) {
    counts[{vm.name(), vm.session().id()}] = vm.session().requests();
  }
  return counts;
}

std::vector<Row> RowsOf(const Sample& before, const Sample& now) {
  const Counts counts = CountsOf(before);
  const double seconds = std::max(absl::ToDoubleSeconds(now.at - before.at), 1e-3);
  std::vector<Row> rows;
  for (const v1::Vm& vm : now.vms.vms()) {
    const auto then = counts.find({vm.name(), vm.session().id()});
    const uint64_t already = then == counts.end() ? 0 : then->second;
    const uint64_t requests = vm.session().requests();
    rows.push_back({&vm, static_cast<double>(requests - std::min(already, requests)) / seconds});
  }
  std::sort(rows.begin(), rows.end(), [](const Row& left, const Row& right) {
    if (left.rate != right.rate) return left.rate > right.rate;
    return left.vm->name() < right.vm->name();
  });
  return rows;
}

std::string BrokerLine(const Sample& now, const std::vector<Row>& rows, const Style& style) {
  double rate = 0;
  for (const Row& row : rows) rate += row.rate;
  const v1::ServerStatus& status = now.status;
  const std::string wrong = absl::StrCat(
      status.backend_healthy() ? "" : ", NOT ANSWERING",
      status.transfers_overdue() == 0 ? ""
                                      : absl::StrCat(", ", status.transfers_overdue(), " overdue"),
      status.quarantined() == 0 ? "" : absl::StrCat(", ", status.quarantined(), " in quarantine"));
  // First, because a narrow terminal cuts the rest.
  return absl::StrCat("bpmp-broker ", status.version(), Paint(wrong, Tone::kBad, style), ", ",
                      status.sessions(), " of ", status.vms(), status.vms() == 1 ? " VM" : " VMs",
                      " connected, ", RateText(rate), " requests/s; backend ", status.backend(),
                      ": ", status.transfers_running(), " running, ", status.transfers_queued(),
                      " waiting\n");
}

}  // namespace

std::string TopText(const Sample& before, const Sample& now, size_t lines, const Style& style) {
  const std::vector<Row> rows = RowsOf(before, now);
  std::string head = BrokerLine(now, rows, style);
  if (rows.empty() || lines <= kHeadLines) return head;
  size_t shown = rows.size();
  if (kHeadLines + shown > lines) shown = lines - kHeadLines - 1;
  Table table({{"VM"},
               {"REQUESTS/S", Align::kRight},
               {"WAITING", Align::kRight},
               {"CLOCKS", Align::kRight},
               {"DOMAINS", Align::kRight},
               {"TOTAL", Align::kRight},
               {"SESSION"}});
  for (size_t i = 0; i < shown; ++i) {
    const v1::Vm& vm = *rows[i].vm;
    table.Add({vm.name(), RateText(rows[i].rate), absl::StrCat(vm.waiting()),
               absl::StrCat(vm.clock_votes()), absl::StrCat(vm.power_domain_votes()),
               absl::StrCat(vm.session().requests()), SessionCell(vm)});
  }
  const std::string more =
      shown == rows.size() ? "" : absl::StrCat("... and ", rows.size() - shown, " more\n");
  return absl::StrCat(head, "\n", table.Render(style), more);
}

std::string OverLast(std::string_view text) {
  constexpr char kHome[] = "\x1b[H";
  constexpr char kNoWrap[] = "\x1b[?7l";
  constexpr char kWrap[] = "\x1b[?7h";
  constexpr char kRestOfLine[] = "\x1b[K";
  constexpr char kRestOfScreen[] = "\x1b[J";
  if (absl::EndsWith(ToAbsl(text), "\n")) text.remove_suffix(1);
  return absl::StrCat(kHome, kNoWrap,
                      absl::StrReplaceAll(ToAbsl(text), {{"\n", absl::StrCat(kRestOfLine, "\n")}}),
                      kRestOfLine, kRestOfScreen, kWrap);
}

}  // namespace bpmp::ctl
