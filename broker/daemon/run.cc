// SPDX-License-Identifier: Apache-2.0
#include <spdlog/spdlog.h>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "broker/daemon/daemon.h"
#include "broker/daemon/logging.h"
#include "broker/daemon/options.h"
#include "broker/daemon/plan.h"

namespace bpmp::daemon {
namespace {

Exit Fail(const absl::Status& status, const std::vector<std::string>& warnings = {}) {
  for (const std::string& warning : warnings) spdlog::warn("{}", warning);
  LogLines(spdlog::level::err, std::string(status.message()));
  return ExitFor(status);
}

// For a person, or a script that edits configurations: `file:line:column: what`, as compilers do.
Exit Check(const Options& options, const absl::StatusOr<Plan>& plan,
           const std::vector<std::string>& warnings_of_refused) {
  const std::vector<std::string>& warnings = plan.ok() ? plan->warnings : warnings_of_refused;
  for (const std::string& warning : warnings) std::cerr << "warning: " << warning << "\n";
  if (!plan.ok()) {
    std::cerr << plan.status().message() << "\n";
    return ExitFor(plan.status());
  }
  for (const std::string& note : plan->notes) std::cerr << "note: " << note << "\n";
  const v1::Config& config = plan->config();
  std::cout << (options.config_file.empty() ? "built-in defaults" : options.config_file) << ": OK, "
            << config.vms_size() << (config.vms_size() == 1 ? " VM" : " VMs") << ", sockets in "
            << config.runtime_dir() << "\n";
  return FlushOutput(Exit::kOk);
}

}  // namespace

Exit Run(const Options& options) {
  // Distributions build Abseil with its debugging aids, among them a graph of the order in which
  // gRPC takes its locks: a node for each, and work for each time. Our tests run with it.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const Signals signals;
  InitLogging(v1::LogConfig::INFO, IsJournal());
  const Environment environment = Environment::OfProcess();
  std::vector<std::string> warnings;
  absl::StatusOr<Plan> plan = MakePlan(options, environment, &warnings);
  if (options.check) return Check(options, plan, warnings);
  if (!plan.ok()) return Fail(plan.status(), warnings);
  InitLogging(plan->config().log().level(), IsJournal());
  for (const std::string& warning : plan->warnings) spdlog::warn("{}", warning);
  for (const std::string& note : plan->notes) spdlog::info("{}", note);
  auto daemon = Daemon::Start(*std::move(plan), options, environment);
  if (!daemon.ok()) return Fail(daemon.status());
  (*daemon)->Serve(signals);
  return Exit::kOk;
}

}  // namespace bpmp::daemon
