// SPDX-License-Identifier: Apache-2.0
// Whether the host proxy's own list, the last bound, has room for the broker's policy.
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "broker/base/string_view.h"
#include "broker/ctl/doctor_checks.h"
#include "broker/ctl/selftest_checks.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {
namespace {

using Kind = v1::ResourceKind;

// By the proxy's words for them.
constexpr std::pair<const char*, Kind> kKinds[] = {
    {"clock", v1::RESOURCE_KIND_CLOCK},
    {"reset", v1::RESOURCE_KIND_RESET},
    {"power-domain", v1::RESOURCE_KIND_POWER_DOMAIN},
};

// What may be done: its rate and parent too, or only on and off.
enum class Reach { kNone, kEnable, kControl };

class AllowList {
 public:
  explicit AllowList(std::string_view text) {
    for (const absl::string_view line : absl::StrSplit(ToAbsl(text), '\n')) {
      const std::vector<absl::string_view> words =
          absl::StrSplit(line, ' ', absl::SkipWhitespace());
      uint32_t id = 0;
      // More words say that the host doesn't have it.
      if (words.size() != 3 || !absl::SimpleAtoi(words[1], &id)) continue;
      for (const auto& [word, kind] : kKinds) {
        if (words[0] == word) {
          entries_[{kind, id}] = words[2] == "control" ? Reach::kControl : Reach::kEnable;
        }
      }
    }
  }
  Reach Of(Kind kind, uint32_t id) const {
    const auto entry = entries_.find({kind, id});
    return entry == entries_.end() ? Reach::kNone : entry->second;
  }

 private:
  std::map<std::pair<Kind, uint32_t>, Reach> entries_;
};

// Holds each grant of the VMs against the list.
class Comparison {
 public:
  Comparison(const Patient& patient, const AllowList& allowed)
      : patient_(patient), allowed_(allowed) {
    for (const v1::ResourceState& state : patient.resources.resources()) {
      ids_[{state.kind(), state.name()}] = state.id();
      if (state.kind() != v1::RESOURCE_KIND_CLOCK) continue;
      for (const std::string& vm : state.exclusive()) tuned_.insert({vm, state.id()});
    }
  }

  std::vector<std::string> Run() {
    for (const v1::Device& device : patient_.devices.devices()) {
      for (const std::string& vm : device.vms()) CheckDevice(vm, device);
    }
    for (const v1::Vm& vm : patient_.vms.vms()) {
      CheckSingles(vm.name(), v1::RESOURCE_KIND_CLOCK, vm.config().clocks());
      CheckSingles(vm.name(), v1::RESOURCE_KIND_RESET, vm.config().resets());
      CheckSingles(vm.name(), v1::RESOURCE_KIND_POWER_DOMAIN, vm.config().power_domains());
      CheckOptIns(vm.name(), vm.config());
    }
    return {missing_.begin(), missing_.end()};
  }

 private:
  using NamedIds = google::protobuf::RepeatedPtrField<v1::NamedId>;
  using Grants = google::protobuf::RepeatedPtrField<v1::ResourceGrantConfig>;

  void CheckDevice(const std::string& vm, const v1::Device& device) {
    const std::pair<Kind, const NamedIds&> parts[] = {
        {v1::RESOURCE_KIND_CLOCK, device.clocks()},
        {v1::RESOURCE_KIND_CLOCK, device.shared_clocks()},
        {v1::RESOURCE_KIND_RESET, device.resets()},
        {v1::RESOURCE_KIND_POWER_DOMAIN, device.power_domains()},
    };
    for (const auto& [kind, all] : parts) {
      for (const v1::NamedId& one : all) Check(vm, kind, one.id(), one.name());
    }
  }
  void CheckSingles(const std::string& vm, Kind kind, const Grants& grants) {
    for (const v1::ResourceGrantConfig& grant : grants) {
      if (grant.access() < v1::ACCESS_VOTE) continue;  // to read is never a question
      uint32_t id = 0;
      const auto named = ids_.find({kind, grant.name()});
      if (named != ids_.end()) {
        id = named->second;
      } else if (!absl::SimpleAtoi(grant.name(), &id)) {
        continue;
      }
      Check(vm, kind, id, grant.name());
    }
  }
  // The proxy knows none of these requests.
  void CheckOptIns(const std::string& vm, const v1::VmConfig& config) {
    const std::pair<const char*, bool> opt_ins[] = {
        {"thermal", config.has_thermal()},
        {"emc_latency", config.emc_latency()},
        {"pcie_controllers", config.pcie_controllers_size() > 0},
    };
    for (const auto& [field, has] : opt_ins) {
      if (has) missing_.insert(absl::StrCat(field, " of ", vm, " (it never does)"));
    }
  }
  // To set a clock's rate or parent a VM must be the only one, whatever its device lists.
  void Check(const std::string& vm, Kind kind, uint32_t id, const std::string& name) {
    const bool tunes = kind == v1::RESOURCE_KIND_CLOCK && tuned_.count({vm, id}) > 0;
    const Reach needs = tunes ? Reach::kControl : Reach::kEnable;
    const Reach has = allowed_.Of(kind, id);
    if (has >= needs) return;
    missing_.insert(absl::StrCat(KindWord(kind), " ", id, " ", name, " of ", vm,
                                 has == Reach::kNone ? "" : " (only on and off)"));
  }

  const Patient& patient_;
  const AllowList& allowed_;
  std::map<std::pair<Kind, std::string>, uint32_t> ids_;
  std::set<std::pair<std::string, uint32_t>> tuned_;  // by which VM, which clock
  std::set<std::string> missing_;
};

}  // namespace

v1::SelftestCheck CheckAllowList(const Patient& patient, std::string_view allowed) {
  const AllowList list(allowed);
  const std::vector<std::string> missing = Comparison(patient, list).Run();
  if (missing.empty()) {
    return Passed("allow-list", "the host proxy lets through what the VMs may do");
  }
  return Failed("allow-list",
                "the host proxy doesn't let through what VMs may do: " + FirstOf(missing),
                "add it to the nvidia,bpmp-host-proxy node, or take it from the policy");
}

}  // namespace bpmp::ctl
