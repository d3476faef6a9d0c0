// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/config.h"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/daemon/yaml_proto.h"
#include "broker/service/vm_checks.h"

namespace bpmp::daemon {
namespace {

// REQUIRES: 0 and "" stand for "not set" in these fields, as everywhere in the schema.
void Default(uint32_t value, uint32_t default_value, v1::LimitsConfig* limits,
             void (v1::LimitsConfig::*set)(uint32_t)) {
  if (value == 0) (limits->*set)(default_value);
}

void DefaultLimits(v1::LimitsConfig* limits) {
  Default(limits->requests_per_second(), 10'000, limits,
          &v1::LimitsConfig::set_requests_per_second);
  Default(limits->burst(), 4'096, limits, &v1::LimitsConfig::set_burst);
  Default(limits->max_outstanding(), 64, limits, &v1::LimitsConfig::set_max_outstanding);
  Default(limits->request_timeout_ms(), 1'000, limits, &v1::LimitsConfig::set_request_timeout_ms);
}

void DefaultBackend(v1::BackendConfig* backend) {
  if (backend->kind() == v1::BackendConfig::KIND_UNSPECIFIED) {
    backend->set_kind(backend->has_kernel() ? v1::BackendConfig::KERNEL : v1::BackendConfig::SIM);
  }
  if (backend->transfer_timeout_ms() == 0) backend->set_transfer_timeout_ms(2'000);
  if (backend->has_record() && backend->record().max_mib() == 0) {
    backend->mutable_record()->set_max_mib(64);
  }
  if (backend->kind() != v1::BackendConfig::KERNEL) return;
  v1::KernelConfig* kernel = backend->mutable_kernel();
  if (kernel->device().empty()) kernel->set_device("/dev/bpmp-host");
  if (kernel->abi() == v1::KernelConfig::ABI_UNSPECIFIED) kernel->set_abi(v1::KernelConfig::AUTO);
}

void MakeAbsolute(const std::string& directory, std::string* path) {
  if (!path->empty() && !absl::StartsWith(*path, "/")) {
    *path = absl::StrCat(directory, "/", *path);
  }
}

}  // namespace

bool IsTreeFile(std::string_view device_tree) {
  return device_tree != "auto" && device_tree != "none";
}

Environment Environment::OfProcess() {
  Environment environment;
  environment.uid = geteuid();
  // Not the caller's word when the program has more rights than the caller.
  const char* directory = secure_getenv("XDG_RUNTIME_DIR");
  if (directory != nullptr) environment.xdg_runtime_dir = directory;
  return environment;
}

absl::StatusOr<LoadedConfig> LoadConfig(const std::string& path) {
  LoadedConfig loaded;
  loaded.config = std::make_unique<v1::Config>();
  if (!path.empty()) {
    const absl::Status read = LoadYamlFile(path, loaded.config.get(), &loaded.sources);
    if (absl::IsNotFound(read)) {
      return absl::NotFoundError(absl::StrCat(
          read.message(),
          "; give the path of one (deploy/examples has some), or leave --config out to try the "
          "broker with a simulated BPMP"));
    }
    BPMP_RETURN_IF_ERROR(read);
  }
  return loaded;
}

absl::Status ApplyDefaults(const Environment& environment, const std::string& directory,
                           v1::Config* config) {
  if (config->runtime_dir().empty()) {
    if (environment.uid == 0) {
      config->set_runtime_dir("/run/bpmp-broker");
    } else if (!environment.xdg_runtime_dir.empty()) {
      config->set_runtime_dir(absl::StrCat(environment.xdg_runtime_dir, "/bpmp-broker"));
    } else {
      return absl::FailedPreconditionError(
          "nowhere to put the sockets: set XDG_RUNTIME_DIR, or 'runtime_dir' in the configuration");
    }
  }
  v1::AdminConfig* admin = config->mutable_admin();
  if (admin->socket().empty()) admin->set_socket(config->runtime_dir() + "/admin.sock");
  DefaultBackend(config->mutable_backend());
  for (v1::VmConfig& vm : *config->mutable_vms()) {
    service::ApplyVmDefaults(config->runtime_dir(), &vm);
  }
  DefaultLimits(config->mutable_limits());
  v1::MetricsConfig* metrics = config->mutable_metrics();
  if (metrics->listen().empty()) metrics->set_listen("127.0.0.1:9464");
  v1::LogConfig* log = config->mutable_log();
  if (log->level() == v1::LogConfig::LEVEL_UNSPECIFIED) log->set_level(v1::LogConfig::INFO);
  if (log->fold_seconds() == 0) log->set_fold_seconds(10);
  for (std::string& profile : *config->mutable_profiles()) MakeAbsolute(directory, &profile);
  if (config->backend().has_sim()) {
    MakeAbsolute(directory, config->mutable_backend()->mutable_sim()->mutable_trace());
  }
  if (config->device_tree().empty()) config->set_device_tree("auto");
  if (IsTreeFile(config->device_tree())) MakeAbsolute(directory, config->mutable_device_tree());
  if (config->has_tls()) {
    v1::TlsConfig* tls = config->mutable_tls();
    MakeAbsolute(directory, tls->mutable_certificate());
    MakeAbsolute(directory, tls->mutable_key());
    MakeAbsolute(directory, tls->mutable_client_ca());
  }
  return absl::OkStatus();
}

}  // namespace bpmp::daemon
