// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/backend_maker.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "broker/backend/kernel/host_device.h"
#include "broker/backend/record/trace_file.h"
#include "broker/backend/sim/replay_backend.h"
#include "broker/backend/sim/sim_backend.h"
#include "broker/base/clock.h"
#include "broker/base/status_macros.h"
#include "broker/daemon/version.h"
#include "broker/trace/reader.h"

namespace bpmp::daemon {
namespace {

namespace kernel = backend::kernel;

// For a PING and a few ioctls while nobody is served yet.
constexpr absl::Duration kPatience = absl::Seconds(5);

void LogNotice(bool bad, const std::string& text) {
  spdlog::log(bad ? spdlog::level::warn : spdlog::level::info, "{}", text);
}

absl::StatusOr<MadeBackend> MakeReplay(const v1::SimConfig& config, const SourceMap& sources) {
  const auto load = [&]() -> absl::StatusOr<MadeBackend> {
    BPMP_ASSIGN_OR_RETURN(trace::Reader reader, trace::Reader::Open(config.trace()));
    BPMP_ASSIGN_OR_RETURN(auto replay, backend::sim::Replay::Load(&reader));
    if (reader.dropped() > 0) {
      spdlog::warn("{}: {} transfers are missing in it", config.trace(), reader.dropped());
    }
    MadeBackend made;
    made.host_counts_apart = reader.start().host_counts_apart;
    made.owned = std::make_unique<backend::sim::ReplayBackend>(std::move(replay), LogNotice);
    made.kind = "sim";
    made.name = absl::StrCat("the trace ", config.trace());
    return made;
  };
  auto made = load();
  if (made.ok()) return made;
  return absl::InvalidArgumentError(
      absl::StrCat(sources.Prefix(config, "trace"), "sim.trace: ", made.status().message()));
}

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
  // The host proxy goes through the host's own frameworks.
  made.host_counts_apart = true;
  made.owned = std::move(backend);
  made.kind = "kernel";
  made.name = config.device();
  return made;
}

absl::StatusOr<MadeBackend> MakeUnrecorded(const v1::BackendConfig& config,
                                           const SourceMap& sources) {
  if (config.kind() == v1::BackendConfig::KERNEL) return MakeKernel(config.kernel());
  return config.sim().trace().empty() ? MakeSim(config.sim(), sources)
                                      : MakeReplay(config.sim(), sources);
}

void Record(const v1::RecordConfig& config, MadeBackend* made) {
  trace::Start start;
  start.wall = absl::Now();
  start.broker = kVersion;
  start.backend = made->kind;
  start.host_counts_apart = made->host_counts_apart;
  backend::record::RecorderOptions options;
  options.name = config.file();
  options.max_bytes = uint64_t{config.max_mib()} << 20;
  options.on_notice = [](const backend::record::Notice& notice) {
    LogNotice(notice.bad, notice.text);
  };
  auto record = std::make_unique<backend::record::RecordBackend>(
      std::move(made->owned), &MonotonicClock(), start, std::move(options));
  made->record = record.get();
  made->owned = std::move(record);
  made->trace = config.file();
}

// A broker that doesn't serve is worse than one that isn't recorded.
void BeginTrace(const MadeBackend& backend) {
  auto file = backend::record::CreateTraceFile(backend.trace);
  if (!file.ok()) {
    spdlog::error("nothing is recorded: {}", std::string(file.status().message()));
    return;
  }
  backend.record->recorder().Begin(*std::move(file));
  spdlog::info("every transfer is recorded in {}", backend.trace);
}

}  // namespace

absl::StatusOr<MadeBackend> MakeBackend(const v1::BackendConfig& config, const SourceMap& sources) {
  BPMP_ASSIGN_OR_RETURN(MadeBackend made, MakeUnrecorded(config, sources));
  if (config.has_record()) Record(config.record(), &made);
  return made;
}

absl::Status TakeOver(const MadeBackend& backend) {
  if (backend.record != nullptr) BeginTrace(backend);
  if (backend.kernel == nullptr) return absl::OkStatus();
  BPMP_ASSIGN_OR_RETURN(const auto holds,
                        backend.kernel->AdoptHolds(MonotonicClock().Now() + kPatience));
  if (holds) spdlog::info("{}: taken over: {}", backend.name, kernel::ToString(*holds));
  return absl::OkStatus();
}

}  // namespace bpmp::daemon
