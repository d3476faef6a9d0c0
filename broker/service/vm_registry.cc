// SPDX-License-Identifier: Apache-2.0
#include "broker/service/vm_registry.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/core/core.h"
#include "broker/service/spec.h"
#include "broker/service/vm_checks.h"

namespace bpmp::service {
namespace {

template <typename Number>
Number Or(Number configured, Number otherwise) {
  return configured != 0 ? configured : otherwise;
}

Limits LimitsOf(const v1::LimitsConfig& config) {
  Limits limits;
  limits.requests_per_second = Or(config.requests_per_second(), limits.requests_per_second);
  limits.burst = Or(config.burst(), limits.burst);
  limits.max_outstanding = Or(config.max_outstanding(), limits.max_outstanding);
  if (config.request_timeout_ms() != 0) {
    limits.request_timeout = absl::Milliseconds(config.request_timeout_ms());
  }
  return limits;
}

absl::StatusOr<VmServer::Options> OptionsOf(const v1::VmConfig& vm) {
  VmServer::Options options;
  options.socket = vm.socket();
  options.rule.user = geteuid();
  if (!vm.owner().empty()) {
    BPMP_ASSIGN_OR_RETURN(options.owner.user, FindUser(vm.owner()));
    options.rule.user = *options.owner.user;
  }
  if (!vm.group().empty()) {
    BPMP_ASSIGN_OR_RETURN(options.owner.group, FindGroup(vm.group()));
  }
  BPMP_ASSIGN_OR_RETURN(options.owner.mode, ParseMode(vm.mode()));
  if (!vm.peer().user().empty()) {
    BPMP_ASSIGN_OR_RETURN(options.rule.user, FindUser(vm.peer().user()));
  }
  options.rule.unit = vm.peer().unit();
  options.hide_ids = vm.ids() == v1::VmConfig::HIDDEN;
  return options;
}

absl::Status About(const std::string& vm, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat("vm ", vm, ": ", status.message()));
}

}  // namespace

VmRegistry::VmRegistry(Deps deps, v1::Config config, std::string proc_root)
    : deps_(deps),
      proc_root_(std::move(proc_root)),
      runtime_dir_(config.runtime_dir()),
      limits_(LimitsOf(config.limits())),
      inventory_(deps.engine->Read([](const core::Core& core) { return &core.inventory(); })),
      profile_(deps.engine->Read([](const core::Core& core) { return &core.profile(); })),
      config_(std::move(config)),
      lifeline_(std::make_shared<Lifeline>()) {
  for (v1::VmConfig& vm : *config_.mutable_vms()) ApplyVmDefaults(runtime_dir_, &vm);
  MutexLock lock(&lifeline_->mutex);
  lifeline_->registry = this;
}

VmRegistry::~VmRegistry() {
  {
    MutexLock lock(&lifeline_->mutex);
    lifeline_->registry = nullptr;
  }
  Shutdown(absl::ZeroDuration());
}

absl::StatusOr<std::shared_ptr<VmServer>> VmRegistry::Listen(const v1::VmConfig& vm) {
  BPMP_ASSIGN_OR_RETURN(VmServer::Options options, OptionsOf(vm));
  const auto id =
      deps_.engine->Read([&](const core::Core& core) { return core.FindVm(vm.name()); });
  if (!id) return absl::InternalError("the policy doesn't have it");
  const absl::Duration grace = absl::Milliseconds(vm.peer().grace_ms());
  VmServer::Deps deps;
  deps.guest = {deps_.engine, deps_.sessions, deps_.events, deps_.acceptor};
  deps.reaper = &reaper_;
  deps.proc_root = proc_root_;
  return VmServer::Listen(
      std::move(deps),
      std::make_shared<Endpoint>(*id, vm.name(), grace, limits_, &MonotonicClock()),
      std::move(options));
}

absl::Status VmRegistry::Start() {
  MutexLock changing(&changes_);
  // What is said at the start is no news later.
  BPMP_RETURN_IF_ERROR(Compile(config_, nullptr).status());
  std::vector<std::shared_ptr<VmServer>> servers;
  for (const v1::VmConfig& vm : config_.vms()) {
    auto server = Listen(vm);
    if (!server.ok()) return About(vm.name(), server.status());
    servers.push_back(*std::move(server));
  }
  MutexLock lock(&mutex_);
  generation_.since = absl::Now();
  for (size_t i = 0; i < servers.size(); ++i) {
    Enter(config_.vms(static_cast<int>(i)), std::move(servers[i]), /*from_file=*/true);
  }
  // Unlike clear_vms(), gives their memory back.
  config_.mutable_vms()->DeleteSubrange(0, config_.vms_size());
  return absl::OkStatus();
}

v1::Config VmRegistry::Whole() const {
  v1::Config whole = config_;
  MutexLock lock(&mutex_);
  for (const auto& [name, entry] : vms_) *whole.add_vms() = entry.config;
  return whole;
}

void VmRegistry::Enter(const v1::VmConfig& vm, std::shared_ptr<VmServer> server, bool from_file) {
  const VmId id = server->endpoint()->vm;
  if (vm.ids() == v1::VmConfig::HIDDEN) hiding_.insert(id);
  if (!server->rule().unit.empty()) rules_.insert_or_assign(id, server->rule());
  std::string socket = server->path();
  vms_.insert_or_assign(vm.name(), Entry{vm, id, std::move(socket), std::move(server), from_file});
}

absl::StatusOr<core::Policy> VmRegistry::Compile(const v1::Config& config,
                                                 std::vector<std::string>* notes) {
  BPMP_ASSIGN_OR_RETURN(const core::PolicySpec spec, ToPolicySpec(config));
  std::vector<core::Note> said;
  BPMP_ASSIGN_OR_RETURN(core::Policy policy, core::Compile(spec, *profile_, *inventory_, &said));
  std::set<std::string> texts;
  for (const core::Note& note : said) {
    if (notes != nullptr && !notes_.contains(note.text)) notes->push_back(note.text);
    texts.insert(note.text);
  }
  notes_ = std::move(texts);
  return policy;
}

absl::Status VmRegistry::Define(const v1::VmConfig& entry, std::vector<std::string>* notes) {
  v1::VmConfig vm = entry;
  ApplyVmDefaults(runtime_dir_, &vm);
  MutexLock changing(&changes_);
  {
    MutexLock lock(&mutex_);
    if (vms_.contains(vm.name())) {
      return absl::AlreadyExistsError(absl::StrCat("there is a VM ", vm.name(), " already"));
    }
  }
  const v1::Config before = Whole();
  BPMP_RETURN_IF_ERROR(CheckNewVm(before, vm, notes));
  v1::Config config = before;
  *config.add_vms() = vm;
  BPMP_ASSIGN_OR_RETURN(core::Policy policy, Compile(config, notes));
  BPMP_RETURN_IF_ERROR(deps_.engine->Install(std::move(policy)));
  auto server = Listen(vm);
  if (!server.ok()) {
    // The VM never had a way to ask for anything, so that the old policy fits.
    BPMP_ASSIGN_OR_RETURN(core::Policy old, Compile(before, nullptr));
    deps_.engine->Install(std::move(old)).IgnoreError();
    return About(vm.name(), server.status());
  }
  MutexLock lock(&mutex_);
  Enter(vm, *std::move(server), /*from_file=*/false);
  return absl::OkStatus();
}

VmRegistry::Generation VmRegistry::generation() const {
  MutexLock lock(&mutex_);
  return generation_;
}

VmRegistry::Info VmRegistry::ToInfo(const Entry& entry) {
  return {entry.config, entry.socket, entry.vm};
}

std::vector<VmRegistry::Info> VmRegistry::List() const {
  MutexLock lock(&mutex_);
  std::vector<Info> infos;
  infos.reserve(vms_.size());
  for (const auto& [name, entry] : vms_) infos.push_back(ToInfo(entry));
  return infos;
}

std::optional<VmRegistry::Info> VmRegistry::Find(std::string_view name) const {
  MutexLock lock(&mutex_);
  const auto it = vms_.find(name);
  if (it == vms_.end()) return std::nullopt;
  return ToInfo(it->second);
}

std::shared_ptr<Endpoint> VmRegistry::FindByName(std::string_view name) const {
  MutexLock lock(&mutex_);
  const auto it = vms_.find(name);
  if (it == vms_.end() || it->second.server == nullptr) return nullptr;
  return it->second.server->endpoint();
}

std::shared_ptr<Endpoint> VmRegistry::FindByCertificate(std::string_view name) const {
  MutexLock lock(&mutex_);
  for (const auto& [vm, entry] : vms_) {
    if (entry.server != nullptr && entry.config.certificate_name() == name) {
      return entry.server->endpoint();
    }
  }
  return nullptr;
}

std::optional<VmRegistry::AdminRefusal> VmRegistry::RefuseAsAdmin(const Peer& peer) const {
  const absl::StatusOr<std::string> unit = UnitOfPeer(peer, proc_root_);
  MutexLock lock(&mutex_);
  for (const auto& [vm, rule] : rules_) {
    const absl::Status status = CheckAdminPeer(peer, unit, rule);
    if (!status.ok()) return AdminRefusal{vm, std::string(status.message())};
  }
  return std::nullopt;
}

bool VmRegistry::HidesIds(VmId vm) const {
  MutexLock lock(&mutex_);
  return hiding_.contains(vm);
}

void VmRegistry::Shutdown(absl::Duration grace) {
  deps_.sessions->Stop(absl::UnavailableError("the broker is stopping"));
  std::vector<std::shared_ptr<VmServer>> servers;
  {
    MutexLock lock(&mutex_);
    shut_down_ = true;
    for (auto& [name, entry] : vms_) {
      if (entry.server != nullptr) servers.push_back(std::move(entry.server));
    }
    vms_.clear();
  }
  for (const auto& server : servers) server->Close();
  reaper_.WaitIdle(grace);
}

}  // namespace bpmp::service
