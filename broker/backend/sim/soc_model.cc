// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/soc_model.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/backend/sim/csv.h"
#include "broker/backend/sim/embedded.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"

namespace bpmp::backend::sim {
namespace {

struct SourceName {
  std::string_view name;
  RateSource source;
};
constexpr SourceName kSources[] = {
    {"root", RateSource::kRoot},   {"fixed", RateSource::kFixed}, {"tunable", RateSource::kTunable},
    {"ratio", RateSource::kRatio}, {"div", RateSource::kDivider},
};

// "fixed 816000000", "ratio 1/2", "div 15".
absl::Status ParseRate(std::string_view text, ClockSpec* spec) {
  const std::vector<std::string_view> words = Split(text, ' ');
  const auto* source = std::find_if(std::begin(kSources), std::end(kSources), [&](const auto& s) {
    return words.size() == 2 && s.name == words[0];
  });
  if (source == std::end(kSources)) {
    return absl::InvalidArgumentError(absl::StrCat("'", ToAbsl(text), "' is no rate"));
  }
  spec->source = source->source;
  if (spec->source == RateSource::kDivider) {
    spec->numerator = 2;
    BPMP_ASSIGN_OR_RETURN(spec->denominator, ParseNumber<uint32_t>(words[1]));
  } else if (spec->source == RateSource::kRatio) {
    const std::vector<std::string_view> terms = Split(words[1], '/');
    if (terms.size() != 2) {
      return absl::InvalidArgumentError(absl::StrCat("'", ToAbsl(words[1]), "' is no ratio"));
    }
    BPMP_ASSIGN_OR_RETURN(spec->numerator, ParseNumber<uint32_t>(terms[0]));
    BPMP_ASSIGN_OR_RETURN(spec->denominator, ParseNumber<uint32_t>(terms[1]));
  } else {
    BPMP_ASSIGN_OR_RETURN(spec->rate_hz, ParseNumber<int64_t>(words[1]));
  }
  return absl::OkStatus();
}

absl::Status UnknownName(std::string_view name) {
  return absl::InvalidArgumentError(absl::StrCat("'", ToAbsl(name), "' is the name of nothing"));
}

// A row of the tree: id, name, rate, parents.
absl::StatusOr<ClockSpec> ParseSpec(const CsvRow& row, const SocData& soc) {
  ClockSpec spec;
  BPMP_ASSIGN_OR_RETURN(const auto id, ParseNumber<uint32_t>(row.fields[0]));
  spec.id = ClockId(id);
  // Of an id with two names, the first is the one that the firmware shows.
  const auto fact = std::find_if(soc.clocks.begin(), soc.clocks.end(),
                                 [&](const ClockRow& clock) { return clock.id == spec.id; });
  if (fact == soc.clocks.end() || fact->name != row.fields[1]) {
    return UnknownName(row.fields[1]);
  }
  spec.name = fact->name;
  spec.kind = fact->kind;
  BPMP_RETURN_IF_ERROR(ParseRate(row.fields[2], &spec));
  for (const std::string_view name : Split(row.fields[3], ' ')) {
    const std::optional<ClockId> parent = soc.FindClock(name);
    if (!parent.has_value()) {
      return UnknownName(name);
    }
    spec.parents.push_back(*parent);
  }
  return spec;
}

template <typename Id>
absl::Status AddBoot(std::optional<Id> found, const CsvRow& row, std::vector<Id>* ids) {
  BPMP_ASSIGN_OR_RETURN(const auto id, ParseNumber<uint32_t>(row.fields[1]));
  if (found != Id(id)) {
    return UnknownName(row.fields[2]);
  }
  ids->push_back(Id(id));
  return absl::OkStatus();
}

// A row of what is on at boot: kind, id, name, why.
absl::Status ParseBoot(const CsvRow& row, const SocData& soc, SocModel* model) {
  const std::string_view kind = row.fields[0];
  const std::string_view name = row.fields[2];
  if (kind == "clock") {
    return AddBoot(soc.FindClock(name), row, &model->boot_clocks);
  }
  if (kind == "domain") {
    return AddBoot(soc.FindDomain(name), row, &model->boot_domains);
  }
  if (kind == "reset") {
    return AddBoot(soc.FindReset(name), row, &model->boot_resets);
  }
  return absl::InvalidArgumentError(absl::StrCat("'", ToAbsl(kind), "' is no kind of resource"));
}

// Of each id that devices list, the domain that all of them agree on.
template <typename Id>
std::map<Id, DomainId> DomainsOf(const SocData& soc, std::vector<Id> DeviceRow::*ids) {
  std::map<Id, std::optional<DomainId>> claims;
  for (const DeviceRow& device : soc.devices) {
    std::optional<DomainId> domain;
    if (device.domains.size() == 1) {
      domain = device.domains.front();
    }
    for (const Id id : device.*ids) {
      const auto [claim, first] = claims.emplace(id, domain);
      if (!first && claim->second != domain) {
        claim->second = std::nullopt;
      }
    }
  }
  std::map<Id, DomainId> domains;
  for (const auto& [id, domain] : claims) {
    if (domain.has_value()) {
      domains.emplace(id, *domain);
    }
  }
  return domains;
}

}  // namespace

absl::StatusOr<SocModel> BuildModel(const SocData& soc, std::string_view tree,
                                    std::string_view boot) {
  SocModel model;
  BPMP_RETURN_IF_ERROR(
      ForEachRow("tree", tree, "id,name,rate,parents", [&](const CsvRow& row) -> absl::Status {
        BPMP_ASSIGN_OR_RETURN(ClockSpec spec, ParseSpec(row, soc));
        model.clocks.push_back(std::move(spec));
        return absl::OkStatus();
      }));
  BPMP_RETURN_IF_ERROR(ForEachRow("boot", boot, "kind,id,name,why",
                                  [&](const CsvRow& row) { return ParseBoot(row, soc, &model); }));
  model.clock_domains = DomainsOf(soc, &DeviceRow::clocks);
  model.reset_domains = DomainsOf(soc, &DeviceRow::resets);
  return model;
}

const SocModel& T234Model() {
  static const SocModel* const model = [] {
    auto built = BuildModel(T234Data(), embedded::kTree, embedded::kBoot);
    if (!built.ok()) {  // a broken build, which a test catches
      std::fprintf(stderr, "Tegra234 model: %s\n", built.status().ToString().c_str());
      std::abort();
    }
    return new SocModel(*std::move(built));
  }();
  return *model;
}

}  // namespace bpmp::backend::sim
