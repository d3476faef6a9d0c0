// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/heartbeat.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "broker/core/core.h"

namespace bpmp::daemon {
namespace {

// A root that feeds nothing: its rate can be asked for while anything else is being changed. Any
// other clock will do; a firmware without clocks is pinged, which the broker answers alone.
mrq::Request RequestFor(const core::Inventory& inventory) {
  absl::flat_hash_set<ClockId> feeding;
  for (const core::ClockInfo& clock : inventory.clocks) {
    feeding.insert(clock.parents.begin(), clock.parents.end());
  }
  std::optional<ClockId> chosen;
  for (uint32_t id = 0; id < inventory.clocks.size(); ++id) {
    if (!inventory.clocks[id].exists()) continue;
    if (!chosen) chosen = ClockId(id);
    const bool root = (inventory.clocks[id].flags & mrq::clk_flag::kIsRoot) != 0;
    if (root && !feeding.contains(ClockId(id))) {
      chosen = ClockId(id);
      break;
    }
  }
  if (!chosen) return mrq::PingRequest{};
  mrq::ClkRequest request;
  request.cmd = mrq::ClkCmd::kGetRate;
  request.clock = *chosen;
  return request;
}

// The firmware itself has spoken, be it with an error.
bool IsFirmwares(core::Reason reason) {
  return reason != core::Reason::kTimedOut && reason != core::Reason::kBackendFailed;
}

}  // namespace

Heartbeat::Heartbeat(backend::Engine* engine, const Clock* clock, int slots)
    : engine_(engine),
      clock_(clock),
      slots_(static_cast<size_t>(slots)),
      request_(engine->Read([](const core::Core& core) { return RequestFor(core.inventory()); })),
      shared_(std::make_shared<Shared>()) {}

void Heartbeat::Beat() {
  const absl::Time now = clock_->Now();
  {
    MutexLock lock(&shared_->mutex);
    if (shared_->sent) return;
    shared_->sent = now;
  }
  engine_->Submit(
      kHost, request_, absl::InfiniteDuration(),
      [shared = shared_, clock = clock_, now](const mrq::Response&, core::Reason reason) {
        MutexLock lock(&shared->mutex);
        shared->sent.reset();
        shared->state.broker_alive = true;
        shared->state.backend_alive = IsFirmwares(reason);
        if (shared->state.backend_alive) shared->state.latency = clock->Now() - now;
      });
}

Heartbeat::State Heartbeat::state(absl::Duration patience) const {
  const bool stuck = WorkerIsStuck();
  MutexLock lock(&shared_->mutex);
  State state = shared_->state;
  const bool late = shared_->sent && clock_->Now() - *shared_->sent > patience;
  if (late) state.broker_alive = false;
  // Answered by the timer while the queue isn't served: the timer lives, the worker doesn't.
  if (!state.backend_alive && stuck) state.broker_alive = false;
  return state;
}

bool Heartbeat::WorkerIsStuck() const {
  const backend::Worker::Stats stats = engine_->worker_stats();
  return stats.queued > 0 && stats.running < slots_;
}

}  // namespace bpmp::daemon
