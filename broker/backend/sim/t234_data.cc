// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/t234_data.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/backend/sim/csv.h"
#include "broker/backend/sim/embedded.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"

namespace bpmp::backend::sim {
namespace {

struct KindName {
  std::string_view name;
  ClockKind kind;
};
constexpr KindName kKinds[] = {
    {"mux", ClockKind::kMux}, {"divider", ClockKind::kDivider}, {"gate", ClockKind::kGate},
    {"pll", ClockKind::kPll}, {"input", ClockKind::kInput},     {"other", ClockKind::kOther},
};

absl::StatusOr<ClockKind> ParseKind(std::string_view text) {
  for (const KindName& kind : kKinds) {
    if (kind.name == text) {
      return kind.kind;
    }
  }
  return absl::InvalidArgumentError(absl::StrCat("'", ToAbsl(text), "' is no kind of clock"));
}

absl::Status ParseClock(const CsvRow& line, std::vector<ClockRow>* rows) {
  ClockRow row;
  BPMP_ASSIGN_OR_RETURN(const auto id, ParseNumber<uint32_t>(line.fields[0]));
  BPMP_ASSIGN_OR_RETURN(row.kind, ParseKind(line.fields[2]));
  if (!line.fields[4].empty()) {
    BPMP_ASSIGN_OR_RETURN(row.rate_hz, ParseNumber<int64_t>(line.fields[4]));
  }
  row.id = ClockId(id);
  row.name = line.fields[1];
  row.parent = line.fields[3];
  rows->push_back(row);
  return absl::OkStatus();
}

template <typename Row>
absl::Status ParseNamed(const CsvRow& line, std::vector<Row>* rows) {
  BPMP_ASSIGN_OR_RETURN(const auto id, ParseNumber<uint32_t>(line.fields[0]));
  Row row;
  row.id = decltype(row.id)(id);
  row.name = line.fields[1];
  rows->push_back(row);
  return absl::OkStatus();
}

template <typename Row>
auto FindByName(const std::vector<Row>& rows, std::string_view name)
    -> std::optional<decltype(rows.front().id)> {
  for (const Row& row : rows) {
    if (row.name == name) {
      return row.id;
    }
  }
  return std::nullopt;
}

// "155:uarta 102:pllp_out0": the id must be the one that `rows` gives the name.
template <typename Row, typename Id>
absl::Status ParseRefs(std::string_view text, const std::vector<Row>& rows, std::vector<Id>* ids) {
  for (const std::string_view ref : Split(text, ' ')) {
    const size_t colon = std::min(ref.find(':'), ref.size());
    BPMP_ASSIGN_OR_RETURN(const auto number, ParseNumber<uint32_t>(ref.substr(0, colon)));
    const std::string_view name = ref.substr(std::min(colon + 1, ref.size()));
    if (FindByName(rows, name) != Id(number)) {
      return absl::InvalidArgumentError(
          absl::StrCat(ToString(Id(number)), " is not called '", ToAbsl(name), "'"));
    }
    ids->push_back(Id(number));
  }
  return absl::OkStatus();
}

absl::Status ParseDevice(const CsvRow& line, SocData* soc) {
  DeviceRow row;
  row.node = line.fields[0];
  row.compatible = line.fields[1];
  BPMP_RETURN_IF_ERROR(ParseRefs(line.fields[2], soc->clocks, &row.clocks));
  BPMP_RETURN_IF_ERROR(ParseRefs(line.fields[3], soc->resets, &row.resets));
  BPMP_RETURN_IF_ERROR(ParseRefs(line.fields[4], soc->domains, &row.domains));
  BPMP_RETURN_IF_ERROR(ParseRefs(line.fields[5], soc->clocks, &row.assigned_clocks));
  soc->devices.push_back(std::move(row));
  return absl::OkStatus();
}

template <typename Row>
absl::Status CheckNamesDiffer(std::string_view file, const std::vector<Row>& rows) {
  std::set<std::string_view> seen;
  for (const Row& row : rows) {
    if (row.name.empty() || !seen.insert(row.name).second) {
      return absl::InvalidArgumentError(absl::StrCat(ToAbsl(file), ": ", ToString(row.id),
                                                     ": the name '", ToAbsl(row.name),
                                                     "' is empty or used before"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<ClockId> SocData::FindClock(std::string_view name) const {
  return FindByName(clocks, name);
}
std::optional<ResetId> SocData::FindReset(std::string_view name) const {
  return FindByName(resets, name);
}
std::optional<DomainId> SocData::FindDomain(std::string_view name) const {
  return FindByName(domains, name);
}

absl::StatusOr<SocData> ParseSoc(const SocText& text) {
  SocData soc;
  BPMP_RETURN_IF_ERROR(
      ForEachRow("clocks", text.clocks, "id,name,kind,parent,rate_hz",
                 [&](const CsvRow& line) { return ParseClock(line, &soc.clocks); }));
  BPMP_RETURN_IF_ERROR(ForEachRow("resets", text.resets, "id,name", [&](const CsvRow& line) {
    return ParseNamed(line, &soc.resets);
  }));
  BPMP_RETURN_IF_ERROR(
      ForEachRow("power domains", text.domains, "id,name",
                 [&](const CsvRow& line) { return ParseNamed(line, &soc.domains); }));
  BPMP_RETURN_IF_ERROR(CheckNamesDiffer("clocks", soc.clocks));
  BPMP_RETURN_IF_ERROR(CheckNamesDiffer("resets", soc.resets));
  BPMP_RETURN_IF_ERROR(CheckNamesDiffer("power domains", soc.domains));
  BPMP_RETURN_IF_ERROR(ForEachRow("devices", text.devices,
                                  "node,compatible,clocks,resets,power_domains,assigned_clocks",
                                  [&](const CsvRow& line) { return ParseDevice(line, &soc); }));
  return soc;
}

const SocData& T234Data() {
  static const SocData* const soc = [] {
    auto parsed = ParseSoc(
        {embedded::kClocks, embedded::kResets, embedded::kPowerDomains, embedded::kDevices});
    if (!parsed.ok()) {  // a broken build, which a test catches
      std::fprintf(stderr, "Tegra234 data: %s\n", parsed.status().ToString().c_str());
      std::abort();
    }
    return new SocData(*std::move(parsed));
  }();
  return *soc;
}

}  // namespace bpmp::backend::sim
