// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/selftest_checks.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/base/list_few.h"
#include "broker/ctl/table.h"
#include "broker/ctl/units.h"
#include "broker/mrq/types.h"

namespace bpmp::ctl {
namespace {

// What is wrong with a clock or domain by itself; "" if nothing is.
std::string FaultOf(const v1::ResourceState& gate) {
  if (gate.name().empty()) {
    return absl::StrCat(TitleOf(gate), " has no name");
  }
  if (gate.gate() == v1::GATE_STATE_UNSPECIFIED || gate.gate() == v1::GATE_STATE_UNKNOWN) {
    return absl::StrCat(gate.name(), "'s state is unknown");
  }
  const bool is_root = (gate.flags() & mrq::clk_flag::kIsRoot) != 0;
  if (gate.kind() == v1::RESOURCE_KIND_CLOCK && !is_root && !gate.has_parent()) {
    return absl::StrCat(gate.name(), " has no parent and is no root");
  }
  return "";
}

std::vector<std::string> FaultsOf(const Resources& gates) {
  std::vector<std::string> faults;
  for (const v1::ResourceState& gate : gates) {
    if (std::string fault = FaultOf(gate); !fault.empty()) {
      faults.push_back(std::move(fault));
    }
  }
  return faults;
}

std::string Times(std::vector<absl::Duration> times) {
  std::sort(times.begin(), times.end());
  return absl::StrFormat("%.2f ms (median of %d; slowest %.2f ms)",
                         absl::ToDoubleMilliseconds(times[times.size() / 2]), times.size(),
                         absl::ToDoubleMilliseconds(times.back()));
}

}  // namespace

std::string FirstOf(const std::vector<std::string>& all) {
  constexpr size_t kFew = 5;
  return ListFew(all, kFew);
}

v1::SelftestCheck Passed(const std::string& name, const std::string& detail) {
  v1::SelftestCheck check;
  check.set_name(name);
  check.set_passed(true);
  check.set_detail(detail);
  return check;
}

v1::SelftestCheck Failed(const std::string& name, const std::string& detail,
                         const std::string& advice) {
  v1::SelftestCheck check;
  check.set_name(name);
  check.set_detail(detail);
  check.set_advice(advice);
  return check;
}

v1::SelftestCheck CheckBroker(const v1::ServerStatus& status, absl::Time now) {
  return Passed("broker",
                absl::StrCat("version ", status.version(), ", up for ",
                             FormatAge(now - absl::FromUnixSeconds(status.started().seconds()))));
}

v1::SelftestCheck CheckBackend(const v1::ServerStatus& status) {
  if (!status.backend_healthy()) {
    return Failed("backend", absl::StrCat(status.backend(), " doesn't answer a PING"), kSeeLog);
  }
  return Passed("backend", absl::StrCat(status.backend(), " answers, its firmware is ",
                                        status.firmware_tag().empty() ? "without a tag"
                                                                      : status.firmware_tag()));
}

v1::SelftestCheck CheckClocks(const Resources& clocks) {
  constexpr char kName[] = "clocks";
  if (clocks.empty()) {
    return Failed(kName, "the firmware names none", kSeeLog);
  }
  const std::vector<std::string> faults = FaultsOf(clocks);
  if (!faults.empty()) {
    return Failed(kName, absl::StrCat(faults.size(), " of ", clocks.size(), ": ", FirstOf(faults)),
                  "look at: bpmpctl clock list");
  }
  return Passed(kName, absl::StrCat(clocks.size(), ", each with name, parent and state"));
}

v1::SelftestCheck CheckClockParents(const Resources& clocks) {
  constexpr char kName[] = "clock-parents";
  absl::flat_hash_map<uint32_t, const v1::ResourceState*> by_id;
  for (const v1::ResourceState& clock : clocks) {
    by_id[clock.id()] = &clock;
  }
  std::vector<std::string> faults;
  for (const v1::ResourceState& clock : clocks) {
    const v1::ResourceState* at = &clock;
    // More steps than there are clocks go round in a circle.
    size_t steps = 0;
    while (at->has_parent() && steps <= clocks.size()) {
      const auto parent = by_id.find(at->parent());
      if (parent == by_id.end()) {
        break;
      }
      at = parent->second;
      ++steps;
    }
    if (steps > clocks.size()) {
      faults.push_back(absl::StrCat(TitleOf(clock), " has a cycle above it"));
    } else if (at == &clock && at->has_parent()) {
      faults.push_back(
          absl::StrCat(TitleOf(clock), "'s parent, clock ", at->parent(), ", isn't there"));
    }
  }
  if (!faults.empty()) {
    return Failed(kName, FirstOf(faults),
                  "the firmware's tree is wrong; no VM can be served by it");
  }
  return Passed(kName, "each is there, and none is below itself");
}

v1::SelftestCheck CheckDomains(const Resources& domains) {
  constexpr char kName[] = "power-domains";
  const std::vector<std::string> faults = FaultsOf(domains);
  if (!faults.empty()) {
    return Failed(kName, absl::StrCat(faults.size(), " of ", domains.size(), ": ", FirstOf(faults)),
                  "look at: bpmpctl domain list");
  }
  return Passed(kName, absl::StrCat(domains.size(), ", each with name and state"));
}

v1::SelftestCheck ShowTimes(std::vector<absl::Duration> broker,
                            std::vector<absl::Duration> hardware, const std::string& vm) {
  std::string text = absl::StrCat("from the broker ", Times(std::move(broker)));
  if (!hardware.empty()) {
    absl::StrAppend(&text, ", from the firmware, as ", vm, ", ", Times(std::move(hardware)));
  }
  return Passed("reads", text);
}

std::string SelftestText(const v1::SelftestReport& report, const Style& style) {
  Table table({{"CHECK"}, {"RESULT"}, {"WHAT"}});
  int failed = 0;
  for (const v1::SelftestCheck& check : report.checks()) {
    failed += check.passed() ? 0 : 1;
    table.Add({check.name(), check.passed() ? Cell("ok", Tone::kGood) : Cell("FAILED", Tone::kBad),
               check.advice().empty() ? check.detail()
                                      : absl::StrCat(check.detail(), "; ", check.advice())});
  }
  const std::string count = absl::StrCat(report.checks_size(), " checks");
  return absl::StrCat(table.Render(style), failed == 0
                                               ? absl::StrCat(count, ", all passed\n")
                                               : absl::StrCat(failed, " of ", count, " FAILED\n"));
}

}  // namespace bpmp::ctl
