// SPDX-License-Identifier: Apache-2.0
#include "broker/core/policy_checks.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/core/names.h"

namespace bpmp::core {
namespace {

constexpr size_t kMaxVmName = 63;

bool IsVmName(std::string_view name) {
  const auto plain = [](char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); };
  return !name.empty() && name.size() <= kMaxVmName && plain(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return plain(c) || c == '_' || c == '.' || c == '-'; });
}

// What a VM may change, ids ascending: few of the board's resources, so that pairs of many VMs are
// soon compared.
struct Uses {
  std::vector<ClockId> clocks;
  std::vector<ResetId> resets;
  std::vector<DomainId> domains;
};

template <typename Id>
std::vector<Id> Used(const VmPolicy& vm, size_t count) {
  std::vector<Id> used;
  for (uint32_t id = 0; id < count; ++id) {
    if (vm.Of(Id(id)) >= Access::kVote) used.emplace_back(id);
  }
  return used;
}

class Checker {
 public:
  Checker(const PolicySpec& spec, const Profile& profile, const Inventory& inventory,
          const Policy& policy, std::vector<std::string>* problems, std::vector<Note>* notes)
      : spec_(spec),
        inventory_(inventory),
        policy_(policy),
        names_(inventory, profile),
        problems_(*problems),
        notes_(*notes) {}

  void Run() {
    CheckVmNames();
    CheckWholeBoards();
    std::vector<Uses> uses;
    for (size_t b = 0; b < policy_.vms.size(); ++b) {
      CheckRateLimits(b);
      for (size_t a = 0; a < b; ++a) CheckPair(a, uses[a], b);
      uses.push_back(UsesOf(Vm(b)));
    }
  }

 private:
  const VmPolicy& Vm(size_t i) const { return policy_.vms[i]; }
  Uses UsesOf(const VmPolicy& vm) const {
    return {Used<ClockId>(vm, inventory_.clocks.size()),
            Used<ResetId>(vm, size_t{inventory_.max_reset_id} + 1),
            Used<DomainId>(vm, inventory_.domains.size())};
  }

  void Problem(size_t vm, const std::string& what) {
    problems_.push_back(
        absl::StrCat(ToString(spec_.vms[vm].where), "vm ", Vm(vm).name, ": ", what));
  }
  void Say(size_t vm, const std::string& what) {
    notes_.push_back({spec_.vms[vm].where, absl::StrCat("vm ", Vm(vm).name, ": ", what)});
  }

  void CheckVmNames() {
    absl::flat_hash_set<std::string_view> seen;
    for (size_t i = 0; i < policy_.vms.size(); ++i) {
      if (!IsVmName(Vm(i).name) || Vm(i).name == "host") {
        Problem(i,
                "a name has 1 to 63 characters of a-z, 0-9, '_', '.', '-', begins with a letter "
                "or digit, and isn't 'host'");
      } else if (!seen.insert(Vm(i).name).second) {
        Problem(i, "there is another VM of this name");
      }
    }
  }

  void CheckWholeBoards() {
    const VmPolicy* first = nullptr;
    for (size_t i = 0; i < policy_.vms.size(); ++i) {
      if (!Vm(i).all_exclusive) continue;
      if (first != nullptr) {
        Problem(
            i, absl::StrFormat("vm %s has 'all: exclusive' already; only one VM may", first->name));
      } else {
        Say(i,
            "'all: exclusive' lets it change every clock, reset and power domain of the board, "
            "also those that the host runs on");
      }
      first = &Vm(i);
    }
  }

  void CheckRateLimits(size_t vm) {
    for (const auto& [clock, limits] : Vm(vm).rate_limits) {
      const std::string name = names_.NameOf(Resource::Of(clock));
      const std::string at = ToString(limits.where);
      if (limits.min_hz < 0 || limits.max_hz < limits.min_hz) {
        problems_.push_back(absl::StrFormat("%svm %s: the limits of %s are no range: %d to %d Hz",
                                            at, Vm(vm).name, name, limits.min_hz, limits.max_hz));
      }
      if (policy_.RatePolicyOf(clock) != RatePolicy::kRange) {
        problems_.push_back(
            absl::StrFormat("%svm %s: limits of %s have no effect: its rate policy isn't 'range'",
                            at, Vm(vm).name, name));
      }
    }
  }

  void CheckPair(size_t a, const Uses& uses_of_a, size_t b) {
    for (const ClockId id : uses_of_a.clocks) CheckClock(a, b, id);
    for (const ResetId id : uses_of_a.resets) CheckReset(a, b, id);
    for (const DomainId id : uses_of_a.domains) CheckDomain(a, b, id);
  }

  void CheckClock(size_t a, size_t b, ClockId id) {
    const Access mine = Vm(b).Of(id);
    const Access theirs = Vm(a).Of(id);
    const std::string& name = inventory_.clocks[id.value()].name;
    if (mine == Access::kExclusive && theirs == Access::kExclusive) {
      Problem(b, absl::StrFormat("vm %s has clock %s exclusively too; give one of them 'vote'",
                                 Vm(a).name, name));
    } else if (std::min(mine, theirs) == Access::kVote &&
               std::max(mine, theirs) == Access::kExclusive) {
      Say(b, absl::StrFormat("clock %s is exclusive to one of it and vm %s, and the other votes "
                             "on it",
                             name, Vm(a).name));
    }
  }

  void CheckReset(size_t a, size_t b, ResetId id) {
    if (std::min(Vm(a).Of(id), Vm(b).Of(id)) < Access::kExclusive) return;
    if (policy_.shared_resets.contains(id)) return;
    const std::string name = names_.NameOf(Resource::Of(id));
    Problem(b, absl::StrFormat("vm %s has %s%s too; if both may, list it in shared_resets",
                               Vm(a).name, names_.FindReset(name) ? "reset " : "", name));
  }

  void CheckDomain(size_t a, size_t b, DomainId id) {
    const Access low = std::min(Vm(a).Of(id), Vm(b).Of(id));
    if (low == Access::kExclusive) {
      Problem(b,
              absl::StrFormat("vm %s has power domain %s exclusively too; give one of them 'vote'",
                              Vm(a).name, names_.NameOf(Resource::Of(id))));
    } else if (low == Access::kVote) {
      Say(b,
          absl::StrFormat("it shares power domain %s with vm %s: neither can power-cycle it alone",
                          names_.NameOf(Resource::Of(id)), Vm(a).name));
    }
  }

  const PolicySpec& spec_;
  const Inventory& inventory_;
  const Policy& policy_;
  const Names names_;
  std::vector<std::string>& problems_;
  std::vector<Note>& notes_;
};

}  // namespace

void CheckPolicy(const PolicySpec& spec, const Profile& profile, const Inventory& inventory,
                 const Policy& policy, std::vector<std::string>* problems,
                 std::vector<Note>* notes) {
  Checker(spec, profile, inventory, policy, problems, notes).Run();
}

}  // namespace bpmp::core
