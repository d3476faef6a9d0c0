// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_OPTIONS_H_
#define BROKER_DAEMON_OPTIONS_H_

#include <optional>
#include <string>

#include "absl/status/status.h"

namespace bpmp::daemon {

// How the program ends; the same numbers as sysexits(3), which service managers know.
enum class Exit : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 64,    // the command line
  kRunning = 75,  // another broker has the runtime directory
  kConfig = 78,   // the configuration, or a file that it names
};
Exit ExitFor(const absl::Status& status);
// `exit`, or kFailed, with a message, where standard output couldn't be written.
Exit FlushOutput(Exit exit);

// The command line.
struct Options {
  std::string config_file;  // empty: built-in defaults
  bool check = false;       // look, say, and don't serve
  // The configuration's `insecure_tcp` may have effect.
  bool allow_insecure_tcp = false;
  bool sim = false;  // the simulated backend, whatever the configuration says
};

// Parses the command line. Returns how to end when there is nothing more to do: after --help,
// --version or a mistake, about which it has told the user.
std::optional<Exit> ParseCommandLine(int argc, char** argv, Options* options);

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_OPTIONS_H_
