// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_POLICY_KEEPER_H_
#define BROKER_DAEMON_POLICY_KEEPER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bpmp/v1/admin.pb.h"
#include "broker/backend/engine.h"
#include "broker/base/mutex.h"
#include "broker/daemon/config.h"
#include "broker/daemon/notifier.h"
#include "broker/daemon/options.h"
#include "broker/daemon/plan.h"
#include "broker/metrics/metrics.h"
#include "broker/service/event_log.h"
#include "broker/service/policy_control.h"
#include "broker/service/vm_registry.h"

namespace bpmp::daemon {

// Reads the configuration file again while the broker runs, and lets the registry put the policy
// that is in it in the place of the one in force. Every reload that was asked for is told: to the
// log, as an event, to the metrics, to the service manager, and to who asked. Thread-safe.
class PolicyKeeper final : public service::PolicyControl {
 public:
  // Not owned.
  struct Deps {
    backend::Engine* engine = nullptr;
    service::VmRegistry* vms = nullptr;
    service::EventLog* events = nullptr;
    metrics::Metrics* metrics = nullptr;
    const Notifier* notifier = nullptr;
  };
  // `options` and the effective `config` are those that the broker was started with.
  PolicyKeeper(Deps deps, Options options, Environment environment, const v1::Config& config);

  v1::ReloadPolicyResponse Reload(const v1::ReloadPolicyRequest& request) override
      ABSL_LOCKS_EXCLUDED(turn_);
  v1::CheckPolicyResponse Check(const v1::CheckPolicyRequest& request) override;

 private:
  absl::Status TryReload(const v1::ReloadPolicyRequest& request,
                         v1::ReloadPolicyResponse* response) const;
  void Tell(const v1::ReloadPolicyRequest& request, const v1::ReloadPolicyResponse& response) const;

  const Deps deps_;
  const Options options_;
  const Environment environment_;
  // What a text may name that somebody sends: the broker may read more than he.
  const std::vector<std::string> files_;
  // One reload after the other, from reading the file: what was read last is in force.
  Mutex turn_;
};

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_POLICY_KEEPER_H_
