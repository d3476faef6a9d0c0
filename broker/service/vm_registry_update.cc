// SPDX-License-Identifier: Apache-2.0
// One VM that changes while it runs: its entry, and whether it may have a session.
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/status_macros.h"
#include "broker/core/core.h"
#include "broker/service/vm_checks.h"
#include "broker/service/vm_registry.h"

namespace bpmp::service {
namespace {

absl::Status CheckSocket(const v1::VmConfig& before, const v1::VmConfig& after) {
  const std::vector<VmFinding> findings = CheckOpenSocket(before, after);
  if (findings.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrJoin(
      findings, "\n",
      [](std::string* out, const VmFinding& finding) { absl::StrAppend(out, finding.text); }));
}

// As CheckNewVm() of `after` to the others; what could be said before is no news.
absl::Status CheckChangedVm(const v1::Config& others, const v1::VmConfig& before,
                            const v1::VmConfig& after, std::vector<std::string>* notes) {
  std::vector<std::string> known;
  CheckNewVm(others, before, &known).IgnoreError();  // it is in force, whatever became of its users
  BPMP_RETURN_IF_ERROR(CheckNewVm(others, after, notes));
  std::erase_if(*notes, [&](const std::string& note) {
    return std::find(known.begin(), known.end(), note) != known.end();
  });
  return absl::OkStatus();
}

void RemoveEntry(const std::string& name, v1::Config* config) {
  auto* const vms = config->mutable_vms();
  vms->erase(std::remove_if(vms->begin(), vms->end(),
                            [&](const v1::VmConfig& vm) { return vm.name() == name; }),
             vms->end());
}

// What changed for the VM, in few words: the answer to the administrator has them all.
std::string UpdateText(const core::PolicyDifference& difference, const std::string& name,
                       bool drop) {
  constexpr size_t kMaxLines = 8;
  std::vector<std::string> lines;
  for (const core::VmDifference& vm : difference.vms) {
    if (vm.name == name) lines = vm.text;
  }
  if (lines.empty()) return "its entry is another one, and allows the same";
  const size_t more = lines.size() - std::min(lines.size(), kMaxLines);
  lines.resize(lines.size() - more);
  return absl::StrCat("its entry is another one: ", absl::StrJoin(lines, "; "),
                      more > 0 ? absl::StrCat(" and ", more, " more changes") : "",
                      drop ? "; votes that it doesn't allow are dropped" : "");
}

}  // namespace

absl::StatusOr<VmRegistry::Info> VmRegistry::FindLiving(const std::string& name) const {
  MutexLock lock(&mutex_);
  const auto it = vms_.find(name);
  if (it == vms_.end()) return absl::NotFoundError(absl::StrCat("there is no VM ", name));
  if (it->second.server == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat("VM ", name, " is being deleted"));
  }
  return ToInfo(it->second);
}

// --- Draining -----------------------------------------------------------------------------------

absl::Status VmRegistry::Drain(const std::string& name, bool end_session) {
  MutexLock changing(&changes_);
  BPMP_ASSIGN_OR_RETURN(const Info vm, FindLiving(name));
  // First: the session that is ended must not be followed by another.
  const bool began = deps_.sessions->SetDraining(vm.vm, true);
  if (began) {
    const bool used = deps_.sessions->Find(vm.vm).has_value();
    deps_.events->Add(
        event_kind::kVmDraining, vm.vm,
        absl::StrCat("it takes no new session", !used         ? "; it has none"
                                                : end_session ? "; the one that it has is ended"
                                                              : "; the one that it has goes on"));
  }
  if (!end_session) return absl::OkStatus();
  deps_.sessions->Close(
      vm.vm, absl::FailedPreconditionError(absl::StrCat(
                 "VM ", name, " is drained: an administrator ended its session and released it")));
  deps_.engine->Release(vm.vm, [] {});
  return absl::OkStatus();
}

absl::Status VmRegistry::Undrain(const std::string& name) {
  MutexLock changing(&changes_);
  BPMP_ASSIGN_OR_RETURN(const Info vm, FindLiving(name));
  if (deps_.sessions->SetDraining(vm.vm, false)) {
    deps_.events->Add(event_kind::kVmUndrained, vm.vm, "it takes sessions again");
  }
  return absl::OkStatus();
}

// --- Its entry ----------------------------------------------------------------------------------

absl::StatusOr<VmRegistry::Updated> VmRegistry::Update(const v1::VmConfig& entry,
                                                       const v1::VmConfig* before,
                                                       ReloadOptions options) {
  Updated updated;
  v1::VmConfig vm = entry;
  ApplyVmDefaults(runtime_dir_, &vm);
  MutexLock changing(&changes_);
  BPMP_ASSIGN_OR_RETURN(updated.info, FindLiving(vm.name()));
  if (before != nullptr &&
      !google::protobuf::util::MessageDifferencer::Equals(*before, updated.info.config)) {
    return absl::AbortedError(absl::StrCat("somebody else has changed vm '", vm.name(),
                                           "' meanwhile; look at its entry and try again"));
  }
  v1::Config config = Whole();
  RemoveEntry(vm.name(), &config);
  BPMP_RETURN_IF_ERROR(CheckChangedVm(config, updated.info.config, vm, &updated.notes));
  BPMP_RETURN_IF_ERROR(CheckSocket(updated.info.config, vm));
  *config.add_vms() = vm;
  const std::set<std::string> notes = notes_;
  BPMP_ASSIGN_OR_RETURN(core::Policy policy, Compile(config, &updated.notes));
  updated.difference =
      deps_.engine->Read([&](const core::Core& core) { return core.Compare(policy); });
  CompareCertificates(config, &updated.difference);
  updated.info.config = vm;
  if (options.dry_run) {
    notes_ = notes;
    return updated;
  }
  const auto unallowed = options.drop ? core::Core::Unallowed::kDrop : core::Core::Unallowed::kKeep;
  BPMP_RETURN_IF_ERROR(deps_.engine->Install(std::move(policy), unallowed));
  deps_.events->Add(event_kind::kVmUpdated, updated.info.vm,
                    UpdateText(updated.difference, vm.name(), options.drop));
  MutexLock lock(&mutex_);
  const auto it = vms_.find(vm.name());
  if (it != vms_.end() && it->second.server != nullptr) TakeEntry(vm, &it->second);
  return updated;
}

void VmRegistry::CompareCertificates(const v1::Config& after,
                                     core::PolicyDifference* difference) const {
  MutexLock lock(&mutex_);
  for (const v1::VmConfig& vm : after.vms()) {
    const auto it = vms_.find(vm.name());
    if (it == vms_.end()) continue;
    const std::string& before = it->second.config.certificate_name();
    if (vm.certificate_name() == before) continue;
    auto line = absl::StrCat("over TLS, is who shows a certificate of '", vm.certificate_name(),
                             "', and no longer of '", before, "'; a session that is open goes on");
    auto& vms = difference->vms;
    auto known = absl::c_find_if(vms, [&](const auto& other) { return other.name == vm.name(); });
    if (known == vms.end()) {
      known = vms.insert(vms.end(), core::VmDifference());
      known->name = vm.name();
    }
    known->text.push_back(std::move(line));
  }
}

void VmRegistry::TakeEntry(const v1::VmConfig& config, Entry* entry) {
  const bool hides = config.ids() == v1::VmConfig::HIDDEN;
  entry->config = config;
  entry->server->SetHidesIds(hides);
  if (hides) {
    hiding_.insert(entry->vm);
  } else {
    hiding_.erase(entry->vm);
  }
}

}  // namespace bpmp::service
