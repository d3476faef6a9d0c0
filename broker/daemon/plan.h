// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_PLAN_H_
#define BROKER_DAEMON_PLAN_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/core/inventory.h"
#include "broker/core/policy.h"
#include "broker/core/profile.h"
#include "broker/daemon/backend_maker.h"
#include "broker/daemon/config.h"
#include "broker/daemon/options.h"
#include "broker/service/spec.h"

namespace bpmp::daemon {

// What a configuration says by itself, without the firmware: read, completed and checked.
struct Reading {
  LoadedConfig loaded;  // effective: defaults are filled in
  core::Profile profile;
  size_t drifted_devices = 0;  // as Board has it
  // As Plan has them.
  std::vector<std::string> warnings;
  std::vector<std::string> notes;
  bool metrics_by_default = true;  // it doesn't say where metrics are served
};
// Takes over what was loaded from `options.config_file`. InvalidArgument, with one line for each
// problem. `readable`: the only files that it may have read, with absolute paths; nullptr: any.
absl::StatusOr<Reading> ReadConfig(LoadedConfig loaded, const Options& options,
                                   const Environment& environment,
                                   const std::vector<std::string>* readable = nullptr);
// The files that an effective configuration has read: profiles, and a device tree.
std::vector<std::string> FilesOf(const v1::Config& config);
// Where a part of the configuration was written. `loaded` is not owned.
service::WhereFn WhereIn(const LoadedConfig& loaded);
// "broker.yaml:12: vm net-vm: ...", one each.
std::vector<std::string> NoteLines(const std::vector<core::Note>& notes);

// Everything that is known before anybody is served: what `--check` looks at, and what the daemon
// starts with.
struct Plan {
  LoadedConfig loaded;             // effective: defaults are filled in
  std::string config_file;         // absolute; empty: built-in defaults
  bool metrics_by_default = true;  // the configuration doesn't say where metrics are served
  core::Profile profile;
  size_t drifted_devices = 0;  // as Board has it
  MadeBackend backend;
  core::Inventory inventory;
  core::Policy policy;
  // One line each.
  std::vector<std::string> warnings;  // what an operator should change, or know very well
  std::vector<std::string> notes;     // what the policy comes to on this board

  const v1::Config& config() const { return *loaded.config; }
};

// Reads and checks the configuration, the profiles and the device tree, reads out the backend,
// compiles the policy. Touches nothing: no sockets, no locks, and only reads of the firmware.
// InvalidArgument, with one line for each problem, when the configuration is at fault; a warning
// may say why something in it is unknown.
absl::StatusOr<Plan> MakePlan(const Options& options, const Environment& environment,
                              std::vector<std::string>* warnings_of_refused = nullptr);

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_PLAN_H_
