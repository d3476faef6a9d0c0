// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/daemon.h"
#include "broker/daemon/options.h"

int main(int argc, char** argv) {
  bpmp::daemon::Options options;
  const auto exit = bpmp::daemon::ParseCommandLine(argc, argv, &options);
  return static_cast<int>(exit ? *exit : bpmp::daemon::Run(options));
}
