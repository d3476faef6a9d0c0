// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_CONFIG_H_
#define BROKER_DAEMON_CONFIG_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bpmp/v1/config.pb.h"
#include "broker/daemon/source_map.h"

namespace bpmp::daemon {

// What the defaults depend on besides the file.
struct Environment {
  uid_t uid = 0;
  std::string xdg_runtime_dir;  // empty: not set

  static Environment OfProcess();
};

// A configuration and where each part of it was written.
struct LoadedConfig {
  std::unique_ptr<v1::Config> config;  // behind a pointer: `sources` knows it by its address
  SourceMap sources;
};

// Reads a file as it is, without defaults. Without a path: the empty configuration.
absl::StatusOr<LoadedConfig> LoadConfig(const std::string& path);

// Whether `Config.device_tree`, which isn't empty, names a file.
bool IsTreeFile(std::string_view device_tree);

// Sets every field that was left out to its effective value, as bpmp/v1/config.proto says it, and
// makes paths of files that are relative to the configuration (`profiles`, `device_tree`, `tls`,
// `sim.trace`) absolute; `directory` is where it lies. FailedPrecondition when there is nowhere to
// put the sockets.
absl::Status ApplyDefaults(const Environment& environment, const std::string& directory,
                           v1::Config* config);

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_CONFIG_H_
