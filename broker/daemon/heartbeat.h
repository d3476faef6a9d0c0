// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_HEARTBEAT_H_
#define BROKER_DAEMON_HEARTBEAT_H_

#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "broker/backend/engine.h"
#include "broker/base/clock.h"
#include "broker/base/mutex.h"
#include "broker/core/event.h"
#include "broker/mrq/types.h"
#include "broker/service/self_probe.h"

namespace bpmp::daemon {

// Tells whether the broker lives and whether the backend does: two questions, two requests.
//
// A beat is a read of a clock's rate in the host's name. It takes the way of every request below
// gRPC: the engine's lock, the core, the worker's queue and a slot, and back by a callback. The
// broker answers it in any case, by its own timer where the backend doesn't, and soon, however long
// the VMs' requests may wait. A probe (service/self_probe.h) goes with it and takes the way from
// gRPC to the core. The broker lives if both were answered, the backend if the beat's answer was
// the firmware's. So a backend that hangs never gets the broker killed; but work that waits in the
// queue although there are free slots is the broker's own fault.
//
// Thread-safe.
class Heartbeat {
 public:
  // How long the beat waits for the firmware. Well below the patience of whoever looks: a firmware
  // that hangs must not look like a broker that does.
  static constexpr absl::Duration kBeatTimeout = absl::Seconds(1);
  // How long the probe waits, for which nobody but the broker is to blame. A busy machine is slow.
  static constexpr absl::Duration kProbeTimeout = absl::Seconds(5);

  // Absent: not known yet.
  struct State {
    std::optional<bool> broker_alive;   // the last beat and the last probe were answered
    std::optional<bool> backend_alive;  // the beat was answered by the firmware
    absl::Duration latency;             // of the last answer of the firmware
  };

  // `slots` is how many transfers the engine makes at a time. Nothing is owned; `probe` may be
  // null, for tests without gRPC.
  Heartbeat(backend::Engine* engine, service::SelfProbe* probe, const Clock* clock, int slots);

  // Sends a beat and a probe, but neither while its last one is still on its way.
  void Beat() ABSL_LOCKS_EXCLUDED(shared_->mutex);
  // What has come back says. `broker_alive` is absent until everything has been answered for the
  // first time, and false once something has been on its way for longer than `patience`.
  State state(absl::Duration patience) const ABSL_LOCKS_EXCLUDED(shared_->mutex);

 private:
  // Outlives the heartbeat: an answer may come later.
  struct Shared {
    Mutex mutex;
    std::optional<absl::Time> beat_sent ABSL_GUARDED_BY(mutex);   // on its way since
    std::optional<absl::Time> probe_sent ABSL_GUARDED_BY(mutex);  // likewise
    bool beat_answered ABSL_GUARDED_BY(mutex) = false;            // ever
    std::optional<bool> probe_answered ABSL_GUARDED_BY(mutex);    // the last one
    std::optional<bool> backend_alive ABSL_GUARDED_BY(mutex);
    absl::Duration latency ABSL_GUARDED_BY(mutex);
    std::optional<absl::Time> stuck_since ABSL_GUARDED_BY(mutex);  // the worker, at each look
  };

  void SendBeat() ABSL_LOCKS_EXCLUDED(shared_->mutex);
  void SendProbe() ABSL_LOCKS_EXCLUDED(shared_->mutex);
  bool WorkerIsStuck() const;

  backend::Engine* const engine_;
  service::SelfProbe* const probe_;
  const Clock* const clock_;
  const size_t slots_;
  const mrq::Request request_;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_HEARTBEAT_H_
