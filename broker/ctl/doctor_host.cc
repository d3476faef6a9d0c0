// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/doctor_host.h"

#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "broker/base/read_file.h"
#include "broker/base/string_view.h"

namespace bpmp::ctl {
namespace {

constexpr size_t kMaxFile = size_t{64} << 10;

// Linux calls the device of the node NAME@ADDRESS "ADDRESS.NAME". "" where that is no node's name.
std::string DeviceFolder(std::string_view node) {
  const size_t at = node.find('@');
  if (at == std::string_view::npos || node.find('/') != std::string_view::npos) return "";
  return absl::StrCat("/sys/bus/platform/devices/", ToAbsl(node.substr(at + 1)), ".",
                      ToAbsl(node.substr(0, at)));
}

}  // namespace

bool HostView::HasDevice(std::string_view node) const {
  const std::string folder = DeviceFolder(node);
  std::error_code error;
  return !folder.empty() && std::filesystem::exists(root_ + folder, error);
}

std::optional<std::string> HostView::DriverOf(std::string_view node) const {
  std::error_code error;
  const auto link = std::filesystem::read_symlink(root_ + DeviceFolder(node) + "/driver", error);
  if (error) return std::nullopt;
  return link.filename().string();
}

std::optional<std::string> HostView::ModuleParameter(const std::string& module,
                                                     const std::string& parameter) const {
  return Read(absl::StrCat("/sys/module/", module, "/parameters/", parameter));
}

std::vector<std::string> HostView::CommandLine(int pid) const {
  const auto text = Read(absl::StrCat("/proc/", pid, "/cmdline"));
  if (!text.has_value()) return {};
  return absl::StrSplit(*text, '\0');
}

std::string HostView::FileOf(int pid, const std::string& path) const {
  return absl::StrCat(root_, "/proc/", pid, path[0] == '/' ? "/root" : "/cwd/", path);
}

std::optional<std::string> HostView::AllowedByProxy() const {
  return Read("/sys/kernel/debug/bpmp-host/allowed");
}

std::optional<std::string> HostView::Read(const std::string& path) const {
  const absl::StatusOr<std::string> text = ReadFile(root_ + path, kMaxFile);
  if (!text.ok() || text->size() > kMaxFile) return std::nullopt;
  return std::string(absl::StripSuffix(*text, "\n"));
}

}  // namespace bpmp::ctl
