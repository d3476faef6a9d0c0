// SPDX-License-Identifier: Apache-2.0
#include "broker/core/policy_lints.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/base/string_view.h"
#include "broker/core/clock_kind.h"
#include "broker/core/policy_diff.h"

namespace bpmp::core {
namespace {

class Linter {
 public:
  Linter(const VmSpec& spec, const VmPolicy& vm, const Inventory& inventory, const Names& names,
         Findings* findings)
      : spec_(spec), vm_(vm), inventory_(inventory), names_(names), findings_(*findings) {}

  void Run() {
    for (const ResourceGrant& grant : spec_.clocks) LintClock(grant);
    for (const ResourceGrant& grant : spec_.domains) LintDomain(grant);
    for (const ResourceGrant& grant : spec_.resets) LintReset(grant);
  }

 private:
  void Say(const ResourceGrant& grant, Resource resource, const std::string& what) {
    findings_.Say(grant.where, absl::StrFormat("vm %s: '%s' on %s %s", spec_.name,
                                               ToAbsl(AccessName(grant.access)),
                                               ResourceList({resource}, names_), what));
  }

  // Another line of the entry, or a device of it, gives more. `true`: said.
  bool HasNoEffect(const ResourceGrant& grant, Resource resource, Access has) {
    if (grant.access >= has) return false;
    Say(grant, resource,
        absl::StrFormat(
            "takes nothing away: the entry gives '%s' elsewhere, and the highest counts",
            ToAbsl(AccessName(has))));
    return true;
  }

  void LintClock(const ResourceGrant& grant) {
    const auto clock = names_.FindClock(grant.resource);
    if (!clock || HasNoEffect(grant, Resource::Of(*clock), vm_.Of(*clock))) return;
    if (grant.access != Access::kExclusive) return;
    const std::string why = WhyEverybodys(*inventory_.Find(*clock));
    const std::string outsider = why.empty() ? FedOutside(*clock) : "";
    if (!why.empty()) {
      Say(grant, Resource::Of(*clock), absl::StrCat("lets it change what others run from: ", why));
    } else if (!outsider.empty()) {
      Say(grant, Resource::Of(*clock),
          absl::StrCat("lets it change what others run from: it feeds ", outsider));
    }
  }

  void LintDomain(const ResourceGrant& grant) {
    const auto domain = names_.FindDomain(grant.resource);
    if (domain) HasNoEffect(grant, Resource::Of(*domain), vm_.Of(*domain));
  }

  void LintReset(const ResourceGrant& grant) {
    const auto reset = names_.FindReset(grant.resource);
    if (!reset || HasNoEffect(grant, Resource::Of(*reset), vm_.Of(*reset))) return;
    if (grant.access == Access::kGet || grant.access == Access::kVote) {
      Say(grant, Resource::Of(*reset), "allows nothing: a reset takes 'exclusive'");
    }
  }

  // A clock that runs from `clock`, at any depth by the current parents, and that the VM doesn't
  // have exclusively; empty when there is none.
  std::string FedOutside(ClockId clock) const {
    for (uint32_t id = 0; id < inventory_.clocks.size(); ++id) {
      if (vm_.Of(ClockId(id)) == Access::kExclusive) continue;
      const ClockInfo* at = inventory_.Find(ClockId(id));
      while (at != nullptr && at->parent) {
        if (*at->parent == clock) return inventory_.clocks[id].name;
        at = inventory_.Find(*at->parent);
      }
    }
    return "";
  }

  const VmSpec& spec_;
  const VmPolicy& vm_;
  const Inventory& inventory_;
  const Names& names_;
  Findings& findings_;
};

}  // namespace

void LintGrants(const VmSpec& spec, const VmPolicy& vm, const Inventory& inventory,
                const Names& names, Findings* findings) {
  Linter(spec, vm, inventory, names, findings).Run();
}

}  // namespace bpmp::core
