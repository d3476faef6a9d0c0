// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/daemon.h"

#include <malloc.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "broker/base/clock.h"
#include "broker/base/status_macros.h"
#include "broker/core/core.h"
#include "broker/core/unclaimed.h"
#include "broker/daemon/logging.h"
#include "broker/daemon/version.h"
#include "broker/service/event_text.h"

namespace bpmp::daemon {
namespace {

// How long calls may take to end once the broker stops.
constexpr absl::Duration kGrace = absl::Seconds(2);
// After so many seconds of stopping, the process is killed, whatever hangs.
constexpr unsigned kStopLimit = 20;
// How often the broker looks at itself, and how long a look may take.
constexpr absl::Duration kBeatPeriod = absl::Seconds(5);
constexpr absl::Duration kPatience = absl::Seconds(5);
// How often while it doesn't know yet.
constexpr absl::Duration kFirstLook = absl::Milliseconds(100);
// How long VMs that lived through a restart may take to come back: their clients try about once a
// second.
constexpr absl::Duration kReturn = absl::Seconds(10);

core::Options ToCoreOptions(const MadeBackend& backend) {
  core::Options options;
  options.host_counts_apart = backend.host_counts_apart;
  return options;
}

backend::EngineOptions ToEngineOptions(const v1::Config& config) {
  backend::EngineOptions options;
  options.request_timeout = absl::Milliseconds(config.limits().request_timeout_ms());
  options.transfer_timeout = absl::Milliseconds(config.backend().transfer_timeout_ms());
  return options;
}

std::string DevicesText(const v1::VmConfig& vm) {
  if (vm.all() == v1::ACCESS_EXCLUSIVE) return "everything";
  const int ids = vm.clocks_size() + vm.resets_size() + vm.power_domains_size();
  std::vector<std::string> parts;
  for (const v1::DeviceGrantConfig& device : vm.devices()) parts.push_back(device.device());
  if (ids > 0) parts.push_back(absl::StrFormat("%d single grants", ids));
  return parts.empty() ? "nothing yet" : absl::StrJoin(parts, ", ");
}

std::shared_ptr<metrics::Metrics> MakeMetrics(const Plan& plan) {
  auto made = std::make_shared<metrics::Metrics>(&MonotonicClock(), kVersion);
  made->ShowNamed(plan.policy);
  made->SetDriftedDevices(plan.drifted_devices);
  return made;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(Plan plan, const Options& options,
                                                      const Environment& environment) {
  BPMP_ASSIGN_OR_RETURN(InstanceLock lock, InstanceLock::Take(plan.config().runtime_dir()));
  // Not before: a broker that only looks, or finds another, takes nothing over.
  BPMP_RETURN_IF_ERROR(TakeOver(plan.backend));
  auto daemon = std::unique_ptr<Daemon>(new Daemon(std::move(plan), std::move(lock)));
  BPMP_RETURN_IF_ERROR(daemon->Listen(options, environment));
  daemon->SayWhereItIs();
  daemon->ForgetPlan();
  return daemon;
}

Daemon::Daemon(Plan plan, InstanceLock lock)
    : plan_(std::move(plan)),
      lock_(std::move(lock)),
      metrics_(MakeMetrics(plan_)),
      observers_({&events_, metrics_.get()}),
      backend_(plan_.backend.owned.get(), &MonotonicClock(),
               ToEngineOptions(plan_.config()).transfer_timeout, metrics_.get()),
      engine_(std::make_unique<core::Core>(std::move(plan_.inventory), std::move(plan_.profile),
                                           std::move(plan_.policy), &observers_,
                                           ToCoreOptions(plan_.backend)),
              &backend_, &MonotonicClock(), ToEngineOptions(plan_.config()), metrics_.get()),
      sessions_(&engine_, &events_, &acceptor_),
      notifications_(&engine_, &sessions_, &events_),
      vms_({&engine_, &sessions_, &acceptor_, &events_}, plan_.config()),
      probe_({&engine_, &sessions_, &events_, &acceptor_}),
      heartbeat_(&engine_, &probe_, &MonotonicClock(), ToEngineOptions(plan_.config()).slots),
      audit_(&MonotonicClock(), absl::Seconds(plan_.config().log().fold_seconds()),
             [](spdlog::level::level_enum level, const std::string& line) {
               spdlog::log(level, "{}", line);
             }),
      reader_(&events_, &MonotonicClock(), AuditHandler()) {
  // No VM has a request before anybody listens.
  if (plan_.backend.record == nullptr) return;
  plan_.backend.record->SetVmNames([this](VmId vm) {
    return engine_.Read([vm](const core::Core& core) { return core.NameOf(vm); });
  });
}

void Daemon::ForgetPlan() {
  plan_.loaded = LoadedConfig();
  // Most of what reading the configuration took is free now, and is not needed again.
  malloc_trim(0);
}

Daemon::~Daemon() {
  notifier_.Stopping("stopping; nothing is released");
  // The last resort: SIGALRM's default action.
  signal(SIGALRM, SIG_DFL);
  alarm(kStopLimit);
  // First of all: a session that is lost from now on releases nothing.
  sessions_.Stop(absl::UnavailableError("the broker is stopping"));
  probe_.Shutdown();
  if (admin_ != nullptr) admin_->SetGuestServing(false);
  for (const auto& server : remote_) server->Shutdown(kGrace);
  vms_.Shutdown(kGrace);
  if (admin_ != nullptr) admin_->Shutdown(kGrace);
  metrics_server_.reset();
  acceptor_.Stop();
  plan_.backend.owned->Shutdown();  // calls that hang in it end, and the worker's threads with them
  engine_.Stop();
}

absl::Status Daemon::Listen(const Options& options, const Environment& environment) {
  BPMP_RETURN_IF_ERROR(acceptor_.status());
  const v1::Config& config = plan_.config();
  metrics_->SetSources(metrics::Metrics::SourcesOf(
      &engine_, [this] { return static_cast<int64_t>(sessions_.connected()); }));
  BPMP_RETURN_IF_ERROR(vms_.Start());
  BPMP_RETURN_IF_ERROR(ListenForRemoteVms());
  policy_ = std::make_unique<PolicyKeeper>(
      PolicyKeeper::Deps{&engine_, &vms_, &events_, metrics_.get(), &notifier_}, options,
      environment, config);
  service::ServerInfo info;
  info.version = kVersion;
  info.backend = plan_.backend.kind;
  info.config_file = plan_.config_file;
  info.started = absl::Now();
  BPMP_ASSIGN_OR_RETURN(
      admin_, service::AdminServer::Start(config.admin(),
                                          {&engine_, &vms_, &sessions_, &events_, policy_.get()},
                                          info, &acceptor_));
  if (!config.tls().admin_listen().empty()) {
    BPMP_RETURN_IF_ERROR(admin_->ListenTls(config.tls()));
  }
  admin_->SetGuestServing(true);
  return ListenForMetrics();
}

absl::Status Daemon::ListenForRemoteVms() {
  const v1::Config& config = plan_.config();
  const service::GuestDeps deps{&engine_, &sessions_, &events_, &acceptor_};
  if (!config.tls().listen().empty()) {
    BPMP_ASSIGN_OR_RETURN(auto server, service::RemoteServer::ListenTls(config.tls(), deps, &vms_));
    remote_.push_back(std::move(server));
  }
  for (const v1::InsecureTcpConfig& insecure : config.insecure_tcp()) {
    BPMP_ASSIGN_OR_RETURN(auto server,
                          service::RemoteServer::ListenInsecure(insecure, deps, &vms_));
    remote_.push_back(std::move(server));
  }
  return absl::OkStatus();
}

absl::Status Daemon::ListenForMetrics() {
  const std::string& address = plan_.config().metrics().listen();
  if (address == "off") return absl::OkStatus();
  auto server = metrics::MetricsServer::Start(address, metrics_);
  if (server.ok()) {
    metrics_server_ = *std::move(server);
    return absl::OkStatus();
  }
  // Nobody asked for this address, so a machine where it is taken must not need a configuration.
  if (!plan_.metrics_by_default) return server.status();
  spdlog::warn("no metrics: {}; set 'metrics' to another address, or to off",
               std::string(server.status().message()));
  return absl::OkStatus();
}

void Daemon::SayWhereItIs() const {
  const v1::Config& config = plan_.config();
  engine_.Read([this](const core::Core& core) {
    spdlog::info("bpmp-broker {} on {}: {} clocks, {} power domains, profile {}", kVersion,
                 plan_.backend.name, core.Resources(core::ResourceKind::kClock).size(),
                 core.Resources(core::ResourceKind::kDomain).size(), core.profile().name());
  });
  for (const v1::VmConfig& vm : config.vms()) {
    spdlog::info("vm {}: {} ({})", vm.name(), vm.socket(), DevicesText(vm));
  }
  if (config.vms().empty()) {
    spdlog::info(
        "no VMs are configured; 'bpmpctl vm add' adds one, docs/configuration.md says more");
  }
  if (!config.tls().listen().empty()) spdlog::info("remote VMs: {}", config.tls().listen());
  if (metrics_server_ != nullptr) {
    spdlog::info("metrics: http://{}/metrics", config.metrics().listen());
  }
  if (admin_->tls_port() != 0) {
    spdlog::info("remote administrators: {}", config.tls().admin_listen());
  }
  spdlog::info("admin API: {}; look around with: bpmpctl --socket {} status", admin_->socket(),
               admin_->socket());
}

void Daemon::Serve(const Signals& signals) {
  // Twice in a watchdog's time may be once too few when the machine is busy.
  const absl::Duration period = std::min(kBeatPeriod, Notifier::WatchdogTimeout() / 3);
  heartbeat_.Beat();
  status_ = StatusText();
  notifier_.Ready(status_);
  returned_ = MonotonicClock().Now() + kReturn;
  absl::Duration wait = std::min(period, kFirstLook);
  while (true) {
    const std::optional<int> signal = signals.Wait(wait);
    if (signal == SIGHUP) {
      spdlog::info("SIGHUP: the configuration is read again");
      policy_->Reload({});
    } else if (signal) {
      spdlog::info("{}: stopping; nothing is released", *signal == SIGTERM ? "SIGTERM" : "SIGINT");
      return;
    }
    Beat();
    wait = health_.broker_alive ? period : std::min(period, kFirstLook);
  }
}

void Daemon::Beat() {
  const Heartbeat::State state = heartbeat_.state(kPatience);
  if (state.broker_alive == true) notifier_.Watchdog();
  TellHealth(state);
  heartbeat_.Beat();
  TellUnclaimed();
  std::string status = StatusText();
  if (status != status_) notifier_.Status(status);
  status_ = std::move(status);
}

void Daemon::TellHealth(const Heartbeat::State& state) {
  if (state.broker_alive == false) {
    spdlog::error("the broker doesn't answer its own requests; a watchdog would end it");
  }
  if (state.backend_alive && state.backend_alive != health_.backend_alive) {
    if (*state.backend_alive) {
      spdlog::info("the backend answers");
    } else {
      spdlog::error("the backend doesn't answer; what needs the hardware fails until it does");
    }
    admin_->SetBackendHealthy(*state.backend_alive);
  }
  health_ = state;
}

void Daemon::TellUnclaimed() {
  if (MonotonicClock().Now() < returned_) return;
  returned_ = absl::InfiniteFuture();
  const core::Unclaimed unclaimed =
      engine_.Read([](const core::Core& core) { return core::FindUnclaimed(core); });
  if (!unclaimed.text.empty()) spdlog::warn("{}", unclaimed.text);
}

std::string Daemon::StatusText() const {
  std::string backend = "backend not asked yet";
  if (health_.backend_alive) {
    backend = *health_.backend_alive ? "backend answers" : "BACKEND DOESN'T ANSWER";
  }
  const size_t vms = vms_.List().size();
  return absl::StrFormat("%d %s, %d connected; %s", vms, vms == 1 ? "VM" : "VMs",
                         sessions_.connected(), backend);
}

EventReader::Handler Daemon::AuditHandler() {
  EventReader::Handler handler;
  handler.on_event = [this](const service::EventLog::Record& record) {
    if (!record.from_core) metrics_->OnSessionEvent(record.kind);
    // Names need the engine's lock: not for lines that nobody will see.
    if (spdlog::should_log(RuleFor(record).level)) {
      service::RenderedEvent shown = service::Render(record, engine_);
      shown.text = service::LogLine(record, shown);
      audit_.Add(record, shown);
    }
  };
  handler.on_lost = [](uint64_t count) {
    spdlog::warn("{} events came too fast to be logged", count);
  };
  handler.on_idle = [this] {
    audit_.Flush();
    return audit_.NextDue();
  };
  return handler;
}

}  // namespace bpmp::daemon
