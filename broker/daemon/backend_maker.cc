// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/backend_maker.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "broker/backend/kernel/host_device.h"
#include "broker/backend/sim/sim_backend.h"
#include "broker/base/clock.h"
#include "broker/base/status_macros.h"

namespace bpmp::daemon {
namespace {

namespace kernel = backend::kernel;

// For a PING and a few ioctls while nobody is served yet.
constexpr absl::Duration kPatience = absl::Seconds(5);

absl::StatusOr<MadeBackend> MakeSim(const v1::SimConfig& config, const SourceMap& sources) {
  backend::sim::SimOptions options;
  options.latency = absl::Microseconds(config.latency_us());
  options.record_limit = 0;  // nobody looks
  std::vector<std::string> problems;
  for (int i = 0; i < config.faults_size(); ++i) {
    auto fault = backend::sim::ParseFault(config.faults(i));
    if (fault.ok()) {
      options.faults.push_back(*std::move(fault));
    } else {
      problems.push_back(
          absl::StrCat(sources.Prefix(config, "faults", i), "faults: ", fault.status().message()));
    }
  }
  if (!problems.empty()) return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
  MadeBackend made;
  made.owned = std::make_unique<backend::sim::SimBackend>(std::move(options));
  made.kind = "sim";
  made.name = "the simulated Tegra234";
  return made;
}

kernel::Abi ToAbi(v1::KernelConfig::Abi abi) {
  switch (abi) {
    case v1::KernelConfig::FLAT:
      return kernel::Abi::kFlat;
    case v1::KernelConfig::WRITE48:
      return kernel::Abi::kWrite48;
    case v1::KernelConfig::WRITE56:
      return kernel::Abi::kWrite56;
    default:
      return kernel::Abi::kAuto;
  }
}

void Log(const kernel::Notice& notice) {
  spdlog::log(notice.usable ? spdlog::level::info : spdlog::level::err, "{}", notice.text);
}

absl::StatusOr<MadeBackend> MakeKernel(const v1::KernelConfig& config) {
  kernel::KernelOptions options;
  options.abi = ToAbi(config.abi());
  options.on_notice = Log;
  auto backend = std::make_unique<kernel::KernelBackend>(
      std::make_shared<kernel::SystemHostDevice>(config.device()), &MonotonicClock(),
      std::move(options));
  BPMP_RETURN_IF_ERROR(backend->Open(MonotonicClock().Now() + kPatience));
  MadeBackend made;
  made.kernel = backend.get();
  made.owned = std::move(backend);
  made.kind = "kernel";
  made.name = config.device();
  return made;
}

}  // namespace

absl::StatusOr<MadeBackend> MakeBackend(const v1::BackendConfig& config, const SourceMap& sources) {
  return config.kind() == v1::BackendConfig::KERNEL ? MakeKernel(config.kernel())
                                                    : MakeSim(config.sim(), sources);
}

absl::Status TakeOver(const MadeBackend& backend) {
  if (backend.kernel == nullptr) return absl::OkStatus();
  BPMP_ASSIGN_OR_RETURN(const auto holds,
                        backend.kernel->AdoptHolds(MonotonicClock().Now() + kPatience));
  if (holds) spdlog::info("{}: taken over: {}", backend.name, kernel::ToString(*holds));
  return absl::OkStatus();
}

}  // namespace bpmp::daemon
