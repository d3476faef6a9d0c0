// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/why.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/ctl/clock_tree.h"
#include "broker/ctl/style.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {
namespace {

// The holders' own reasons.
std::vector<std::string> OwnReasons(const v1::ResourceState& resource) {
  std::vector<std::string> reasons;
  for (const std::string& holder : resource.holders()) {
    if (holder != "host") {
      reasons.push_back(absl::StrCat(holder, " votes for it"));
    }
  }
  if (resource.pinned()) {
    reasons.emplace_back("the host pinned it (bpmpctl unpin ends that)");
  }
  if (resource.found_on()) {
    reasons.emplace_back("it was on when the broker started, so the host holds it");
  }
  if (resource.residue()) {
    reasons.emplace_back(
        "residue: it was on when the broker started; its VM's first disable or release turns it "
        "off");
  }
  if (!resource.quarantined_for().empty()) {
    reasons.push_back(absl::StrCat("quarantined: the release of ", resource.quarantined_for(),
                                   " failed on it, so its state is in doubt (bpmpctl "
                                   "clear-quarantine)"));
  }
  return reasons;
}

// A clock runs as long as one below it does.
std::vector<std::string> ReasonsBelow(const v1::ResourceState& clock, const Resources& clocks) {
  std::vector<std::string> reasons;
  for (const v1::ResourceState* below : ClockTree(clocks).Below(clock.id())) {
    if (below->holders_size() > 0) {
      reasons.push_back(absl::StrCat(TitleOf(*below), " runs from it, held by ",
                                     absl::StrJoin(below->holders(), ", ")));
    } else if (below->residue()) {
      reasons.push_back(absl::StrCat(TitleOf(*below), " runs from it, found on at start"));
    }
  }
  return reasons;
}

std::string StateText(const v1::ResourceState& resource, const Resources& clocks) {
  if (resource.kind() == v1::RESOURCE_KIND_RESET) {
    return ResetCell(resource.reset()).text;
  }
  const bool kept_on = resource.kind() == v1::RESOURCE_KIND_CLOCK &&
                       resource.gate() == v1::GATE_STATE_OFF &&
                       ClockTree(clocks).Runs(resource.id());
  return kept_on ? "on for the clocks below it" : GateCell(resource.gate()).text;
}

}  // namespace

std::string WhyOn(const v1::ResourceState& resource, const Resources& clocks) {
  const bool reset = resource.kind() == v1::RESOURCE_KIND_RESET;
  std::string text = absl::StrCat(KindWord(resource.kind()), " ", TitleOf(resource), ": ",
                                  StateText(resource, clocks), "\n");
  std::vector<std::string> reasons = OwnReasons(resource);
  if (resource.kind() == v1::RESOURCE_KIND_CLOCK) {
    const std::vector<std::string> below = ReasonsBelow(resource, clocks);
    reasons.insert(reasons.end(), below.begin(), below.end());
  }
  if (reasons.empty()) {
    reasons.emplace_back(reset ? "resets have no holders; bpmpctl watch --kind reset shows who "
                                 "drives them"
                               : "nothing keeps it on");
  }
  for (const std::string& reason : reasons) {
    absl::StrAppend(&text, "  ", reason, "\n");
  }
  return text;
}

std::string WhyDenied(const std::string& vm, const std::string& request,
                      const v1::ExplainResponse& explanation) {
  std::string text = absl::StrCat(vm, ": ", Printable(request), ": ");
  const std::string why = WithoutVerdict(explanation.text());
  if (explanation.error() == 0) {
    absl::StrAppend(&text, "would be allowed",
                    explanation.edge() ? " and would change the hardware" : "");
  } else {
    absl::StrAppend(&text, "would be refused with ",
                    why.empty() ? ErrorWords(explanation.error()) : explanation.error_name());
  }
  absl::StrAppend(&text, "\n");
  if (!why.empty()) {
    absl::StrAppend(&text, "  why: ", why, " [", explanation.reason(), "]\n");
  }
  if (explanation.others_size() > 0) {
    absl::StrAppend(&text, "  who: ", absl::StrJoin(explanation.others(), ", "), "\n");
  }
  return text;
}

}  // namespace bpmp::ctl
