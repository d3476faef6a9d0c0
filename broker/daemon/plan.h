// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_PLAN_H_
#define BROKER_DAEMON_PLAN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/core/inventory.h"
#include "broker/core/policy.h"
#include "broker/core/profile.h"
#include "broker/daemon/backend_maker.h"
#include "broker/daemon/config.h"
#include "broker/daemon/options.h"

namespace bpmp::daemon {

// Everything that is known before anybody is served: what `--check` looks at, and what the daemon
// starts with.
struct Plan {
  LoadedConfig loaded;             // effective: defaults are filled in
  std::string config_file;         // absolute; empty: built-in defaults
  bool metrics_by_default = true;  // the configuration doesn't say where metrics are served
  core::Profile profile;
  MadeBackend backend;
  core::Inventory inventory;
  core::Policy policy;
  // One line each.
  std::vector<std::string> warnings;  // what an operator should change, or know very well
  std::vector<std::string> notes;     // what the policy comes to on this board

  const v1::Config& config() const { return *loaded.config; }
};

// Reads and checks the configuration and the profiles, reads out the backend, compiles the policy.
// Touches nothing: no sockets, no locks, and only reads of the firmware. InvalidArgument, with one
// line for each problem, when the configuration is at fault.
absl::StatusOr<Plan> MakePlan(const Options& options, const Environment& environment);

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_PLAN_H_
