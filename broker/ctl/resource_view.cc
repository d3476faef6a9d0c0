// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/resource_view.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/ctl/table.h"
#include "broker/ctl/units.h"
#include "broker/ctl/words.h"
#include "broker/mrq/types.h"

namespace bpmp::ctl {
namespace {

std::string Join(const google::protobuf::RepeatedPtrField<std::string>& names) {
  return absl::StrJoin(names, ", ");
}

Cell StateCell(const v1::ResourceState& resource) {
  return resource.kind() == v1::RESOURCE_KIND_RESET ? ResetCell(resource.reset())
                                                    : GateCell(resource.gate());
}

Cell NotesCell(const v1::ResourceState& resource) {
  return Cell(NotesOf(resource), resource.quarantined_for().empty() ? Tone::kPlain : Tone::kBad);
}

std::string RateText(int64_t hz) { return hz > 0 ? FormatRate(hz) : ""; }
std::string ExactRateText(int64_t hz) { return hz > 0 ? FormatExactRate(hz) : ""; }

std::string ParentText(const v1::ResourceState& clock) {
  if (!clock.parent_name().empty() || !clock.has_parent()) {
    return clock.parent_name();
  }
  return absl::StrCat("clock ", clock.parent());
}

std::string VoteText(const v1::RateVote& vote) {
  return vote.max_rate_hz() == 0
             ? RateText(vote.rate_hz())
             : absl::StrCat(FormatRate(vote.min_rate_hz()), " to ", FormatRate(vote.max_rate_hz()));
}

std::string RateVoteOf(const v1::ResourceState& clock, const std::string& vm) {
  for (const v1::RateVote& vote : clock.rate_votes()) {
    if (vote.vm() == vm) {
      return VoteText(vote);
    }
  }
  return "";
}

std::string RateVotesText(const v1::ResourceState& clock) {
  return absl::StrJoin(clock.rate_votes(), ", ", [](std::string* out, const v1::RateVote& vote) {
    absl::StrAppend(out, vote.vm(), " ", VoteText(vote));
  });
}

std::string FlagsText(uint32_t flags) {
  std::vector<std::string> words;
  if ((flags & mrq::clk_flag::kHasMux) != 0) {
    words.emplace_back("mux");
  }
  if ((flags & mrq::clk_flag::kHasSetRate) != 0) {
    words.emplace_back("settable rate");
  }
  if ((flags & mrq::clk_flag::kIsRoot) != 0) {
    words.emplace_back("root");
  }
  if ((flags & mrq::clk_flag::kIsVarRoot) != 0) {
    words.emplace_back("variable root");
  }
  return absl::StrJoin(words, ", ");
}

}  // namespace

std::string NotesOf(const v1::ResourceState& resource) {
  std::vector<std::string> notes;
  if (!resource.quarantined_for().empty()) {
    notes.push_back(absl::StrCat("quarantined for ", resource.quarantined_for()));
  }
  if (resource.pinned()) {
    notes.push_back(resource.pinned_rate_hz() > 0
                        ? absl::StrCat("pinned at ", FormatRate(resource.pinned_rate_hz()))
                        : "pinned");
  }
  if (resource.found_on()) {
    notes.emplace_back("found on");
  }
  if (resource.residue()) {
    notes.emplace_back("residue");
  }
  if (resource.shared()) {
    notes.emplace_back("shared");
  }
  if (resource.busy()) {
    notes.emplace_back("busy");
  }
  return absl::StrJoin(notes, ", ");
}

bool IsActive(const v1::ResourceState& resource) {
  const bool gated_off =
      resource.gate() == v1::GATE_STATE_OFF || resource.gate() == v1::GATE_STATE_UNSPECIFIED;
  const bool reset_idle = resource.reset() == v1::RESET_STATE_UNKNOWN ||
                          resource.reset() == v1::RESET_STATE_UNSPECIFIED;
  return !gated_off || !reset_idle || resource.holders_size() > 0 || resource.residue() ||
         resource.busy() || !resource.quarantined_for().empty();
}

std::string TitleOf(const v1::ResourceState& resource) {
  return resource.name().empty() ? absl::StrCat(KindWord(resource.kind()), " ", resource.id())
                                 : resource.name();
}

std::string ClockTable(const Resources& clocks, const Style& style) {
  Table table({{"CLOCK"},
               {"ID", Align::kRight},
               {"STATE"},
               {"RATE", Align::kRight},
               {"PARENT"},
               {"HELD BY"},
               {"EXCLUSIVE TO"},
               {"NOTES"}});
  for (const v1::ResourceState& clock : clocks) {
    table.Add({TitleOf(clock), absl::StrCat(clock.id()), StateCell(clock),
               RateText(clock.rate_hz()), ParentText(clock), Join(clock.holders()),
               Join(clock.exclusive()), NotesCell(clock)});
  }
  return table.Render(style);
}

std::string ResetTable(const Resources& resets, const Style& style) {
  Table table({{"RESET"}, {"ID", Align::kRight}, {"STATE"}, {"EXCLUSIVE TO"}, {"NOTES"}});
  for (const v1::ResourceState& reset : resets) {
    table.Add({TitleOf(reset), absl::StrCat(reset.id()), StateCell(reset), Join(reset.exclusive()),
               NotesCell(reset)});
  }
  return table.Render(style);
}

std::string DomainTable(const Resources& domains, const Style& style) {
  Table table(
      {{"DOMAIN"}, {"ID", Align::kRight}, {"STATE"}, {"HELD BY"}, {"EXCLUSIVE TO"}, {"NOTES"}});
  for (const v1::ResourceState& domain : domains) {
    table.Add({TitleOf(domain), absl::StrCat(domain.id()), StateCell(domain),
               Join(domain.holders()), Join(domain.exclusive()), NotesCell(domain)});
  }
  return table.Render(style);
}

std::string HolderTable(const Resources& resources, const Style& style) {
  Table table({{"RESOURCE"}, {"KIND"}, {"HOLDER"}, {"RATE VOTE", Align::kRight}, {"WHY"}});
  for (const v1::ResourceState& resource : resources) {
    for (const std::string& holder : resource.holders()) {
      const bool host = holder == "host";
      const std::string why = !host               ? "voted"
                              : resource.pinned() ? "pinned by the host"
                                                  : "found on at start";
      table.Add({TitleOf(resource), KindWord(resource.kind()), holder, RateVoteOf(resource, holder),
                 why});
    }
    for (const std::string& vm : resource.implied()) {
      table.Add({TitleOf(resource), KindWord(resource.kind()), vm, RateVoteOf(resource, vm),
                 "relies on the host's pin"});
    }
    if (resource.residue()) {
      table.Add({TitleOf(resource), KindWord(resource.kind()), "", "",
                 "residue: found on, held by nobody"});
    }
  }
  return table.Render(style);
}

std::string ResourceText(const v1::ResourceState& resource, const Style& style) {
  const bool clock = resource.kind() == v1::RESOURCE_KIND_CLOCK;
  return RenderProperties(
      {{KindWord(resource.kind()), Cell(absl::StrCat(TitleOf(resource), " (", resource.id(), ")"))},
       {"state", StateCell(resource)},
       {"rate", Cell(ExactRateText(resource.rate_hz()))},
       {"parent", Cell(ParentText(resource))},
       {"can", Cell(FlagsText(resource.flags()))},
       {"held by", Cell(resource.kind() == v1::RESOURCE_KIND_RESET ? ""
                        : resource.holders().empty()               ? "nobody"
                                                                   : Join(resource.holders()))},
       {"relied on by", Cell(Join(resource.implied()))},
       {"exclusive to", Cell(Join(resource.exclusive()))},
       {"rate policy", Cell(clock ? RatePolicyWord(resource.rate_policy()) : "")},
       {"rate votes", Cell(RateVotesText(resource))},
       {"pinned rate", Cell(ExactRateText(resource.pinned_rate_hz()))},
       {"notes", NotesCell(resource)}},
      style);
}

}  // namespace bpmp::ctl
