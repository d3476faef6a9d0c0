// SPDX-License-Identifier: Apache-2.0
// A configuration that takes the place of the one in force, while VMs use it.
#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/core/core.h"
#include "broker/service/same_field.h"
#include "broker/service/vm_checks.h"
#include "broker/service/vm_registry.h"

namespace bpmp::service {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// What a reload takes over, of the whole configuration.
constexpr std::string_view kPolicyFields[] = {"vms", "clocks", "shared_resets", "pins",
                                              "audit_only"};

std::string At(const WhereFn& where, const Message& message, std::string_view field = "") {
  return where == nullptr ? "" : core::ToString(where(&message, field, 0));
}

v1::Config WithoutVms(const v1::Config& config) {
  v1::Config rest = config;
  rest.clear_vms();
  return rest;
}

// Who it is, and nothing that it may do: what is listed is kept, so that what comes to a VM's entry
// later goes with its grants.
v1::VmConfig WithoutGrants(const v1::VmConfig& vm) {
  v1::VmConfig bare;
  bare.set_name(vm.name());
  bare.set_socket(vm.socket());
  bare.set_owner(vm.owner());
  bare.set_group(vm.group());
  bare.set_mode(vm.mode());
  *bare.mutable_peer() = vm.peer();
  bare.set_ids(vm.ids());
  bare.set_certificate_name(vm.certificate_name());
  return bare;
}

std::vector<std::string> SettingsThatDiffer(const v1::Config& before, const v1::Config& after,
                                            const WhereFn& where) {
  const v1::Config old = WithoutVms(before);
  const v1::Config now = WithoutVms(after);
  std::vector<std::string> lines;
  const auto* descriptor = v1::Config::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    const bool policy = absl::c_linear_search(kPolicyFields, field->name());
    if (policy || SameField(old, now, field)) continue;
    lines.push_back(absl::StrCat(At(where, after, field->name()), field->name(),
                                 ": differs, and has effect when the broker is started again"));
  }
  return lines;
}

const v1::VmConfig* FindEntry(const v1::Config& config, std::string_view name) {
  const auto it = absl::c_find_if(config.vms(), [&](const auto& vm) { return vm.name() == name; });
  return it == config.vms().end() ? nullptr : &*it;
}

}  // namespace

void VmRegistry::AddDefined(v1::Config* config) const {
  MutexLock lock(&mutex_);
  for (const auto& [name, entry] : vms_) {
    if (entry.from_file || FindEntry(*config, name) != nullptr) continue;
    *config->add_vms() = entry.config;
  }
}

// What the file's entries and those of the VMs that stay are together, and what can't be changed
// in a socket that is open.
absl::Status VmRegistry::CheckEntries(const v1::Config& config, const WhereFn& where) const {
  std::vector<std::string> problems;
  for (const VmFinding& finding : CheckVms(config)) {
    if (finding.weight != VmFinding::Weight::kProblem) continue;
    problems.push_back(absl::StrCat(At(where, *finding.at, finding.field), finding.text));
  }
  if (!problems.empty()) return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
  MutexLock lock(&mutex_);
  // A VM that goes has its socket until it is gone, which is after others have come.
  absl::flat_hash_map<std::string_view, std::string_view> names_of_sockets;
  for (const auto& [name, entry] : vms_) {
    if (entry.server != nullptr) names_of_sockets[entry.socket] = name;
  }
  for (const v1::VmConfig& vm : config.vms()) {
    const auto known = vms_.find(vm.name());
    if (known == vms_.end()) {
      const auto taken = names_of_sockets.find(vm.socket());
      if (taken == names_of_sockets.end()) continue;
      const std::string owner(taken->second);
      problems.push_back(absl::StrCat(At(where, vm, "socket"), "socket: is still that of vm ",
                                      owner, "; remove it first (bpmpctl vm remove ", owner, ")"));
      continue;
    }
    for (const VmFinding& finding : CheckOpenSocket(known->second.config, vm)) {
      problems.push_back(absl::StrCat(At(where, *finding.at, finding.field), finding.text));
    }
  }
  if (problems.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrJoin(problems, "\n"));
}

absl::Status VmRegistry::FindComingAndGoing(const v1::Config& config, Change* change) const {
  MutexLock lock(&mutex_);
  if (shut_down_) return absl::FailedPreconditionError("the broker is stopping");
  for (const auto& [name, entry] : vms_) {
    if (entry.server == nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat("vm ", name, " is being deleted; try again when it is gone"));
    }
    if (FindEntry(config, name) == nullptr) change->going.push_back(name);
  }
  for (const v1::VmConfig& vm : config.vms()) {
    if (!vms_.contains(vm.name())) change->coming.push_back(&vm);
  }
  return absl::OkStatus();
}

// A VM that is gone from the configuration is ended by choice alone, also where it holds nothing at
// the moment: a guest may suspend its devices.
absl::Status VmRegistry::CheckUnused(const core::PolicyDifference& difference) const {
  for (const core::VmDifference& vm : difference.vms) {
    if (vm.kind != core::VmDifference::Kind::kRemoved) continue;
    const auto id =
        deps_.engine->Read([&](const core::Core& core) { return core.FindVm(vm.name); });
    const auto session = id ? deps_.sessions->Find(*id) : std::nullopt;
    if (vm.unallowed.empty() && !session) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("vm ", vm.name, " is no longer in the configuration, but ",
                     !vm.unallowed.empty() ? vm.text.back()
                     : session->pid != 0   ? absl::StrCat("has a session, of pid ", session->pid)
                                           : "has a session",
                     "; remove it first (bpmpctl vm remove ", vm.name, "), or reload with --drop"));
  }
  return absl::OkStatus();
}

absl::StatusOr<VmRegistry::Reloaded> VmRegistry::Reload(v1::Config* config, const WhereFn& where,
                                                        ReloadOptions options) {
  MutexLock changing(&changes_);
  Change change;
  for (const v1::VmConfig& vm : config->vms()) change.from_file.insert(vm.name());
  AddDefined(config);
  if (config->runtime_dir() != config_.runtime_dir()) {
    return absl::FailedPreconditionError(
        absl::StrCat(At(where, *config, "runtime_dir"),
                     "runtime_dir: differs, and the sockets in it are open: start the broker "
                     "again"));
  }
  BPMP_RETURN_IF_ERROR(CheckEntries(*config, where));
  BPMP_ASSIGN_OR_RETURN(const core::PolicySpec spec, ToPolicySpec(*config, where));
  std::vector<core::Note> notes;
  change.config = config;
  change.drop = options.drop;
  BPMP_ASSIGN_OR_RETURN(change.policy, core::Compile(spec, *profile_, *inventory_, &notes));
  BPMP_RETURN_IF_ERROR(FindComingAndGoing(*config, &change));

  Reloaded reloaded;
  reloaded.difference =
      deps_.engine->Read([&](const core::Core& core) { return core.Compare(change.policy); });
  CompareCertificates(*config, &reloaded.difference);
  if (!options.drop) BPMP_RETURN_IF_ERROR(CheckUnused(reloaded.difference));
  std::set<std::string> texts;
  for (const core::Note& note : notes) {
    reloaded.notes.push_back(core::ToString(note.where) + note.text);
    texts.insert(note.text);
  }
  reloaded.at_restart = SettingsThatDiffer(config_, *config, where);
  if (!options.dry_run) {
    BPMP_RETURN_IF_ERROR(Apply(std::move(change)));
    notes_ = std::move(texts);
  }
  reloaded.generation = generation().number;
  return reloaded;
}

absl::Status VmRegistry::Apply(Change change) {
  BPMP_ASSIGN_OR_RETURN(std::vector<std::shared_ptr<VmServer>> servers, Prepare(change));
  // Those that go may use nothing any longer, and are taken out once they are released.
  for (const std::string& name : change.going) {
    core::VmPolicy nothing;
    nothing.name = name;
    change.policy.vms.push_back(std::move(nothing));
  }
  const auto unallowed = change.drop ? core::Core::Unallowed::kDrop : core::Core::Unallowed::kKeep;
  absl::Status installed = deps_.engine->Install(std::move(change.policy), unallowed);
  if (!installed.ok()) {
    TakeBack(servers);
    return installed;
  }
  TakeEntries(change, std::move(servers));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::shared_ptr<VmServer>>> VmRegistry::Prepare(const Change& change) {
  std::vector<std::shared_ptr<VmServer>> servers;
  if (change.coming.empty()) return servers;
  BPMP_ASSIGN_OR_RETURN(core::Policy policy, Compile(Whole(), nullptr));
  for (const v1::VmConfig* vm : change.coming) {
    core::VmPolicy nothing;
    nothing.name = vm->name();
    policy.vms.push_back(std::move(nothing));
  }
  BPMP_RETURN_IF_ERROR(deps_.engine->Install(std::move(policy)));
  for (const v1::VmConfig* vm : change.coming) {
    auto server = Listen(*vm);
    if (!server.ok()) {
      TakeBack(servers);
      return absl::Status(server.status().code(),
                          absl::StrCat("vm ", vm->name(), ": ", server.status().message()));
    }
    servers.push_back(*std::move(server));
  }
  return servers;
}

void VmRegistry::TakeBack(const std::vector<std::shared_ptr<VmServer>>& servers) {
  for (const auto& server : servers) server->Close();
  auto policy = Compile(Whole(), nullptr);
  // It was in force a moment ago, and nobody could do anything by the other.
  if (policy.ok()) deps_.engine->Install(*std::move(policy)).IgnoreError();
}

void VmRegistry::TakeEntries(const Change& change, std::vector<std::shared_ptr<VmServer>> servers) {
  std::vector<std::pair<std::string, std::shared_ptr<VmServer>>> gone;
  {
    MutexLock lock(&mutex_);
    for (size_t i = 0; i < servers.size(); ++i) {
      Enter(*change.coming[i], std::move(servers[i]), /*from_file=*/true);
    }
    for (auto& [name, entry] : vms_) {
      const v1::VmConfig* vm = FindEntry(*change.config, name);
      if (vm == nullptr) {
        // What it had may be another's now.
        entry.config = WithoutGrants(entry.config);
        gone.emplace_back(name, std::move(entry.server));
        continue;
      }
      entry.from_file = change.from_file.contains(name);
      TakeEntry(*vm, &entry);
    }
    ++generation_.number;
    generation_.since = absl::Now();
  }
  *config_.mutable_clocks() = change.config->clocks();
  *config_.mutable_shared_resets() = change.config->shared_resets();
  *config_.mutable_pins() = change.config->pins();
  config_.set_audit_only(change.config->audit_only());
  for (const auto& [name, server] : gone) EndVm(name, server, [](const absl::Status&) {});
}

}  // namespace bpmp::service
