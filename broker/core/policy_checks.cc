// SPDX-License-Identifier: Apache-2.0
#include "broker/core/policy_checks.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/base/list_few.h"
#include "broker/core/names.h"

namespace bpmp::core {
namespace {

constexpr size_t kMaxVmName = 63;
constexpr char kVoteInstead[] = " exclusively too; give one of them 'vote'";

bool IsVmName(std::string_view name) {
  const auto plain = [](char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); };
  return !name.empty() && name.size() <= kMaxVmName && plain(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return plain(c) || c == '_' || c == '.' || c == '-'; });
}

// Who may change one resource: indices of the policy's VMs, ascending.
struct Users {
  std::vector<size_t> owners;
  std::vector<size_t> voters;
};

class Checker {
 public:
  Checker(const PolicySpec& spec, const Profile& profile, const Inventory& inventory,
          const Policy& policy, Findings* findings)
      : spec_(spec),
        inventory_(inventory),
        policy_(policy),
        names_(inventory, profile),
        findings_(*findings) {}

  void Run() {
    CheckVmNames();
    CheckWholeBoards();
    for (size_t vm = 0; vm < policy_.vms.size(); ++vm) CheckRateLimits(vm);
    for (uint32_t id = 0; id < inventory_.clocks.size(); ++id) CheckClock(ClockId(id));
    for (uint32_t id = 0; id <= inventory_.max_reset_id; ++id) CheckReset(ResetId(id));
    for (uint32_t id = 0; id < inventory_.domains.size(); ++id) CheckDomain(DomainId(id));
  }

 private:
  const VmPolicy& Vm(size_t i) const { return policy_.vms[i]; }

  void Problem(size_t vm, const std::string& what) {
    findings_.Problem(absl::StrCat(ToString(spec_.vms[vm].where), "vm ", Vm(vm).name, ": ", what));
  }
  void Say(size_t vm, const std::string& what) {
    findings_.Say(spec_.vms[vm].where, absl::StrCat("vm ", Vm(vm).name, ": ", what));
  }

  template <typename Id>
  Users UsersOf(Id id) const {
    Users users;
    for (size_t vm = 0; vm < policy_.vms.size(); ++vm) {
      const Access access = Vm(vm).Of(id);
      if (access == Access::kExclusive) users.owners.push_back(vm);
      if (access == Access::kVote) users.voters.push_back(vm);
    }
    return users;
  }

  // What is said of several doesn't depend on the order of their entries.
  std::vector<size_t> ByName(std::vector<size_t> vms) const {
    absl::c_sort(vms, [this](size_t a, size_t b) { return Vm(a).name < Vm(b).name; });
    return vms;
  }

  // "vm a, vm b and 7 more".
  std::string Titles(const std::vector<size_t>& vms) const {
    constexpr size_t kNamed = 4;
    std::vector<std::string> titles;
    titles.reserve(vms.size());
    for (const size_t vm : vms) titles.push_back(absl::StrCat("vm ", Vm(vm).name));
    return ListFew(titles, titles.size() <= kNamed ? kNamed : kNamed - 1);
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
        findings_.Problem(absl::StrFormat("%svm %s: the limits of %s are no range: %d to %d Hz", at,
                                          Vm(vm).name, name, limits.min_hz, limits.max_hz));
      }
      if (policy_.RatePolicyOf(clock) != RatePolicy::kRange) {
        findings_.Problem(
            absl::StrFormat("%svm %s: limits of %s have no effect: its rate policy isn't 'range'",
                            at, Vm(vm).name, name));
      }
    }
  }

  // "clock uart exclusively too; give one of them 'vote'", where it has several owners.
  void RefuseOwners(const std::vector<size_t>& owners, const std::string& what) {
    for (size_t i = 1; i < owners.size(); ++i) {
      // Said once, and not for each id of the board.
      if (Vm(owners[0]).all_exclusive && Vm(owners[i]).all_exclusive) continue;
      Problem(owners[i], absl::StrCat("vm ", Vm(owners[0]).name, " has ", what));
    }
  }

  void CheckClock(ClockId id) {
    if (inventory_.Find(id) == nullptr) return;
    const Users users = UsersOf(id);
    const std::string title = absl::StrCat("clock ", inventory_.clocks[id.value()].name);
    RefuseOwners(users.owners, title + kVoteInstead);
    if (users.owners.empty() || users.voters.empty()) return;
    Say(users.owners[0], absl::StrFormat("%s is exclusive to it, and others vote on it: %s", title,
                                         Titles(ByName(users.voters))));
  }

  void CheckReset(ResetId id) {
    if (policy_.shared_resets.contains(id)) return;
    const Users users = UsersOf(id);
    if (users.owners.size() < 2) return;
    const std::string name = names_.NameOf(Resource::Of(id));
    RefuseOwners(users.owners, absl::StrCat(names_.FindReset(name) ? "reset " : "", name,
                                            " too; if both may, list it in shared_resets"));
  }

  void CheckDomain(DomainId id) {
    const Users users = UsersOf(id);
    const std::string title = absl::StrCat("power domain ", names_.NameOf(Resource::Of(id)));
    RefuseOwners(users.owners, title + kVoteInstead);
    if (users.voters.empty()) return;
    std::vector<size_t> all = users.owners;
    all.insert(all.end(), users.voters.begin(), users.voters.end());
    if (all.size() < 2) return;
    all = ByName(std::move(all));
    const size_t last = all.back();
    all.pop_back();
    Say(last, absl::StrFormat("it shares %s with %s: %s can power-cycle it alone", title,
                              Titles(all), all.size() == 1 ? "neither" : "none of them"));
  }

  const PolicySpec& spec_;
  const Inventory& inventory_;
  const Policy& policy_;
  const Names names_;
  Findings& findings_;
};

}  // namespace

void CheckPolicy(const PolicySpec& spec, const Profile& profile, const Inventory& inventory,
                 const Policy& policy, Findings* findings) {
  Checker(spec, profile, inventory, policy, findings).Run();
}

}  // namespace bpmp::core
