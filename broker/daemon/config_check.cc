// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/config_check.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "broker/base/string_view.h"
#include "broker/daemon/metrics_address.h"
#include "broker/service/unix_socket.h"

namespace bpmp::daemon {
namespace {

using google::protobuf::Message;

// What fits into sockaddr_un.
constexpr size_t kMaxSocketPath = 107;

bool IsVmName(std::string_view name) {
  const auto plain = [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) ||
           absl::ascii_isdigit(static_cast<unsigned char>(c));
  };
  return !name.empty() && name.size() <= 63 && plain(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return plain(c) || c == '_' || c == '.' || c == '-'; });
}

// "127.0.0.1:9464", "[::1]:9464", "host:9464".
struct Address {
  std::string_view host;
  uint32_t port = 0;
};
std::optional<Address> ParseAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  Address address{text.substr(0, colon), 0};
  const std::string_view port = text.substr(colon + 1);
  if (port.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(port.front())) ||
      !absl::SimpleAtoi(ToAbsl(port), &address.port) || address.port > 65'535) {
    return std::nullopt;
  }
  return address;
}

class Checker {
 public:
  Checker(const v1::Config& config, const SourceMap& sources)
      : config_(config), sources_(sources) {}

  ConfigReport Run() {
    CheckRuntimeDir();
    CheckAdmin();
    for (const v1::VmConfig& vm : config_.vms()) CheckVm(vm);
    CheckSharedUsers();
    CheckLimits();
    CheckMetrics();
    if (config_.has_tls()) CheckTls();
    for (int i = 0; i < config_.profiles_size(); ++i) {
      CheckFile(config_, "profiles", i, config_.profiles(i));
    }
    return std::move(report_);
  }

 private:
  void Problem(const Message& at, std::string_view field, const std::string& what, int index = 0) {
    report_.problems.push_back(sources_.Prefix(at, field, index) + what);
  }
  void Warn(const Message& at, std::string_view field, const std::string& what) {
    report_.warnings.push_back(sources_.Prefix(at, field) + what);
  }

  // Whether `status` is fine; says what is wrong with a field otherwise.
  bool Check(const Message& at, std::string_view field, const absl::Status& status) {
    if (!status.ok()) {
      Problem(at, field, absl::StrCat(ToAbsl(field), ": ", status.message()));
    }
    return status.ok();
  }

  void CheckRuntimeDir() {
    if (!absl::StartsWith(config_.runtime_dir(), "/")) {
      Problem(config_, "runtime_dir", "runtime_dir: must be an absolute path");
    }
  }

  void CheckAdmin() {
    const v1::AdminConfig& admin = config_.admin();
    CheckSocket(admin, "the admin API", admin.socket());
    if (!admin.group().empty()) {
      Check(admin, "group", service::FindGroup(admin.group()).status());
    }
  }

  void CheckVm(const v1::VmConfig& vm) {
    const std::string who = absl::StrCat("vm ", vm.name());
    if (vm.name().empty()) {
      Problem(vm, "name", "a VM needs a 'name'");
    } else if (!IsVmName(vm.name()) || vm.name() == "host") {
      Problem(vm, "name",
              absl::StrFormat("vm '%s': a name has 1 to 63 characters of a-z, 0-9, '_', '.', '-', "
                              "begins with a letter or digit, and isn't 'host'",
                              vm.name()));
    } else if (!vm_names_.try_emplace(vm.name(), &vm).second) {
      Problem(vm, "name", absl::StrCat(who, ": there is another VM of this name"));
    } else {
      CheckSocket(vm, who, vm.socket());
    }
    if (!vm.owner().empty()) Check(vm, "owner", service::FindUser(vm.owner()).status());
    if (!vm.group().empty()) Check(vm, "group", service::FindGroup(vm.group()).status());
    if (vm.all() == v1::ACCESS_EXCLUSIVE) {
      Warn(vm, "all",
           absl::StrCat(who,
                        ": 'all: exclusive' lets it turn off whatever the host runs on; "
                        "only a VM that stands for the host should have it"));
    }
    CheckMode(vm, who);
    CheckPeer(vm, who);
  }

  void CheckSocket(const Message& at, const std::string& who, const std::string& path) {
    if (!absl::StartsWith(path, "/")) {
      Problem(at, "socket", absl::StrCat(who, ": socket: must be an absolute path"));
    } else if (path.size() > kMaxSocketPath) {
      Problem(at, "socket",
              absl::StrFormat("%s: socket: %s has %d characters; a socket's path may have %d", who,
                              path, path.size(), kMaxSocketPath));
    } else if (const auto [it, fresh] = sockets_.try_emplace(path, who); !fresh) {
      Problem(at, "socket",
              absl::StrFormat("%s: socket: %s has %s already", who, it->second, path));
    }
  }

  void CheckMode(const v1::VmConfig& vm, const std::string& who) {
    const absl::StatusOr<mode_t> mode = service::ParseMode(vm.mode());
    if (!Check(vm, "mode", mode.status())) return;
    if ((*mode & 0002) != 0) {
      Warn(vm, "mode",
           absl::StrFormat("%s: mode %s lets every user of this machine connect; only the check of "
                           "the peer's user stands in between",
                           who, vm.mode()));
    }
  }

  void CheckPeer(const v1::VmConfig& vm, const std::string& who) {
    const v1::PeerConfig& peer = vm.peer();
    if (absl::StrContains(peer.unit(), '/')) {
      Problem(peer, "unit",
              absl::StrFormat("%s: peer.unit: '%s' must be a unit's name alone, as "
                              "'microvm@net-vm.service'",
                              who, peer.unit()));
    }
    CheckRange(peer, "grace_ms", peer.grace_ms(), 600'000);
    absl::StatusOr<uid_t> user = geteuid();
    if (!peer.user().empty()) user = service::FindUser(peer.user());
    // The owner has been looked up, and complained about, already.
    if (!user.ok() && peer.user() != vm.owner()) Check(peer, "user", user.status());
    if (user.ok() && peer.unit().empty()) by_user_[*user].push_back(&vm);
  }

  void CheckSharedUsers() {
    for (const auto& [user, vms] : by_user_) {
      if (vms.size() < 2) continue;
      const std::string names = absl::StrJoin(
          vms, ", ", [](std::string* out, const auto* vm) { absl::StrAppend(out, vm->name()); });
      Warn(*vms.front(), "name",
           absl::StrFormat("vms %s: all are open to the user with uid %d and have no 'peer.unit': "
                           "the uid separates nothing, and each of these VMMs can speak for the "
                           "other VMs",
                           names, user));
    }
  }

  void CheckRange(const Message& at, std::string_view field, uint32_t value, uint32_t max) {
    if (value <= max) return;
    Problem(at, field,
            absl::StrFormat("%s: %d is over the limit of %d", ToAbsl(field), value, max));
  }

  void CheckLimits() {
    const v1::LimitsConfig& limits = config_.limits();
    CheckRange(limits, "requests_per_second", limits.requests_per_second(), 10'000'000);
    CheckRange(limits, "burst", limits.burst(), 10'000'000);
    CheckRange(limits, "max_outstanding", limits.max_outstanding(), 1'024);
    CheckRange(limits, "request_timeout_ms", limits.request_timeout_ms(), 60'000);
    const v1::BackendConfig& backend = config_.backend();
    CheckRange(backend, "transfer_timeout_ms", backend.transfer_timeout_ms(), 600'000);
    CheckRange(backend.sim(), "latency_us", backend.sim().latency_us(), 10'000'000);
    CheckRange(config_.log(), "fold_seconds", config_.log().fold_seconds(), 3'600);
  }

  void CheckMetrics() {
    const std::string& listen = config_.metrics().listen();
    if (listen == "off") return;
    const absl::StatusOr<bool> local = IsLocalMetricsAddress(listen);
    if (!local.ok()) {
      Problem(config_.metrics(), "listen",
              absl::StrCat("metrics.listen: ", local.status().message()));
    } else if (!*local) {
      Warn(config_.metrics(), "listen",
           absl::StrFormat("metrics.listen: whoever reaches %s can read the names and the load of "
                           "all VMs; let a firewall or proxy stand before it",
                           listen));
    }
  }

  void CheckTls() {
    const v1::TlsConfig& tls = config_.tls();
    if (!ParseAddress(tls.listen())) {
      Problem(tls, "listen", absl::StrFormat("tls.listen: '%s' is no 'host:port'", tls.listen()));
    }
    CheckFile(tls, "certificate", 0, tls.certificate());
    CheckFile(tls, "key", 0, tls.key());
    CheckFile(tls, "client_ca", 0, tls.client_ca());
    absl::flat_hash_map<std::string, std::string> names;
    if (!tls.admin_name().empty()) {
      names.emplace(tls.admin_name(), "the admin API");
      Warn(tls, "admin_name",
           "tls.admin_name: has no effect in this version; the admin API is served on its Unix "
           "socket alone");
    }
    for (const v1::VmConfig& vm : config_.vms()) {
      const std::string who = absl::StrCat("vm ", vm.name());
      const auto [it, fresh] = names.try_emplace(vm.certificate_name(), who);
      if (!fresh && it->second != who) {
        Problem(vm, "certificate_name",
                absl::StrFormat("%s: certificates for '%s' are %s's already", who,
                                vm.certificate_name(), it->second));
      }
    }
  }

  void CheckFile(const Message& at, std::string_view field, int index, const std::string& path) {
    struct stat info {};
    if (path.empty()) {
      Problem(at, field, absl::StrCat(ToAbsl(field), ": is required and missing"), index);
    } else if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
      Problem(at, field, absl::StrFormat("%s: %s is a directory; name a file", ToAbsl(field), path),
              index);
    } else if (access(path.c_str(), R_OK) != 0) {
      Problem(at, field, absl::StrFormat("%s: can't read %s", ToAbsl(field), path), index);
    }
  }

  const v1::Config& config_;
  const SourceMap& sources_;
  ConfigReport report_;
  absl::flat_hash_map<std::string, const v1::VmConfig*> vm_names_;
  absl::flat_hash_map<std::string, std::string> sockets_;  // path -> whose
  // Sorted, so that warnings come in the same order each time.
  std::map<uid_t, std::vector<const v1::VmConfig*>> by_user_;
};

}  // namespace

ConfigReport CheckConfig(const v1::Config& config, const SourceMap& sources) {
  return Checker(config, sources).Run();
}

}  // namespace bpmp::daemon
