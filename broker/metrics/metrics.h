// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_METRICS_METRICS_H_
#define BROKER_METRICS_METRICS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "broker/backend/engine.h"
#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/base/mutex.h"
#include "broker/core/event.h"
#include "broker/core/inventory.h"
#include "broker/core/policy.h"
#include "broker/core/resource.h"
#include "broker/metrics/histogram.h"
#include "broker/metrics/vm_table.h"
#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"

namespace bpmp::metrics {

// What the daemon counts, as Prometheus scrapes it. It listens to the engine (requests) and to the
// core (everything else); both only add to numbers in arrays, and the series with their labels are
// made when somebody scrapes. Counters whose labels are few and known are shown from zero on, so
// that the first count is an increase to Prometheus; those by VM begin with their first count.
//
// Cardinality is bounded: VMs beyond VmTable::kMaxVms and MRQs that no VM may send count as
// "other", every other label has a fixed set of values, and resources are the firmware's.
//
// Thread-safe. OnChange and OnEvent are called under the engine's lock, one at a time, as
// core::Observer says; Collect must be called without it, because it asks for names.
class Metrics final : public backend::RequestObserver,
                      public core::Observer,
                      public prometheus::Collectable {
 public:
  // What is asked at each scrape. All may be empty and are called without a lock.
  struct Sources {
    std::function<std::string(VmId)> vm_name;                  // else "vm 3"
    std::function<std::string(core::Resource)> resource_name;  // else "clock 155"
    std::function<int64_t()> sessions;                         // connected now
    std::function<int64_t()> draining;                         // VMs that are
    std::function<backend::Worker::Stats()> worker;
  };
  // Names come from the core that `engine` runs, the worker's figures from its worker. Not owned.
  static Sources SourcesOf(const backend::Engine* engine, std::function<int64_t()> sessions);

  // `clock` is not owned. `version` is the daemon's.
  Metrics(const Clock* clock, std::string version);

  // Must not be called while a scrape runs: set them before the server starts.
  void SetSources(Sources sources) { sources_ = std::move(sources); }

  // The clocks and power domains that the policy names are shown from the start, held or not; what
  // it names later, and everything else, once somebody has held it.
  void ShowNamed(const core::Policy& policy);

  // --- What is counted ---

  void OnRequest(const Record& record) override;
  void OnInbound(bool for_vms) override { Increment(inbound_[for_vms ? 1 : 0]); }
  void OnNotified(VmId vm, backend::Notified notified) override {
    Increment(vms_.Of(vm).notified[static_cast<size_t>(notified)]);
  }
  void OnChange(const core::Change& change) override;
  void OnEvent(const core::Event& event) override;

  // One call of the backend (metered_backend.h).
  enum class TransferResult : uint8_t { kAnswered, kFailed, kLost };
  void OnTransfer(absl::Duration queued, absl::Duration ran, TransferResult result);
  // An event of a session, as the event log names it ("session-opened", "throttled"); names it
  // doesn't know count as "other".
  void OnSessionEvent(std::string_view kind);
  // The policy that is in force from now on, and since when by the wall's clock.
  void OnPolicy(uint64_t generation, absl::Time since);
  // A reload was asked for, and applied or refused.
  void OnReload(bool applied);
  // How many devices of VMs the host's device tree describes otherwise than the profile.
  void SetDriftedDevices(size_t devices) { drifted_devices_ = static_cast<int64_t>(devices); }

  // --- Scrape ---

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  // What the journal of changes says about one resource.
  struct ResourceState {
    std::atomic<int32_t> votes{0};  // of VMs
    std::atomic<uint8_t> bits{0};   // ResourceBit
  };
  enum ResourceBit : uint8_t {
    kHostPinned = 1,
    kHostFound = 2,
    kInDoubt = 4,
    kQuarantine = 8,
    kSeen = 16,  // somebody has held it, or it is named: shown, also with no holders
  };
  class Page;  // one scrape in the making (collect.cc)

  ResourceState* Find(core::Resource resource);
  void OnReleaseStarted(VmId vm) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnReleased(VmId vm) ABSL_LOCKS_EXCLUDED(mutex_);

  void CollectRequests(Page* page) const;
  void CollectBackend(Page* page) const;
  void CollectInbound(Page* page) const;
  void CollectResources(Page* page) const;
  void CollectLives(Page* page) const;
  void CollectPolicy(Page* page) const;

  static constexpr std::array<std::string_view, 6> kSessionEvents = {
      "session-opened", "session-closed", "session-refused", "session-lost", "throttled", "other"};
  static constexpr size_t kReleaseSteps = 2;  // skipped, failed
  static constexpr size_t kResourceKinds =
      static_cast<size_t>(core::ResourceKind::kPcieController) + 1;

  const Clock* const clock_;
  const std::string version_;
  Sources sources_;

  VmTable vms_;
  std::array<Count, static_cast<size_t>(core::EventKind::kEventKindCount)> events_{};
  // By kind of resource, then off or on.
  std::array<std::array<Count, 2>, kResourceKinds> edges_{};
  std::array<std::array<Count, 2>, kResourceKinds> edges_failed_{};
  std::array<Count, 3> resets_{};  // asserted, deasserted, pulsed
  std::array<Count, 3> transfers_{};
  std::array<Count, kReleaseSteps> release_steps_{};
  std::array<Count, kSessionEvents.size()> session_events_{};
  std::array<Count, 2> inbound_{};         // for no VM, for VMs
  std::array<Count, 2> policy_reloads_{};  // refused, applied
  std::atomic<int64_t> policy_generation_{0};
  std::atomic<int64_t> policy_since_{0};  // Unix time
  std::atomic<int64_t> vms_defined_{0};
  std::atomic<int64_t> drifted_devices_{0};
  Histogram request_duration_;
  Histogram transfer_queued_;
  Histogram transfer_ran_;
  Histogram release_duration_;

  std::array<ResourceState, core::kMaxClockId + 1> clocks_{};
  std::array<ResourceState, core::kMaxDomainId + 1> domains_{};
  std::array<ResourceState, core::kMaxResetId + 1> resets_state_{};
  std::array<ResourceState, core::kMaxPcieControllerId + 1> pcie_{};

  mutable Mutex mutex_;
  absl::flat_hash_map<VmId, absl::Time> releases_ ABSL_GUARDED_BY(mutex_);  // when each began
};

}  // namespace bpmp::metrics

#endif  // BROKER_METRICS_METRICS_H_
