// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_DOCTOR_HOST_H_
#define BROKER_CTL_DOCTOR_HOST_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bpmp::ctl {

// What the host's kernel shows of itself below `root` ("" on the host itself). Reads files of at
// most 64 KiB; what isn't there, isn't readable or is longer is nullopt.
class HostView {
 public:
  explicit HostView(std::string root) : root_(std::move(root)) {}

  // Whether the host has the platform device of a node ("serial@3100000").
  bool HasDevice(std::string_view node) const;
  // The driver that the device is bound to.
  std::optional<std::string> DriverOf(std::string_view node) const;
  // "Y", "0", without the newline.
  std::optional<std::string> ModuleParameter(const std::string& module,
                                             const std::string& parameter) const;
  // How a process was started; empty where that can't be read.
  std::vector<std::string> CommandLine(int pid) const;
  // A file that a process calls `path`, as this process has to call it.
  std::string FileOf(int pid, const std::string& path) const;
  // What the host proxy lets through, one "clock 155 control" a line (its debugfs file `allowed`).
  std::optional<std::string> AllowedByProxy() const;

 private:
  std::optional<std::string> Read(const std::string& path) const;

  const std::string root_;
};

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_DOCTOR_HOST_H_
