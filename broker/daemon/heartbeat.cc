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

Heartbeat::Heartbeat(backend::Engine* engine, service::SelfProbe* probe, const Clock* clock,
                     int slots)
    : engine_(engine),
      probe_(probe),
      clock_(clock),
      slots_(static_cast<size_t>(slots)),
      request_(engine->Read([](const core::Core& core) { return RequestFor(core.inventory()); })),
      shared_(std::make_shared<Shared>()) {
  MutexLock lock(&shared_->mutex);
  if (probe_ == nullptr) shared_->probe_answered = true;
}

void Heartbeat::Beat() {
  SendBeat();
  if (probe_ != nullptr) SendProbe();
}

void Heartbeat::SendBeat() {
  const absl::Time now = clock_->Now();
  {
    MutexLock lock(&shared_->mutex);
    if (shared_->beat_sent) return;
    shared_->beat_sent = now;
  }
  engine_->Submit(
      kHost, request_, kBeatTimeout,
      [shared = shared_, clock = clock_, now](const mrq::Response&, core::Reason reason) {
        MutexLock lock(&shared->mutex);
        shared->beat_sent.reset();
        shared->beat_answered = true;
        shared->backend_alive = IsFirmwares(reason);
        if (*shared->backend_alive) shared->latency = clock->Now() - now;
      });
}

void Heartbeat::SendProbe() {
  {
    MutexLock lock(&shared_->mutex);
    if (shared_->probe_sent) return;
    shared_->probe_sent = clock_->Now();
  }
  probe_->Ask(kProbeTimeout, [shared = shared_](bool answered) {
    MutexLock lock(&shared->mutex);
    shared->probe_sent.reset();
    shared->probe_answered = answered;
  });
}

Heartbeat::State Heartbeat::state(absl::Duration patience) const {
  const bool stuck = WorkerIsStuck();
  const absl::Time now = clock_->Now();
  MutexLock lock(&shared_->mutex);
  State state;
  state.backend_alive = shared_->backend_alive;
  state.latency = shared_->latency;
  if (shared_->beat_answered && shared_->probe_answered) {
    state.broker_alive = *shared_->probe_answered;
  }
  const auto late = [&](const std::optional<absl::Time>& sent) {
    return sent && now - *sent > patience;
  };
  if (late(shared_->beat_sent) || late(shared_->probe_sent)) state.broker_alive = false;
  // Answered by the timer while the queue isn't served: the timer lives, the worker doesn't. What
  // was queued a moment ago is served in the next, so one look doesn't say.
  if (!stuck || state.backend_alive != false) {
    shared_->stuck_since.reset();
  } else if (!shared_->stuck_since) {
    shared_->stuck_since = now;
  } else if (now - *shared_->stuck_since > patience) {
    state.broker_alive = false;
  }
  return state;
}

bool Heartbeat::WorkerIsStuck() const {
  const backend::Worker::Stats stats = engine_->worker_stats();
  return stats.queued > 0 && stats.running < slots_;
}

}  // namespace bpmp::daemon
