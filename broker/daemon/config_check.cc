// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/config_check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/base/string_view.h"
#include "broker/daemon/config.h"
#include "broker/daemon/metrics_address.h"
#include "broker/service/unix_socket.h"
#include "broker/service/vm_checks.h"

namespace bpmp::daemon {
namespace {

using google::protobuf::Message;

// "127.0.0.1:7000", "[::1]:7000", "host:7000".
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

// An address of this machine's own, as a literal: what a name means may change.
bool IsLoopbackLiteral(std::string_view host) {
  in_addr address{};
  if (inet_pton(AF_INET, std::string(host).c_str(), &address) == 1) {
    return ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  return host == "[::1]";
}

class Checker {
 public:
  Checker(const v1::Config& config, const SourceMap& sources)
      : config_(config), sources_(sources) {}

  ConfigReport Run() {
    CheckRuntimeDir();
    CheckAdmin();
    if (config_.audit_only()) {
      Warn(config_, "audit_only",
           "AUDIT-ONLY: what the VMs' policies deny is allowed; nothing but what other VMs have "
           "exclusively is kept from any VM");
    }
    CheckVms();
    CheckLimits();
    CheckKernel();
    CheckTraces();
    CheckMetrics();
    if (config_.has_tls()) CheckTls();
    for (const v1::InsecureTcpConfig& insecure : config_.insecure_tcp()) CheckInsecure(insecure);
    for (int i = 0; i < config_.profiles_size(); ++i) {
      CheckFile(config_, "profiles", i, config_.profiles(i));
    }
    if (IsTreeFile(config_.device_tree())) {
      CheckFile(config_, "device_tree", 0, config_.device_tree());
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
    if (!admin.group().empty()) {
      Check(admin, "group", service::FindGroup(admin.group()).status());
    }
  }

  void CheckVms() {
    for (const service::VmFinding& finding : service::CheckVms(config_)) {
      if (finding.weight == service::VmFinding::Weight::kProblem) {
        Problem(*finding.at, finding.field, finding.text);
      } else {
        Warn(*finding.at, finding.field, finding.text);
      }
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

  void CheckKernel() {
    const v1::BackendConfig& backend = config_.backend();
    if (!backend.has_kernel()) return;
    const v1::KernelConfig& kernel = backend.kernel();
    if (!kernel.device().empty() && !absl::StartsWith(kernel.device(), "/")) {
      Problem(kernel, "device", "kernel.device: must be an absolute path, as /dev/bpmp-host");
    }
  }

  void CheckTraces() {
    const v1::SimConfig& sim = config_.backend().sim();
    if (!sim.trace().empty()) {
      CheckFile(sim, "trace", 0, sim.trace());
      if (sim.latency_us() != 0 || sim.faults_size() > 0) {
        Problem(sim, "trace", "sim.trace: a trace is replayed as it is, without latency or faults");
      }
    }
    if (!config_.backend().has_record()) return;
    const v1::RecordConfig& record = config_.backend().record();
    CheckRange(record, "max_mib", record.max_mib(), 1'024);
    const size_t slash = record.file().rfind('/');
    struct stat info {};
    if (record.file().empty()) {
      Problem(record, "file", "record.file: is required and missing");
    } else if (record.file().front() != '/') {
      Problem(record, "file", "record.file: must be an absolute path");
    } else if (stat(record.file().substr(0, slash + 1).c_str(), &info) != 0 ||
               !S_ISDIR(info.st_mode)) {
      Problem(record, "file",
              absl::StrFormat("record.file: there is no directory %s",
                              record.file().substr(0, slash + 1)));
    } else if (!sim.trace().empty() && (IsOneFile(sim.trace(), record.file()) ||
                                        IsOneFile(sim.trace(), record.file() + ".1"))) {
      Problem(record, "file",
              "record.file: a new trace takes the name of the one that is replayed (sim.trace), "
              "which would be lost; name another file");
    }
  }

  static bool IsOneFile(const std::string& path, const std::string& other) {
    struct stat file {};
    struct stat second {};
    return stat(path.c_str(), &file) == 0 && stat(other.c_str(), &second) == 0 &&
           file.st_dev == second.st_dev && file.st_ino == second.st_ino;
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
    if (!tls.listen().empty() || tls.admin_listen().empty()) {
      CheckTlsAddress("listen", tls.listen());
    }
    CheckFile(tls, "certificate", 0, tls.certificate());
    CheckFile(tls, "key", 0, tls.key());
    CheckFile(tls, "client_ca", 0, tls.client_ca());
    CheckTlsAdmin();
  }

  void CheckTlsAddress(std::string_view field, const std::string& address) {
    if (ParseAddress(address)) return;
    Problem(config_.tls(), field,
            absl::StrFormat("tls.%s: '%s' is no 'host:port'", ToAbsl(field), address));
  }

  // Who may be an administrator and where go together.
  void CheckTlsAdmin() {
    const v1::TlsConfig& tls = config_.tls();
    if (tls.admin_name().empty() && tls.admin_listen().empty()) return;
    if (tls.admin_listen().empty()) {
      Problem(tls, "admin_name",
              "tls.admin_name: needs tls.admin_listen, the address for these administrators");
      return;
    }
    CheckTlsAddress("admin_listen", tls.admin_listen());
    if (tls.admin_name().empty()) {
      Problem(tls, "admin_listen",
              "tls.admin_listen: needs tls.admin_name, the name in administrators' certificates");
    }
    if (tls.admin_listen() == tls.listen()) {
      Problem(tls, "admin_listen",
              absl::StrFormat("tls.admin_listen: VMs have %s already", tls.listen()));
    }
  }

  void CheckInsecure(const v1::InsecureTcpConfig& insecure) {
    const auto is_its = [&](const v1::VmConfig& vm) { return vm.name() == insecure.vm(); };
    if (std::none_of(config_.vms().begin(), config_.vms().end(), is_its)) {
      Problem(insecure, "vm", absl::StrFormat("insecure_tcp: there is no VM '%s'", insecure.vm()));
    }
    const std::optional<Address> address = ParseAddress(insecure.listen());
    if (!address || !IsLoopbackLiteral(address->host)) {
      Problem(insecure, "listen",
              absl::StrFormat("insecure_tcp: '%s' is no address of the loopback interface, as "
                              "'127.0.0.1:7000'; for other machines there is 'tls'",
                              insecure.listen()));
      return;
    }
    Warn(insecure, "listen",
         absl::StrFormat("INSECURE: whoever on this machine reaches %s speaks for vm %s; "
                         "'insecure_tcp' is for development alone",
                         insecure.listen(), insecure.vm()));
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
};

}  // namespace

ConfigReport CheckConfig(const v1::Config& config, const SourceMap& sources) {
  return Checker(config, sources).Run();
}

}  // namespace bpmp::daemon
