// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/options.h"

#include <iostream>
#include <optional>

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "broker/daemon/version.h"

namespace bpmp::daemon {
namespace {

constexpr char kNoFile[] =
    "the name of the configuration is empty; leave --config out for the defaults";

}  // namespace

Exit ExitFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return Exit::kOk;
    case absl::StatusCode::kInvalidArgument:
      return Exit::kConfig;
    case absl::StatusCode::kAlreadyExists:
      return Exit::kRunning;
    default:
      return Exit::kFailed;
  }
}

Exit FlushOutput(Exit exit) {
  if (std::cout.flush()) return exit;
  std::cerr << "bpmp-broker: can't write to standard output; is its disk full?\n";
  return Exit::kFailed;
}

std::optional<Exit> ParseCommandLine(int argc, char** argv, Options* options) {
  CLI::App app(
      "Arbitrates the clocks, resets and power domains of a Tegra's BPMP between virtual "
      "machines.\n"
      "Without a configuration it runs a simulated Tegra234, with its sockets in\n"
      "$XDG_RUNTIME_DIR/bpmp-broker, or in /run/bpmp-broker as root.",
      "bpmp-broker");
  // An empty name is most likely an unset variable of a script, and must not mean the defaults.
  const CLI::Validator named([](const std::string& file) { return file.empty() ? kNoFile : ""; },
                             "");
  app.add_option("-c,--config", options->config_file, "YAML file; see docs/configuration.md")
      ->type_name("FILE")
      ->check(named);
  app.add_flag("--check", options->check, "Check the configuration and end");
  app.add_flag("--sim", options->sim, "Use the simulated backend, whatever the configuration says");
  app.add_flag("--allow-insecure-tcp", options->allow_insecure_tcp,
               "Serve the configuration's 'insecure_tcp'; for development");
  app.set_version_flag("--version", absl::StrCat("bpmp-broker ", kVersion));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return FlushOutput(app.exit(error) == 0 ? Exit::kOk : Exit::kUsage);
  }
  return std::nullopt;
}

}  // namespace bpmp::daemon
