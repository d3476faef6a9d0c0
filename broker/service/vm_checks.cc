// SPDX-License-Identifier: Apache-2.0
#include "broker/service/vm_checks.h"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "broker/base/list_few.h"
#include "broker/base/string_view.h"
#include "broker/service/same_field.h"
#include "broker/service/unix_socket.h"

namespace bpmp::service {
namespace {

using google::protobuf::Message;

// What a VM's socket was made with.
constexpr std::string_view kSocketFields[] = {"socket", "owner", "group", "mode", "peer"};
// What fits into sockaddr_un.
constexpr size_t kMaxSocketPath = 107;
constexpr size_t kMaxNames = 8;  // in one sentence
constexpr uint32_t kMaxGraceMs = 600'000;

bool IsVmName(std::string_view name) {
  const auto plain = [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) ||
           absl::ascii_isdigit(static_cast<unsigned char>(c));
  };
  return !name.empty() && name.size() <= 63 && name != "host" && plain(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return plain(c) || c == '_' || c == '.' || c == '-'; });
}

void DefaultDevice(v1::DeviceGrantConfig* device) {
  if (device->on_exit() == v1::DeviceGrantConfig::ON_EXIT_UNSPECIFIED) {
    device->set_on_exit(v1::DeviceGrantConfig::ASSERT);
  }
  if (device->clocks_on_exit() == v1::DeviceGrantConfig::CLOCKS_ON_EXIT_UNSPECIFIED) {
    device->set_clocks_on_exit(v1::DeviceGrantConfig::BOOT);
  }
  if (device->on_grant() == v1::DeviceGrantConfig::ON_GRANT_UNSPECIFIED) {
    device->set_on_grant(v1::DeviceGrantConfig::NOTHING);
  }
}

class VmChecker {
 public:
  explicit VmChecker(const v1::Config& config) : config_(config) {}

  std::vector<VmFinding> Run() {
    CheckSocket(config_.admin(), "the admin API", config_.admin().socket());
    if (config_.has_tls() && !config_.tls().admin_name().empty()) {
      certificates_.emplace(config_.tls().admin_name(), "the admin API");
    }
    for (const v1::VmConfig& vm : config_.vms()) CheckVm(vm);
    CheckSharedUsers();
    return std::move(findings_);
  }

 private:
  void Problem(const Message& at, std::string_view field, std::string text) {
    findings_.push_back({VmFinding::Weight::kProblem, &at, field, std::move(text)});
  }
  void Warn(const Message& at, std::string_view field, std::string text) {
    findings_.push_back({VmFinding::Weight::kWarning, &at, field, std::move(text)});
  }

  // Whether `status` is fine; says what is wrong with a field otherwise.
  bool Check(const Message& at, std::string_view field, const absl::Status& status) {
    if (!status.ok()) Problem(at, field, absl::StrCat(ToAbsl(field), ": ", status.message()));
    return status.ok();
  }

  void CheckVm(const v1::VmConfig& vm) {
    const std::string who = absl::StrCat("vm ", vm.name());
    if (CheckName(vm, who)) {
      CheckSocket(vm, who, vm.socket());
      CheckCertificate(vm, who);
    }
    if (!vm.owner().empty()) Check(vm, "owner", FindUser(vm.owner()).status());
    if (!vm.group().empty()) Check(vm, "group", FindGroup(vm.group()).status());
    if (vm.all() == v1::ACCESS_EXCLUSIVE) {
      Warn(vm, "all",
           absl::StrCat(who,
                        ": 'all: exclusive' lets it turn off whatever the host runs on, and its "
                        "release does so with what was found on; only a VM that stands for the "
                        "host should have it"));
    }
    if (vm.audit_only()) {
      Warn(vm, "audit_only",
           absl::StrCat(who,
                        ": AUDIT-ONLY: what its policy denies is allowed; nothing but what "
                        "other VMs have exclusively is kept from it"));
    }
    CheckMode(vm, who);
    CheckPeer(vm, who);
  }

  bool CheckName(const v1::VmConfig& vm, const std::string& who) {
    if (vm.name().empty()) {
      Problem(vm, "name", "a VM needs a 'name'");
    } else if (!IsVmName(vm.name())) {
      Problem(vm, "name",
              absl::StrFormat("vm '%s': a name has 1 to 63 characters of a-z, 0-9, '_', '.', '-', "
                              "begins with a letter or digit, and isn't 'host'",
                              vm.name()));
    } else if (!names_.try_emplace(vm.name(), &vm).second) {
      Problem(vm, "name", absl::StrCat(who, ": there is another VM of this name"));
    } else {
      return true;
    }
    return false;
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

  // Whoever has the certificate speaks for the VM, so that it must be one VM's alone.
  void CheckCertificate(const v1::VmConfig& vm, const std::string& who) {
    const auto [it, fresh] = certificates_.try_emplace(vm.certificate_name(), who);
    if (fresh) return;
    Problem(vm, "certificate_name",
            absl::StrFormat("%s: certificates for '%s' are %s's already", who,
                            vm.certificate_name(), it->second));
  }

  void CheckMode(const v1::VmConfig& vm, const std::string& who) {
    const absl::StatusOr<mode_t> mode = ParseMode(vm.mode());
    if (!Check(vm, "mode", mode.status()) || (*mode & 0002) == 0) return;
    Warn(vm, "mode",
         absl::StrFormat("%s: mode %s lets every user of this machine connect; only the check of "
                         "the peer's user stands in between",
                         who, vm.mode()));
  }

  // What a process can be in; systemd.unit(5) has the characters.
  static bool IsUnitName(absl::string_view unit) {
    return (absl::EndsWith(unit, ".service") || absl::EndsWith(unit, ".scope")) &&
           absl::c_all_of(unit, [](unsigned char c) {
             return absl::ascii_isalnum(c) || std::string_view(":-_.\\@").find(
                                                  static_cast<char>(c)) != std::string_view::npos;
           });
  }
  void CheckPeer(const v1::VmConfig& vm, const std::string& who) {
    const v1::PeerConfig& peer = vm.peer();
    if (!peer.unit().empty() && !IsUnitName(peer.unit())) {
      Problem(peer, "unit",
              absl::StrFormat("%s: peer.unit: '%s' is no service or scope, so that nobody could "
                              "connect; write its whole name, as 'microvm@net-vm.service'",
                              who, peer.unit()));
    }
    if (peer.grace_ms() > kMaxGraceMs) {
      Problem(
          peer, "grace_ms",
          absl::StrFormat("grace_ms: %d is over the limit of %d", peer.grace_ms(), kMaxGraceMs));
    }
    absl::StatusOr<uid_t> user = geteuid();
    if (!peer.user().empty()) user = FindUser(peer.user());
    // The owner has been looked up, and complained about, already.
    if (!user.ok() && peer.user() != vm.owner()) Check(peer, "user", user.status());
    if (user.ok() && peer.unit().empty()) by_user_[*user].push_back(&vm);
  }

  void CheckSharedUsers() {
    for (const auto& [user, vms] : by_user_) {
      if (vms.size() < 2) continue;
      std::vector<std::string> names;
      names.reserve(vms.size());
      for (const v1::VmConfig* const vm : vms) names.push_back(vm->name());
      Warn(*vms.front(), "name",
           absl::StrFormat("vms %s: all are open to the user with uid %d and have no 'peer.unit': "
                           "the uid separates nothing, and each of these VMMs can speak for the "
                           "other VMs",
                           ListFew(names, kMaxNames), user));
    }
  }

  const v1::Config& config_;
  std::vector<VmFinding> findings_;
  absl::flat_hash_map<std::string, const v1::VmConfig*> names_;
  absl::flat_hash_map<std::string, std::string> sockets_;       // path -> whose
  absl::flat_hash_map<std::string, std::string> certificates_;  // DNS name -> whose
  // Sorted, so that warnings come in the same order each time.
  std::map<uid_t, std::vector<const v1::VmConfig*>> by_user_;
};

}  // namespace

void ApplyVmDefaults(const std::string& runtime_dir, v1::VmConfig* vm) {
  if (vm->socket().empty()) vm->set_socket(absl::StrCat(runtime_dir, "/vms/", vm->name(), ".sock"));
  if (vm->mode().empty()) vm->set_mode("0600");
  if (vm->certificate_name().empty()) vm->set_certificate_name(vm->name());
  if (vm->ids() == v1::VmConfig::IDS_UNSPECIFIED) vm->set_ids(v1::VmConfig::SHOWN);
  v1::PeerConfig* peer = vm->mutable_peer();
  if (peer->user().empty()) peer->set_user(vm->owner());
  if (peer->grace_ms() == 0) peer->set_grace_ms(5'000);
  for (v1::DeviceGrantConfig& device : *vm->mutable_devices()) DefaultDevice(&device);
}

std::vector<VmFinding> CheckVms(const v1::Config& config) { return VmChecker(config).Run(); }

std::vector<VmFinding> CheckOpenSocket(const v1::VmConfig& before, const v1::VmConfig& after) {
  std::vector<VmFinding> findings;
  for (const std::string_view name : kSocketFields) {
    const auto* field = v1::VmConfig::descriptor()->FindFieldByName(std::string(name));
    if (SameField(before, after, field)) continue;
    findings.push_back({VmFinding::Weight::kProblem, &after, name,
                        absl::StrCat("vm ", after.name(), ": '", ToAbsl(name),
                                     "' differs, and its socket is open: start the broker again, "
                                     "or remove the VM first (bpmpctl vm remove ",
                                     after.name(), ")")});
  }
  return findings;
}

absl::Status CheckNewVm(const v1::Config& config, const v1::VmConfig& vm,
                        std::vector<std::string>* notes) {
  // What was said when the others came is no news.
  std::set<std::string> known;
  for (const VmFinding& finding : CheckVms(config)) known.insert(finding.text);
  v1::Config with = config;
  *with.add_vms() = vm;
  std::vector<std::string> problems;
  for (const VmFinding& finding : CheckVms(with)) {
    if (known.contains(finding.text)) continue;
    // Nobody sees a file beside it.
    const bool says_who = absl::StartsWith(finding.text, "vm");
    std::string text = says_who ? finding.text : absl::StrCat("vm ", vm.name(), ": ", finding.text);
    if (finding.weight == VmFinding::Weight::kProblem) {
      problems.push_back(std::move(text));
    } else if (notes != nullptr) {
      notes->push_back(std::move(text));
    }
  }
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
}

}  // namespace bpmp::service
