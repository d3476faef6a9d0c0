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
    : directory_(MakeDirectory()), options_(std::move(options)), sim_(options_.sim) {
  if (!google::protobuf::TextFormat::ParseFromString(config, &config_)) Die("bad configuration");
  config_.set_runtime_dir(directory_);
  daemon::Environment environment;
  Must(daemon::ApplyDefaults(environment, directory_, &config_), "defaults");
  if (options_.prepare) options_.prepare(sim_);
  Compose();
}

void TestBroker::Compose() {
  life_ = std::make_unique<Life>();
  MakeEngine();
  life_->sessions = std::make_unique<service::SessionTable>(life_->engine.get(), &life_->events,
                                                            &life_->acceptor);
  life_->notifications =
      std::make_unique<service::Notifications>(&engine(), &sessions(), &events());
  life_->registry = std::make_unique<service::VmRegistry>(
      service::VmRegistry::Deps{&engine(), &sessions(), &acceptor(), &events()}, config_,
      options_.proc_root);
  Listen();
}

void TestBroker::MakeEngine() {
  auto profile = Must(daemon::LoadProfiles({}), "profile");
  auto inventory = Must(backend::ReadInventory(&sim_, MonotonicClock(), {}, nullptr), "inventory");
  sim_.ForgetRequests();
  const auto spec = Must(service::ToPolicySpec(config_), "configuration");
  auto policy = Must(core::Compile(spec, profile, inventory, nullptr), "policy");

  std::vector<core::Observer*> observers = {&events()};
  if (options_.observer != nullptr) observers.push_back(options_.observer);
  life_->observers = std::make_unique<core::Observers>(std::move(observers));
  backend::EngineOptions engine_options;
  engine_options.request_timeout = absl::Milliseconds(config_.limits().request_timeout_ms());
  engine_options.transfer_timeout = absl::Milliseconds(config_.backend().transfer_timeout_ms());
  life_->engine = std::make_unique<backend::Engine>(
      std::make_unique<core::Core>(std::move(inventory), std::move(profile), std::move(policy),
                                   life_->observers.get()),
      &sim_, &MonotonicClock(), engine_options, options_.request_observer);
}

void TestBroker::Listen() {
  using service::RemoteServer;
  Must(registry().Start(), "sockets");
  const service::GuestDeps deps{&engine(), &sessions(), &events(), &acceptor()};
  if (!config_.tls().listen().empty()) {
    life_->tls = Must(RemoteServer::ListenTls(config_.tls(), deps, &registry()), "TLS");
  }
  if (config_.insecure_tcp_size() > 0) {
    life_->insecure =
        Must(RemoteServer::ListenInsecure(config_.insecure_tcp(0), deps, &registry()), "TCP");
  }
  service::ServerInfo info;
  info.version = "test";
  info.backend = "sim";
  info.started = absl::Now();
  life_->admin = Must(
      service::AdminServer::Start(config_.admin(), {&engine(), &registry(), &sessions(), &events()},
                                  info, &acceptor()),
      "admin socket");
  if (!config_.tls().admin_listen().empty()) Must(admin().ListenTls(config_.tls()), "admin TLS");
}

void TestBroker::Disconnect(absl::Duration grace) {
  if (tls() != nullptr) tls()->Shutdown(absl::ZeroDuration());
  if (insecure() != nullptr) insecure()->Shutdown(absl::ZeroDuration());
  registry().Shutdown(grace);
  admin().Shutdown(absl::ZeroDuration());
  acceptor().Stop();
}

void TestBroker::Crash() {
  Disconnect(absl::ZeroDuration());
  engine().Stop();
  life_.reset();
}

void TestBroker::Restart() { Compose(); }

TestBroker::~TestBroker() {
  if (life_ != nullptr) {
    Disconnect(absl::Seconds(10));
    sim_.Shutdown();
    engine().Stop();
    life_.reset();
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::string TestBroker::socket(std::string_view vm) const {
  const auto info = life_->registry->Find(vm);
  if (!info) Die(absl::StrCat("no VM ", ToAbsl(vm)));
  return info->socket;
}

VmId TestBroker::vm(std::string_view name) const {
  const auto id = life_->engine->Read([&](const core::Core& core) { return core.FindVm(name); });
  if (!id) Die(absl::StrCat("no VM ", ToAbsl(name)));
  return *id;
}

bool TestBroker::Holds(std::string_view name, ClockId clock) const {
  const auto status = life_->engine->Read(
      [&](const core::Core& core) { return core.Status(core::Resource::Of(clock)); });
  if (!status) return false;
  const auto& holders = status->holders;
  return std::find(holders.begin(), holders.end(), vm(name)) != holders.end();
}

service::EventLog::Record TestBroker::WaitFor(
    const std::function<bool(const service::EventLog::Record&)>& wanted, uint64_t since) {
  for (uint64_t number = since;;) {
    const auto record = events().Read(number);
    if (!record) {
      std::promise<void> ready;
      events().WhenReached(number, [&] { ready.set_value(); });
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
