// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_DAEMON_H_
#define BROKER_DAEMON_DAEMON_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/backend/engine.h"
#include "broker/core/observers.h"
#include "broker/daemon/audit.h"
#include "broker/daemon/event_reader.h"
#include "broker/daemon/heartbeat.h"
#include "broker/daemon/instance_lock.h"
#include "broker/daemon/notifier.h"
#include "broker/daemon/options.h"
#include "broker/daemon/plan.h"
#include "broker/daemon/policy_keeper.h"
#include "broker/daemon/signals.h"
#include "broker/metrics/metered_backend.h"
#include "broker/metrics/metrics.h"
#include "broker/metrics/metrics_server.h"
#include "broker/service/acceptor.h"
#include "broker/service/admin_server.h"
#include "broker/service/event_log.h"
#include "broker/service/notifications.h"
#include "broker/service/remote_server.h"
#include "broker/service/self_probe.h"
#include "broker/service/sessions.h"
#include "broker/service/vm_registry.h"

namespace bpmp::daemon {

// The whole program but for its command line.
Exit Run(const Options& options);

// The broker, composed: owns every part, in the order in which they use each other. Made, served
// with and destroyed in one thread, the main one.
class Daemon {
 public:
  // Takes the runtime directory, and opens all sockets. The error says which couldn't be, and then
  // nothing is left behind.
  // `options` and `environment` are those that the plan was made with.
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(Plan plan, const Options& options,
                                                       const Environment& environment);
  // Stops, within a bounded time: ends the sessions and closes the sockets. Nothing is released:
  // the VMs live on, and the next broker finds what they hold.
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Returns when SIGTERM or SIGINT came. SIGHUP reloads the policy; votes that it doesn't allow are
  // kept.
  void Serve(const Signals& signals);

 private:
  Daemon(Plan plan, InstanceLock lock);

  absl::Status Listen(const Options& options, const Environment& environment);
  absl::Status ListenForRemoteVms();
  absl::Status ListenForMetrics();
  void SayWhereItIs() const;
  // Lets go of what was needed to start only: the registry has the VMs' entries.
  void ForgetPlan();
  // One look at the health of the broker and its backend.
  void Beat();
  void TellHealth(const Heartbeat::State& state);
  // Once, when VMs that lived through a restart have had the time to come back.
  void TellUnclaimed();
  std::string StatusText() const;
  EventReader::Handler AuditHandler();

  Plan plan_;
  const InstanceLock lock_;
  Notifier notifier_;

  service::EventLog events_;
  const std::shared_ptr<metrics::Metrics> metrics_;
  core::Observers observers_;
  metrics::MeteredBackend backend_;
  backend::Engine engine_;
  service::Acceptor acceptor_;
  service::SessionTable sessions_;
  service::Notifications notifications_;
  service::VmRegistry vms_;
  std::unique_ptr<PolicyKeeper> policy_;
  std::unique_ptr<service::AdminServer> admin_;
  // Over TLS, and over plain TCP for development.
  std::vector<std::unique_ptr<service::RemoteServer>> remote_;
  std::unique_ptr<metrics::MetricsServer> metrics_server_;

  service::SelfProbe probe_;
  Heartbeat heartbeat_;
  Heartbeat::State health_;                       // as last told
  std::string status_;                            // likewise
  absl::Time returned_ = absl::InfiniteFuture();  // TellUnclaimed's time
  AuditFolder audit_;                             // the reader's thread's
  EventReader reader_;
};

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_DAEMON_H_
