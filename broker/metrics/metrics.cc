// SPDX-License-Identifier: Apache-2.0
#include "broker/metrics/metrics.h"

#include <algorithm>
#include <utility>

namespace bpmp::metrics {
namespace {

template <size_t N>
void IncrementAt(std::array<Count, N>& counts, size_t index) {
  if (index < N) Increment(counts[index]);
}

size_t Index(core::ResourceKind kind) { return static_cast<size_t>(kind); }

void SetBit(std::atomic<uint8_t>& bits, uint8_t bit, bool value) {
  if (value) {
    bits.fetch_or(bit, std::memory_order_relaxed);
  } else {
    bits.fetch_and(static_cast<uint8_t>(~bit), std::memory_order_relaxed);
  }
}

}  // namespace

Metrics::Metrics(const Clock* clock, std::string version)
    : clock_(clock), version_(std::move(version)) {}

Metrics::Sources Metrics::SourcesOf(const backend::Engine* engine,
                                    std::function<int64_t()> sessions) {
  Sources sources;
  sources.vm_name = [engine](VmId vm) {
    return engine->Read([vm](const core::Core& core) { return core.NameOf(vm); });
  };
  sources.resource_name = [engine](core::Resource resource) {
    return engine->Read([resource](const core::Core& core) { return core.NameOf(resource); });
  };
  sources.sessions = std::move(sessions);
  sources.draining = [engine] {
    return engine->Read([](const core::Core& core) {
      const std::vector<core::VmStatus> vms = core.Vms();
      return std::count_if(vms.begin(), vms.end(), [](const core::VmStatus& vm) {
        return vm.admission != core::Admission::kOpen;
      });
    });
  };
  sources.worker = [engine] { return engine->worker_stats(); };
  return sources;
}

void Metrics::OnRequest(const Record& record) {
  const size_t kind =
      record.request != nullptr ? RequestKindOf(*record.request) : RejectedKindOf(record.mrq);
  VmCounts& counts = vms_.Of(record.vm);
  counts.requests[kind].IncrementAt(ResultOf(record.error));
  // What the core never saw, it doesn't tell as an event.
  if (record.request == nullptr) counts.denials.IncrementAt(static_cast<size_t>(record.reason));
  // What is answered at once has no duration worth a bucket.
  if (record.latency > absl::ZeroDuration()) request_duration_.Observe(record.latency);
}

Metrics::ResourceState* Metrics::Find(core::Resource resource) {
  const auto at = [&resource](auto& table) {
    return resource.id < table.size() ? &table[resource.id] : nullptr;
  };
  switch (resource.kind) {
    case core::ResourceKind::kClock:
      return at(clocks_);
    case core::ResourceKind::kDomain:
      return at(domains_);
    case core::ResourceKind::kReset:
      return at(resets_state_);
    case core::ResourceKind::kPcieController:
      return at(pcie_);
    case core::ResourceKind::kNone:
      break;
  }
  return nullptr;
}

void Metrics::ShowNamed(const core::Policy& policy) {
  const auto show = [this](core::Resource resource) {
    if (ResourceState* state = Find(resource)) SetBit(state->bits, kSeen, true);
  };
  for (const core::VmPolicy& vm : policy.vms) {
    if (vm.all_exclusive) continue;  // names nothing
    for (uint32_t id = 0; id < vm.clocks.size(); ++id) {
      if (vm.clocks[id] != core::Access::kNone) show(core::Resource::Of(ClockId(id)));
    }
    for (uint32_t id = 0; id < vm.domains.size(); ++id) {
      if (vm.domains[id] != core::Access::kNone) show(core::Resource::Of(DomainId(id)));
    }
  }
  for (const auto& [clock, rule] : policy.rate_policies) show(core::Resource::Of(clock));
  for (const core::Pin& pin : policy.pins) show(pin.resource);
}

void Metrics::OnChange(const core::Change& change) {
  using Kind = core::Change::Kind;
  ResourceState* state = Find(change.resource);
  if (state == nullptr) return;
  switch (change.kind) {
    case Kind::kVote:
      state->votes.fetch_add(change.value != 0 ? 1 : -1, std::memory_order_relaxed);
      SetBit(state->bits, kSeen, true);
      break;
    case Kind::kPinned:
      SetBit(state->bits, kHostPinned, change.value != 0);
      SetBit(state->bits, kSeen, true);
      break;
    case Kind::kFound:
      SetBit(state->bits, kHostFound, change.value != 0);
      SetBit(state->bits, kSeen, true);
      break;
    case Kind::kGate:
      SetBit(state->bits, kInDoubt,
             change.value == static_cast<int64_t>(core::GateState::kUnknown));
      break;
    case Kind::kQuarantine:
      SetBit(state->bits, kQuarantine, change.value != 0);
      break;
    default:
      break;
  }
}

void Metrics::OnEvent(const core::Event& event) {
  IncrementAt(events_, static_cast<size_t>(event.kind));
  const size_t direction = event.value != 0 ? 1 : 0;
  switch (event.kind) {
    case core::EventKind::kEdge:
      Increment(edges_[Index(event.resource.kind)][direction]);
      break;
    case core::EventKind::kEdgeFailed:
      Increment(edges_failed_[Index(event.resource.kind)][direction]);
      break;
    case core::EventKind::kReset:
      IncrementAt(resets_, static_cast<size_t>(event.value));
      break;
    case core::EventKind::kDenied:
      vms_.Of(event.vm).denials.IncrementAt(static_cast<size_t>(event.reason));
      break;
    case core::EventKind::kConflict:
      vms_.Of(event.vm).conflicts.IncrementAt(static_cast<size_t>(event.reason));
      break;
    case core::EventKind::kWouldDeny:
      vms_.Of(event.vm).would_denials.IncrementAt(static_cast<size_t>(event.reason));
      break;
    case core::EventKind::kUnbalanced:
      Increment(vms_.Of(event.vm).unbalanced);
      break;
    case core::EventKind::kVmDefined:
      vms_.Add(event.vm);
      vms_defined_.fetch_add(1, std::memory_order_relaxed);
      break;
    case core::EventKind::kVmDeleted:
      vms_.Remove(event.vm);
      vms_defined_.fetch_sub(1, std::memory_order_relaxed);
      break;
    case core::EventKind::kReleaseStarted:
      OnReleaseStarted(event.vm);
      break;
    case core::EventKind::kReleaseStep:
      Increment(release_steps_[event.error != 0 ? 1 : 0]);
      break;
    case core::EventKind::kReleased:
      OnReleased(event.vm);
      break;
    default:
      break;
  }
}

void Metrics::OnReleaseStarted(VmId vm) {
  const absl::Time now = clock_->Now();
  MutexLock lock(&mutex_);
  releases_.try_emplace(vm, now);
}

void Metrics::OnReleased(VmId vm) {
  const absl::Time now = clock_->Now();
  MutexLock lock(&mutex_);
  const auto started = releases_.find(vm);
  if (started == releases_.end()) return;
  release_duration_.Observe(now - started->second);
  releases_.erase(started);
}

void Metrics::OnTransfer(absl::Duration queued, absl::Duration ran, TransferResult result) {
  transfer_queued_.Observe(queued);
  transfer_ran_.Observe(ran);
  IncrementAt(transfers_, static_cast<size_t>(result));
}

void Metrics::OnPolicy(uint64_t generation, absl::Time since) {
  policy_generation_.store(static_cast<int64_t>(generation), std::memory_order_relaxed);
  policy_since_.store(absl::ToUnixSeconds(since), std::memory_order_relaxed);
}

void Metrics::OnReload(bool applied) { Increment(policy_reloads_[applied ? 1 : 0]); }

void Metrics::OnSessionEvent(std::string_view kind) {
  const auto found = std::find(kSessionEvents.begin(), kSessionEvents.end() - 1, kind);
  Increment(session_events_[static_cast<size_t>(found - kSessionEvents.begin())]);
}

}  // namespace bpmp::metrics
