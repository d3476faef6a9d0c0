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

namespace bpmp::daemon {

// Tells whether the broker lives and whether the backend does: two questions with one request.
//
// A beat is a read of a clock's rate in the host's name. It takes the way of every request: the
// engine's lock, the core, the worker's queue and a slot, and back by a callback. The broker
// answers it in any case, by its own timer where the backend doesn't: the broker lives if an answer
// came, the backend if the answer was the firmware's. So a backend that hangs never gets the broker
// killed; but work that waits in the queue although there are free slots is the broker's own fault.
//
// Thread-safe.
class Heartbeat {
 public:
  struct State {
    bool broker_alive = false;   // the last beat was answered
    bool backend_alive = false;  // ... by the firmware
    absl::Duration latency;      // of the last answer of the firmware
  };

  // `slots` is how many transfers the engine makes at a time. Nothing is owned.
  Heartbeat(backend::Engine* engine, const Clock* clock, int slots);

  // Sends a beat, unless the last one is still on its way.
  void Beat() ABSL_LOCKS_EXCLUDED(shared_->mutex);
  // What the beats that have come back say. `broker_alive` is false while none has, and while one
  // has been on its way for longer than `patience`.
  State state(absl::Duration patience) const ABSL_LOCKS_EXCLUDED(shared_->mutex);

 private:
  // Outlives the heartbeat: an answer may come later.
  struct Shared {
    Mutex mutex;
    State state ABSL_GUARDED_BY(mutex);
    std::optional<absl::Time> sent ABSL_GUARDED_BY(mutex);  // the beat on its way
  };

  bool WorkerIsStuck() const;

  backend::Engine* const engine_;
  const Clock* const clock_;
  const size_t slots_;
  const mrq::Request request_;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_HEARTBEAT_H_
