// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_CONFIG_CHECK_H_
#define BROKER_DAEMON_CONFIG_CHECK_H_

#include <string>
#include <vector>

#include "bpmp/v1/config.pb.h"
#include "broker/daemon/source_map.h"

namespace bpmp::daemon {

// One line each, with file, line and column where there are any.
struct ConfigReport {
  std::vector<std::string> problems;  // the broker doesn't start with these
  std::vector<std::string> warnings;  // it does, and says so
};

// Checks what the schema alone can't express and what isn't policy (service/spec.h and
// core::Compile check that): names, users, sockets, files, limits, addresses. Looks up users and
// files on this machine. `config` is effective: ApplyDefaults() has been called.
ConfigReport CheckConfig(const v1::Config& config, const SourceMap& sources);

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_CONFIG_CHECK_H_
