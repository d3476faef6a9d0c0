// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/plan.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "broker/backend/inventory_reader.h"
#include "broker/base/clock.h"
#include "broker/base/status_macros.h"
#include "broker/daemon/config_check.h"
#include "broker/daemon/profile_loader.h"
#include "broker/service/spec.h"

namespace bpmp::daemon {
namespace {

// Whatever is wrong with a file that the operator named is the configuration's fault.
absl::Status AsConfigError(const absl::Status& status) {
  return status.ok() ? status : absl::InvalidArgumentError(status.message());
}

std::string DirectoryOf(const std::string& file) {
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? "." : file.substr(0, std::max<size_t>(slash, 1));
}

// For whoever asks the broker from another directory.
std::string AbsolutePath(const std::string& file) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::absolute(file, error);
  return file.empty() || error ? file : path.lexically_normal().string();
}

absl::Status LoadEffectiveConfig(const Options& options, const Environment& environment,
                                 Plan* plan) {
  plan->config_file = AbsolutePath(options.config_file);
  BPMP_ASSIGN_OR_RETURN(plan->loaded, LoadConfig(options.config_file));
  v1::Config* config = plan->loaded.config.get();
  plan->metrics_by_default = config->metrics().listen().empty();
  if (options.sim) config->mutable_backend()->set_kind(v1::BackendConfig::SIM);
  return ApplyDefaults(environment, DirectoryOf(options.config_file), config);
}

absl::Status ReadBackend(Plan* plan) {
  backend::InventoryReaderOptions options;
  options.transfer_timeout = absl::Milliseconds(plan->config().backend().transfer_timeout_ms());
  for (const core::Device& device : plan->profile.devices()) {
    for (const ResetId reset : device.resets) {
      options.default_max_reset_id = std::max(options.default_max_reset_id, reset.value());
    }
  }
  std::vector<std::string> notes;
  BPMP_ASSIGN_OR_RETURN(plan->inventory, backend::ReadInventory(plan->backend.owned.get(),
                                                                MonotonicClock(), options, &notes));
  for (std::string& note : notes) plan->warnings.push_back(std::move(note));
  return absl::OkStatus();
}

absl::Status CompilePolicy(Plan* plan) {
  const SourceMap& sources = plan->loaded.sources;
  BPMP_ASSIGN_OR_RETURN(
      const core::PolicySpec spec,
      service::ToPolicySpec(plan->config(),
                            [&](const google::protobuf::Message* message, std::string_view field,
                                int index) { return sources.Of(*message, field, index); }));
  std::vector<core::Note> notes;
  BPMP_ASSIGN_OR_RETURN(plan->policy, core::Compile(spec, plan->profile, plan->inventory, &notes));
  for (const core::Note& note : notes) {
    plan->notes.push_back(core::ToString(note.where) + note.text);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Plan> MakePlan(const Options& options, const Environment& environment) {
  Plan plan;
  BPMP_RETURN_IF_ERROR(AsConfigError(LoadEffectiveConfig(options, environment, &plan)));
  ConfigReport report = CheckConfig(plan.config(), plan.loaded.sources);
  plan.warnings = std::move(report.warnings);
  if (!report.problems.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(report.problems, "\n"));
  }
  if (plan.config().insecure_tcp_size() > 0 && !options.allow_insecure_tcp) {
    return absl::InvalidArgumentError(
        absl::StrCat(plan.loaded.sources.Prefix(plan.config().insecure_tcp(0)),
                     "insecure_tcp: is served only with --allow-insecure-tcp, because whoever "
                     "connects speaks for the VM"));
  }
  auto profile = LoadProfiles({plan.config().profiles().begin(), plan.config().profiles().end()});
  if (!profile.ok()) return AsConfigError(profile.status());
  plan.profile = *std::move(profile);
  BPMP_ASSIGN_OR_RETURN(plan.backend, MakeBackend(plan.config().backend(), plan.loaded.sources));
  BPMP_RETURN_IF_ERROR(ReadBackend(&plan));
  BPMP_RETURN_IF_ERROR(CompilePolicy(&plan));
  return plan;
}

}  // namespace bpmp::daemon
