// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/policy_keeper.h"

#include <malloc.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "broker/base/status_macros.h"
#include "broker/core/core.h"
#include "broker/daemon/yaml_proto.h"
#include "broker/service/policy_convert.h"

namespace bpmp::daemon {
namespace {

using Lines = google::protobuf::RepeatedPtrField<std::string>;

// As many as somebody reads: a file may have one for each of its values.
void AddLines(const std::vector<std::string>& from, Lines* lines) {
  constexpr size_t kMax = 1000;
  const size_t count = std::min(from.size(), kMax);
  lines->Add(from.begin(), from.begin() + static_cast<ptrdiff_t>(count));
  if (count < from.size()) lines->Add(absl::StrCat("and ", from.size() - count, " more"));
}

void AddProblems(const absl::Status& status, Lines* lines) {
  AddLines(absl::StrSplit(status.message(), '\n'), lines);
}

// "3 VMs change, 1 of them may no longer do what it does".
std::string Summary(const v1::PolicyDifference& difference) {
  int unallowed = 0;
  for (const v1::VmDifference& vm : difference.vms()) unallowed += vm.unallowed_size() > 0 ? 1 : 0;
  std::string text = difference.vms_size() == 0 ? "no VM changes"
                     : difference.vms_size() == 1
                         ? "1 VM changes"
                         : absl::StrCat(difference.vms_size(), " VMs change");
  if (unallowed > 0) {
    absl::StrAppend(&text, ", ", unallowed, " of them held what it may no longer use");
  }
  return text;
}

}  // namespace

PolicyKeeper::PolicyKeeper(Deps deps, Options options, Environment environment,
                           const v1::Config& config)
    : deps_(deps),
      options_(std::move(options)),
      environment_(std::move(environment)),
      files_(FilesOf(config)) {
  const service::VmRegistry::Generation generation = deps_.vms->generation();
  deps_.metrics->OnPolicy(generation.number, generation.since);
}

absl::Status PolicyKeeper::TryReload(const v1::ReloadPolicyRequest& request,
                                     v1::ReloadPolicyResponse* response) const {
  if (options_.config_file.empty()) {
    return absl::FailedPreconditionError(
        "the broker was started without a configuration file: there is nothing to reload");
  }
  BPMP_ASSIGN_OR_RETURN(LoadedConfig loaded, LoadConfig(options_.config_file));
  BPMP_ASSIGN_OR_RETURN(const Reading reading,
                        ReadConfig(std::move(loaded), options_, environment_));
  AddLines(reading.warnings, response->mutable_warnings());
  const bool same_board =
      deps_.engine->Read([&](const core::Core& core) { return core.profile() == reading.profile; });
  if (!same_board) {
    return absl::FailedPreconditionError(
        absl::StrCat(reading.loaded.sources.Prefix(*reading.loaded.config, "profiles"),
                     "profiles, device_tree: the devices of the board differ; start the broker "
                     "again to use them"));
  }
  service::VmRegistry::ReloadOptions how;
  how.drop = request.votes() == v1::ReloadPolicyRequest::DROP;
  how.dry_run = request.dry_run();
  BPMP_ASSIGN_OR_RETURN(
      const service::VmRegistry::Reloaded reloaded,
      deps_.vms->Reload(reading.loaded.config.get(), WhereIn(reading.loaded), how));
  response->set_applied(!how.dry_run);
  // The same tree beside the same profiles, and perhaps other VMs' devices.
  if (!how.dry_run) deps_.metrics->SetDriftedDevices(reading.drifted_devices);
  deps_.engine->Read([&](const core::Core& core) {
    service::ToProto(core, reloaded.difference, response->mutable_difference());
  });
  AddLines(reading.notes, response->mutable_notes());
  AddLines(reloaded.notes, response->mutable_notes());
  AddLines(reloaded.at_restart, response->mutable_at_restart());
  return absl::OkStatus();
}

v1::ReloadPolicyResponse PolicyKeeper::Reload(const v1::ReloadPolicyRequest& request) {
  MutexLock lock(&turn_);
  v1::ReloadPolicyResponse response;
  if (!request.dry_run()) deps_.notifier->Reloading();
  const absl::Status status = TryReload(request, &response);
  if (!status.ok()) {
    AddProblems(status, response.mutable_problems());
  }
  response.set_generation(deps_.vms->generation().number);
  if (!request.dry_run()) {
    Tell(request, response);
    deps_.notifier->Reloaded();
  }
  // Most of what reading the configuration took is free now.
  malloc_trim(0);
  return response;
}

void PolicyKeeper::Tell(const v1::ReloadPolicyRequest& request,
                        const v1::ReloadPolicyResponse& response) const {
  deps_.metrics->OnReload(response.applied());
  for (const std::string& warning : response.warnings()) spdlog::warn("{}", warning);
  for (const std::string& line : response.at_restart()) spdlog::warn("{}", line);
  for (const std::string& problem : response.problems()) spdlog::error("{}", problem);
  if (!response.applied()) {
    deps_.events->Add(service::event_kind::kPolicyRefused, kHost,
                      absl::StrFormat("the policy of %s is refused, and all is as it was: %s%s",
                                      options_.config_file, response.problems(0),
                                      response.problems_size() > 1 ? " (and more)" : ""));
    return;
  }
  const service::VmRegistry::Generation generation = deps_.vms->generation();
  deps_.metrics->OnPolicy(generation.number, generation.since);
  for (const v1::VmDifference& vm : response.difference().vms()) {
    for (const std::string& line : vm.text()) spdlog::info("policy: vm {}: {}", vm.vm(), line);
  }
  for (const std::string& line : response.difference().board()) spdlog::info("policy: {}", line);
  for (const std::string& note : response.notes()) spdlog::debug("{}", note);
  const bool drop = request.votes() == v1::ReloadPolicyRequest::DROP;
  deps_.events->Add(
      service::event_kind::kPolicyReloaded, kHost,
      absl::StrFormat("policy generation %d is in force: %s; votes that it doesn't allow are %s",
                      response.generation(), Summary(response.difference()),
                      drop ? "dropped" : "kept"));
}

v1::CheckPolicyResponse PolicyKeeper::Check(const v1::CheckPolicyRequest& request) {
  v1::CheckPolicyResponse response;
  const auto check = [&]() -> absl::Status {
    LoadedConfig loaded;
    loaded.config = std::make_unique<v1::Config>();
    BPMP_RETURN_IF_ERROR(
        LoadYaml(request.contents(), request.file(), loaded.config.get(), &loaded.sources));
    Options options = options_;
    options.config_file = request.file();
    BPMP_ASSIGN_OR_RETURN(const Reading reading,
                          ReadConfig(std::move(loaded), options, environment_, &files_));
    AddLines(reading.warnings, response.mutable_warnings());
    AddLines(reading.notes, response.mutable_notes());
    response.set_vms(static_cast<uint32_t>(reading.loaded.config->vms_size()));
    BPMP_ASSIGN_OR_RETURN(const core::PolicySpec spec,
                          service::ToPolicySpec(*reading.loaded.config, WhereIn(reading.loaded)));
    const core::Inventory& inventory = *deps_.engine->Read(
        [](const core::Core& core) { return &core.inventory(); });  // constant for its life
    std::vector<core::Note> notes;
    const auto policy = core::Compile(spec, reading.profile, inventory, &notes);
    AddLines(NoteLines(notes), response.mutable_notes());
    return policy.status();
  };
  const absl::Status status = check();
  if (!status.ok()) {
    AddProblems(status, response.mutable_problems());
  }
  return response;
}

}  // namespace bpmp::daemon
