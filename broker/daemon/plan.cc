// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/plan.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "broker/backend/inventory_reader.h"
#include "broker/base/clock.h"
#include "broker/base/status_macros.h"
#include "broker/daemon/board.h"
#include "broker/daemon/config_check.h"
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

void Append(std::vector<std::string> lines, std::vector<std::string>* to) {
  to->insert(to->end(), std::make_move_iterator(lines.begin()),
             std::make_move_iterator(lines.end()));
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
  Append(std::move(notes), &plan->warnings);
  return absl::OkStatus();
}

absl::Status CompilePolicy(Plan* plan) {
  BPMP_ASSIGN_OR_RETURN(const core::PolicySpec spec,
                        service::ToPolicySpec(plan->config(), WhereIn(plan->loaded)));
  std::vector<core::Note> notes;
  BPMP_ASSIGN_OR_RETURN(plan->policy, core::Compile(spec, plan->profile, plan->inventory, &notes));
  Append(NoteLines(notes), &plan->notes);
  return absl::OkStatus();
}

// What a configuration has read: calls `then(field, index, path)`.
template <typename Then>
void ForEachFile(const v1::Config& config, Then then) {
  for (int i = 0; i < config.profiles_size(); ++i) then("profiles", i, config.profiles(i));
  if (IsTreeFile(config.device_tree())) then("device_tree", 0, config.device_tree());
}

// A problem for each file of `config` that isn't among the readable ones.
void RefuseOthers(const v1::Config& config, const std::vector<std::string>& readable,
                  const SourceMap& sources, std::vector<std::string>* problems) {
  ForEachFile(config, [&](std::string_view field, int index, const std::string& file) {
    if (absl::c_linear_search(readable, AbsolutePath(file))) return;
    problems->push_back(absl::StrCat(
        sources.Prefix(config, field, index), file,
        " is a file that the running broker's configuration doesn't name, and it opens no other "
        "for a text that it is sent; check it where the files are: bpmp-broker --config FILE "
        "--check"));
  });
}

}  // namespace

service::WhereFn WhereIn(const LoadedConfig& loaded) {
  return
      [sources = &loaded.sources](const google::protobuf::Message* message, std::string_view field,
                                  int index) { return sources->Of(*message, field, index); };
}

std::vector<std::string> NoteLines(const std::vector<core::Note>& notes) {
  std::vector<std::string> lines;
  lines.reserve(notes.size());
  for (const core::Note& note : notes) lines.push_back(core::ToString(note.where) + note.text);
  return lines;
}

std::vector<std::string> FilesOf(const v1::Config& config) {
  std::vector<std::string> files;
  ForEachFile(config, [&](std::string_view /*field*/, int /*index*/, const std::string& file) {
    files.push_back(AbsolutePath(file));
  });
  return files;
}

absl::StatusOr<Reading> ReadConfig(LoadedConfig loaded, const Options& options,
                                   const Environment& environment,
                                   const std::vector<std::string>* readable) {
  Reading reading;
  reading.loaded = std::move(loaded);
  v1::Config* config = reading.loaded.config.get();
  reading.metrics_by_default = config->metrics().listen().empty();
  if (options.sim) config->mutable_backend()->set_kind(v1::BackendConfig::SIM);
  BPMP_RETURN_IF_ERROR(
      AsConfigError(ApplyDefaults(environment, DirectoryOf(options.config_file), config)));
  ConfigReport report = CheckConfig(*config, reading.loaded.sources);
  reading.warnings = std::move(report.warnings);
  if (readable != nullptr) {
    RefuseOthers(*config, *readable, reading.loaded.sources, &report.problems);
  }
  if (!report.problems.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(report.problems, "\n"));
  }
  if (config->insecure_tcp_size() > 0 && !options.allow_insecure_tcp) {
    return absl::InvalidArgumentError(
        absl::StrCat(reading.loaded.sources.Prefix(config->insecure_tcp(0)),
                     "insecure_tcp: is served only with --allow-insecure-tcp, because whoever "
                     "connects speaks for the VM"));
  }
  auto board = LoadBoard(*config);
  if (!board.ok()) return AsConfigError(board.status());
  reading.profile = std::move(board->profile);
  reading.drifted_devices = board->drifted;
  Append(std::move(board->warnings), &reading.warnings);
  reading.notes = std::move(board->notes);
  return reading;
}

absl::StatusOr<Plan> MakePlan(const Options& options, const Environment& environment,
                              std::vector<std::string>* warnings_of_refused) {
  Plan plan;
  plan.config_file = AbsolutePath(options.config_file);
  auto loaded = LoadConfig(options.config_file);
  if (!loaded.ok()) return AsConfigError(loaded.status());
  BPMP_ASSIGN_OR_RETURN(Reading reading, ReadConfig(*std::move(loaded), options, environment));
  plan.loaded = std::move(reading.loaded);
  plan.profile = std::move(reading.profile);
  plan.drifted_devices = reading.drifted_devices;
  plan.warnings = std::move(reading.warnings);
  plan.notes = std::move(reading.notes);
  plan.metrics_by_default = reading.metrics_by_default;
  BPMP_ASSIGN_OR_RETURN(plan.backend, MakeBackend(plan.config().backend(), plan.loaded.sources));
  BPMP_RETURN_IF_ERROR(ReadBackend(&plan));
  const absl::Status compiled = CompilePolicy(&plan);
  if (compiled.ok()) return plan;
  if (warnings_of_refused != nullptr) *warnings_of_refused = std::move(plan.warnings);
  return compiled;
}

}  // namespace bpmp::daemon
