// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <string>
#include <utility>

#include "broker/metrics/metrics.h"

namespace bpmp::metrics {
namespace {

using Label = prometheus::ClientMetric::Label;
using Type = prometheus::MetricType;

uint64_t Load(const Count& count) { return count.load(std::memory_order_relaxed); }

std::string Name(core::ResourceKind kind) {
  constexpr const char* kNames[] = {"none", "clock", "power_domain", "reset", "pcie_controller"};
  return kNames[static_cast<size_t>(kind)];
}

// Resources of one kind that are in a state that somebody must look at.
template <typename Table>
int64_t CountBit(const Table& table, uint8_t bit) {
  int64_t count = 0;
  for (const auto& state : table) {
    if ((state.bits.load(std::memory_order_relaxed) & bit) != 0) ++count;
  }
  return count;
}

}  // namespace

// Families in the order in which they were begun, each with its series.
class Metrics::Page {
 public:
  explicit Page(const Sources& sources) : sources_(sources) {}

  // The family that the functions below add to.
  void Begin(Type type, const char* name, const char* help) {
    prometheus::MetricFamily family;
    family.name = std::string("bpmp_broker_") + name;
    family.help = help;
    family.type = type;
    families_.push_back(std::move(family));
  }
  void Counter(uint64_t value, std::vector<Label> labels = {}) {
    Add(std::move(labels)).counter.value = static_cast<double>(value);
  }
  void Gauge(int64_t value, std::vector<Label> labels = {}) {
    Add(std::move(labels)).gauge.value = static_cast<double>(value);
  }
  void Whole(const char* name, const char* help, const Histogram& histogram) {
    Begin(Type::Histogram, name, help);
    Add({}).histogram = histogram.Read();
  }

  std::string NameOf(const VmTable::Entry& entry) const {
    if (!entry.vm.has_value()) return "other";
    return sources_.vm_name ? sources_.vm_name(*entry.vm) : ToString(*entry.vm);
  }
  std::string NameOf(core::Resource resource) const {
    if (sources_.resource_name) return sources_.resource_name(resource);
    return Name(resource.kind) + " " + std::to_string(resource.id);
  }
  std::vector<prometheus::MetricFamily> Take() { return std::move(families_); }

 private:
  prometheus::ClientMetric& Add(std::vector<Label> labels) {
    families_.back().metric.emplace_back();
    families_.back().metric.back().label = std::move(labels);
    return families_.back().metric.back();
  }

  const Sources& sources_;
  std::vector<prometheus::MetricFamily> families_;
};

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  Page page(sources_);
  CollectRequests(&page);
  CollectBackend(&page);
  CollectInbound(&page);
  CollectResources(&page);
  CollectLives(&page);
  CollectPolicy(&page);
  return page.Take();
}

void Metrics::CollectRequests(Page* page) const {
  const std::vector<VmTable::Entry> vms = vms_.Entries();
  page->Begin(Type::Counter, "requests_total",
              "Requests answered, by VM, MRQ, command and result (a BPMP error, or ok).");
  for (const VmTable::Entry& vm : vms) {
    const std::string name = page->NameOf(vm);
    for (size_t kind = 0; kind < kRequestKinds; ++kind) {
      for (size_t result = 0; result < kResults; ++result) {
        const uint64_t value = vm.counts->requests[kind].Get(result);
        if (value == 0) continue;
        const RequestLabels labels = LabelsOf(kind);
        page->Counter(value, {{"vm", name},
                              {"mrq", labels.mrq},
                              {"command", labels.command},
                              {"result", ResultLabel(result)}});
      }
    }
  }
  const auto by_reason = [&](const char* family, const char* help, const auto& counts_of) {
    page->Begin(Type::Counter, family, help);
    for (const VmTable::Entry& vm : vms) {
      for (size_t i = 0; i < counts_of(*vm.counts).size(); ++i) {
        const uint64_t value = counts_of(*vm.counts).Get(i);
        if (value == 0) continue;
        const std::string reason(core::ReasonName(static_cast<core::Reason>(i)));
        page->Counter(value, {{"vm", page->NameOf(vm)}, {"reason", reason}});
      }
    }
  };
  by_reason(
      "denials_total", "Requests that the policy or the protocol refused, by VM and rule.",
      [](const VmCounts& counts) -> const auto& { return counts.denials; });
  by_reason(
      "conflicts_total", "Requests refused because of another holder, by VM and rule.",
      [](const VmCounts& counts) -> const auto& { return counts.conflicts; });
  by_reason(
      "would_denials_total",
      "Requests that the policy denies and that were allowed because the VM is audit-only, by VM "
      "and rule.",
      [](const VmCounts& counts) -> const auto& { return counts.would_denials; });
  page->Begin(Type::Counter, "unbalanced_disables_total",
              "Disables by a VM that had no vote: answered with success, without effect.");
  for (const VmTable::Entry& vm : vms) {
    const uint64_t value = Load(vm.counts->unbalanced);
    if (value != 0) page->Counter(value, {{"vm", page->NameOf(vm)}});
  }
  page->Whole("request_duration_seconds",
              "Time from request to answer, of the requests that had to wait for one.",
              request_duration_);
}

void Metrics::CollectBackend(Page* page) const {
  page->Begin(Type::Counter, "transfers_total",
              "Calls of the backend: answered, failed without effect, or with their outcome lost.");
  constexpr const char* kResultNames[] = {"answered", "failed", "lost"};
  for (size_t i = 0; i < transfers_.size(); ++i) {
    page->Counter(Load(transfers_[i]), {{"result", kResultNames[i]}});
  }
  page->Whole("transfer_queue_duration_seconds", "Time that a backend call waited for its slot.",
              transfer_queued_);
  page->Whole("transfer_duration_seconds", "Time that a backend call took.", transfer_ran_);
  if (!sources_.worker) return;
  const backend::Worker::Stats stats = sources_.worker();
  page->Begin(Type::Gauge, "transfers_in_flight",
              "Backend calls now: waiting for a slot, running, and of those past their deadline.");
  page->Gauge(static_cast<int64_t>(stats.queued), {{"state", "queued"}});
  page->Gauge(static_cast<int64_t>(stats.running), {{"state", "running"}});
  page->Gauge(static_cast<int64_t>(stats.overdue), {{"state", "overdue"}});
}

void Metrics::CollectInbound(Page* page) const {
  page->Begin(Type::Counter, "inbound_total",
              "Messages that the firmware sent unasked: for VMs, or for nobody and dropped.");
  page->Counter(Load(inbound_[1]), {{"result", "passed"}});
  page->Counter(Load(inbound_[0]), {{"result", "dropped"}});
  page->Begin(
      Type::Counter, "notifications_total",
      "Of those, what came of them for each VM that may hear of them: sent, merged with one "
      "that waits to be, or missed for want of a session.");
  constexpr const char* kResultNames[] = {"sent", "merged", "missed"};
  static_assert(std::size(kResultNames) == backend::kNotifiedCount);
  for (const VmTable::Entry& vm : vms_.Entries()) {
    for (size_t i = 0; i < backend::kNotifiedCount; ++i) {
      const uint64_t value = Load(vm.counts->notified[i]);
      if (value == 0) continue;
      page->Counter(value, {{"vm", page->NameOf(vm)}, {"result", kResultNames[i]}});
    }
  }
}

void Metrics::CollectResources(Page* page) const {
  using core::ResourceKind;
  page->Begin(Type::Gauge, "resource_holders",
              "Agents (VMs, and the host) that hold a clock or power domain, of those that the "
              "configuration names or that were ever held.");
  const auto holders = [page](ResourceKind kind, const auto& table) {
    for (uint32_t id = 0; id < table.size(); ++id) {
      const uint8_t bits = table[id].bits.load(std::memory_order_relaxed);
      if ((bits & kSeen) == 0) continue;
      const int host = (bits & (kHostPinned | kHostFound)) != 0 ? 1 : 0;
      page->Gauge(table[id].votes.load(std::memory_order_relaxed) + host,
                  {{"kind", Name(kind)}, {"resource", page->NameOf(core::Resource{kind, id})}});
    }
  };
  holders(ResourceKind::kClock, clocks_);
  holders(ResourceKind::kDomain, domains_);
  const auto by_kind = [this, page](uint8_t bit) {
    page->Gauge(CountBit(clocks_, bit), {{"kind", Name(ResourceKind::kClock)}});
    page->Gauge(CountBit(domains_, bit), {{"kind", Name(ResourceKind::kDomain)}});
    page->Gauge(CountBit(resets_state_, bit), {{"kind", Name(ResourceKind::kReset)}});
    page->Gauge(CountBit(pcie_, bit), {{"kind", Name(ResourceKind::kPcieController)}});
  };
  page->Begin(Type::Gauge, "resources_quarantined",
              "Resources that a failed release left in doubt and that no other VM is given.");
  by_kind(kQuarantine);
  page->Begin(Type::Gauge, "resources_unknown", "Resources whose hardware state is in doubt.");
  by_kind(kInDoubt);

  const auto edges = [page](const auto& counts, const char* result) {
    constexpr const char* kDirections[] = {"off", "on"};
    for (const ResourceKind kind :
         {ResourceKind::kClock, ResourceKind::kDomain, ResourceKind::kPcieController}) {
      for (size_t direction = 0; direction < 2; ++direction) {
        page->Counter(
            Load(counts[static_cast<size_t>(kind)][direction]),
            {{"kind", Name(kind)}, {"direction", kDirections[direction]}, {"result", result}});
      }
    }
  };
  page->Begin(Type::Counter, "edges_total", "Times that hardware was turned on or off.");
  edges(edges_, "ok");
  edges(edges_failed_, "failed");
  page->Begin(Type::Counter, "resets_total", "Resets driven for VMs, by what was done.");
  constexpr const char* kActions[] = {"assert", "deassert", "pulse"};
  for (size_t i = 0; i < resets_.size(); ++i) {
    page->Counter(Load(resets_[i]), {{"action", kActions[i]}});
  }
  page->Begin(Type::Counter, "rate_changes_total", "Clock rates set for VMs.");
  page->Counter(Load(events_[static_cast<size_t>(core::EventKind::kRate)]));
  page->Begin(Type::Counter, "moved_clocks_total",
              "Clocks that somebody held and that a change of another clock moved.");
  page->Counter(Load(events_[static_cast<size_t>(core::EventKind::kMoved)]));
}

void Metrics::CollectLives(Page* page) const {
  page->Begin(Type::Gauge, "vms_defined", "VMs that the policy defines.");
  page->Gauge(vms_defined_.load(std::memory_order_relaxed));
  if (sources_.draining) {
    page->Begin(Type::Gauge, "vms_draining",
                "VMs that take no new session, because an administrator drains them.");
    page->Gauge(sources_.draining());
  }
  page->Begin(Type::Gauge, "drifted_devices",
              "Devices of VMs that the host's device tree describes otherwise than the profile, as "
              "of the start or the last reload.");
  page->Gauge(drifted_devices_.load(std::memory_order_relaxed));
  if (sources_.sessions) {
    page->Begin(Type::Gauge, "sessions_connected", "Guest sessions that are connected.");
    page->Gauge(sources_.sessions());
  }
  page->Begin(Type::Counter, "session_events_total",
              "Sessions opened, closed, lost or refused, and VMs slowed down.");
  for (size_t i = 0; i < kSessionEvents.size(); ++i) {
    page->Counter(Load(session_events_[i]), {{"event", std::string(kSessionEvents[i])}});
  }
  page->Whole("release_duration_seconds", "Time from the start of a VM's release to its end.",
              release_duration_);
  page->Begin(Type::Counter, "release_steps_total",
              "Steps of releases that did not go as usual: skipped, or failed.");
  page->Counter(Load(release_steps_[0]), {{"result", "skipped"}});
  page->Counter(Load(release_steps_[1]), {{"result", "failed"}});
  page->Begin(Type::Gauge, "build_info", "Always 1; the labels say what is running.");
  page->Gauge(1, {{"version", version_}});
}

void Metrics::CollectPolicy(Page* page) const {
  page->Begin(Type::Gauge, "policy_generation",
              "1 for the policy of the start, one more for each that was reloaded.");
  page->Gauge(policy_generation_.load(std::memory_order_relaxed));
  page->Begin(Type::Gauge, "policy_loaded_timestamp_seconds",
              "Since when the policy that is in force is in force.");
  page->Gauge(policy_since_.load(std::memory_order_relaxed));
  page->Begin(Type::Counter, "policy_reloads_total",
              "Reloads of the policy, by what came of them.");
  page->Counter(Load(policy_reloads_[1]), {{"result", "applied"}});
  page->Counter(Load(policy_reloads_[0]), {{"result", "refused"}});
}

}  // namespace bpmp::metrics
