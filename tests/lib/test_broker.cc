// SPDX-License-Identifier: Apache-2.0
#include "tests/lib/test_broker.h"

#include <google/protobuf/text_format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/backend/inventory_reader.h"
#include "broker/base/clock.h"
#include "broker/base/string_view.h"
#include "broker/core/core.h"
#include "broker/daemon/config.h"
#include "broker/daemon/profile_loader.h"
#include "broker/service/spec.h"

namespace bpmp::testing {
namespace {

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "test broker: %s\n", why.c_str());
  std::abort();
}

template <typename Value>
Value Must(absl::StatusOr<Value> value, const char* what) {
  if (!value.ok()) Die(absl::StrCat(what, ": ", value.status().ToString()));
  return *std::move(value);
}

void Must(const absl::Status& status, const char* what) {
  if (!status.ok()) Die(absl::StrCat(what, ": ", status.ToString()));
}

// Short, for the kernel's limit on socket paths, and open to other users.
std::string MakeDirectory() {
  char name[] = "/tmp/bpmp-XXXXXX";
  if (mkdtemp(name) == nullptr || chmod(name, 0755) != 0) Die("can't make a directory in /tmp");
  return name;
}

}  // namespace

TestBroker::TestBroker(const std::string& config) : TestBroker(config, Options()) {}

TestBroker::TestBroker(const std::string& config, Options options)
    : directory_(MakeDirectory()), sim_(options.sim) {
  v1::Config parsed;
  if (!google::protobuf::TextFormat::ParseFromString(config, &parsed)) Die("bad configuration");
  parsed.set_runtime_dir(directory_);
  daemon::Environment environment;
  Must(daemon::ApplyDefaults(environment, directory_, &parsed), "defaults");
  Compose(std::move(parsed), options);
}

void TestBroker::Compose(v1::Config config, const Options& options) {
  if (options.prepare) options.prepare(sim_);
  auto profile = Must(daemon::LoadProfiles({}), "profile");
  auto inventory = Must(backend::ReadInventory(&sim_, MonotonicClock(), {}, nullptr), "inventory");
  sim_.ForgetRequests();
  const auto spec = Must(service::ToPolicySpec(config), "configuration");
  auto policy = Must(core::Compile(spec, profile, inventory, nullptr), "policy");

  std::vector<core::Observer*> observers = {&events_};
  if (options.observer != nullptr) observers.push_back(options.observer);
  observers_ = std::make_unique<core::Observers>(std::move(observers));
  backend::EngineOptions engine_options;
  engine_options.request_timeout = absl::Milliseconds(config.limits().request_timeout_ms());
  engine_options.transfer_timeout = absl::Milliseconds(config.backend().transfer_timeout_ms());
  engine_ = std::make_unique<backend::Engine>(
      std::make_unique<core::Core>(std::move(inventory), std::move(profile), std::move(policy),
                                   observers_.get()),
      &sim_, &MonotonicClock(), engine_options, options.request_observer);

  sessions_ = std::make_unique<service::SessionTable>(engine_.get(), &events_, &acceptor_);
  registry_ = std::make_unique<service::VmRegistry>(
      service::VmRegistry::Deps{engine_.get(), sessions_.get(), &acceptor_, &events_}, config,
      options.proc_root);
  Must(registry_->Start(), "sockets");
  const service::GuestDeps deps{engine_.get(), sessions_.get(), &events_, &acceptor_};
  using service::RemoteServer;
  if (!config.tls().listen().empty()) {
    tls_ = Must(RemoteServer::ListenTls(config.tls(), deps, registry_.get()), "TLS");
  }
  if (config.insecure_tcp_size() > 0) {
    insecure_ =
        Must(RemoteServer::ListenInsecure(config.insecure_tcp(0), deps, registry_.get()), "TCP");
  }
  service::ServerInfo info;
  info.version = "test";
  info.backend = "sim";
  info.started = absl::Now();
  admin_ = Must(service::AdminServer::Start(
                    config.admin(), {engine_.get(), registry_.get(), sessions_.get(), &events_},
                    info, &acceptor_),
                "admin socket");
  if (!config.tls().admin_listen().empty()) Must(admin_->ListenTls(config.tls()), "admin TLS");
}

TestBroker::~TestBroker() {
  if (tls_ != nullptr) tls_->Shutdown(absl::ZeroDuration());
  if (insecure_ != nullptr) insecure_->Shutdown(absl::ZeroDuration());
  registry_->Shutdown(absl::Seconds(10));
  admin_->Shutdown(absl::ZeroDuration());
  acceptor_.Stop();
  sim_.Shutdown();
  engine_->Stop();
  tls_.reset();
  insecure_.reset();
  admin_.reset();
  registry_.reset();
  sessions_.reset();
  engine_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::string TestBroker::socket(std::string_view vm) const {
  const auto info = registry_->Find(vm);
  if (!info) Die(absl::StrCat("no VM ", ToAbsl(vm)));
  return info->socket;
}

VmId TestBroker::vm(std::string_view name) const {
  const auto id = engine_->Read([&](const core::Core& core) { return core.FindVm(name); });
  if (!id) Die(absl::StrCat("no VM ", ToAbsl(name)));
  return *id;
}

bool TestBroker::Holds(std::string_view name, ClockId clock) const {
  const auto status =
      engine_->Read([&](const core::Core& core) { return core.Status(core::Resource::Of(clock)); });
  if (!status) return false;
  const auto& holders = status->holders;
  return std::find(holders.begin(), holders.end(), vm(name)) != holders.end();
}

service::EventLog::Record TestBroker::WaitFor(
    const std::function<bool(const service::EventLog::Record&)>& wanted, uint64_t since) {
  for (uint64_t number = since;;) {
    const auto record = events_.Read(number);
    if (!record) {
      std::promise<void> ready;
      events_.WhenReached(number, [&] { ready.set_value(); });
      ready.get_future().get();
      continue;
    }
    if (wanted(*record)) return *record;
    number = record->number + 1;
  }
}

service::EventLog::Record TestBroker::WaitFor(std::string_view kind, std::string_view name,
                                              uint64_t since) {
  return WaitFor(
      [&, id = vm(name)](const service::EventLog::Record& record) {
        return record.kind == kind && record.event.vm == id;
      },
      since);
}

}  // namespace bpmp::testing
