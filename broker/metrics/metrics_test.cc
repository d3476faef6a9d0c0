// SPDX-License-Identifier: Apache-2.0
#include "broker/metrics/metrics.h"

#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "broker/base/fake_clock.h"
#include "broker/metrics/metered_backend.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/text_serializer.h"

namespace bpmp::metrics {
namespace {

using core::EventKind;
using core::Reason;
using ::testing::Contains;
using ::testing::Not;

std::vector<std::string> Scrape(const Metrics& metrics) {
  const std::string text = prometheus::TextSerializer().Serialize(metrics.Collect());
  return absl::StrSplit(text, '\n');
}

size_t CountPrefix(const std::vector<std::string>& lines, const std::string& prefix) {
  size_t count = 0;
  for (const std::string& line : lines) count += absl::StartsWith(line, prefix) ? 1 : 0;
  return count;
}

core::Event EventOf(EventKind kind, VmId vm) {
  core::Event event;
  event.kind = kind;
  event.vm = vm;
  return event;
}

core::Change ChangeOf(core::Change::Kind kind, core::Resource resource, int64_t value) {
  core::Change change;
  change.kind = kind;
  change.resource = resource;
  change.value = value;
  return change;
}

class MetricsTest : public ::testing::Test {
 protected:
  void Define(uint32_t vm) { metrics_.OnEvent(EventOf(EventKind::kVmDefined, VmId(vm))); }
  void Delete(uint32_t vm) { metrics_.OnEvent(EventOf(EventKind::kVmDeleted, VmId(vm))); }
  void Request(uint32_t vm, const mrq::Request& request, int32_t error = 0) {
    backend::RequestObserver::Record record;
    record.vm = VmId(vm);
    record.request = &request;
    record.error = error;
    metrics_.OnRequest(record);
  }
  void Enable(uint32_t vm, int32_t error = 0) {
    Request(vm, mrq::ClkRequest{mrq::ClkCmd::kEnable, ClockId(155), 0, ClockId()}, error);
  }

  FakeClock clock_;
  Metrics metrics_{&clock_, "1.2.3"};
};

TEST_F(MetricsTest, CountsRequestsByVmCommandAndResult) {
  Define(1);
  Enable(1);
  Enable(1);
  Enable(1, -13);
  Request(1, mrq::PingRequest{true, 7});
  const auto lines = Scrape(metrics_);
  EXPECT_THAT(lines,
              Contains("bpmp_broker_requests_total{vm=\"vm 1\",mrq=\"CLK\",command=\"ENABLE\","
                       "result=\"ok\"} 2"));
  EXPECT_THAT(lines,
              Contains("bpmp_broker_requests_total{vm=\"vm 1\",mrq=\"CLK\",command=\"ENABLE\","
                       "result=\"EACCES\"} 1"));
  EXPECT_THAT(lines, Contains("bpmp_broker_requests_total{vm=\"vm 1\",mrq=\"THREADED_PING\","
                              "command=\"\",result=\"ok\"} 1"));
}

TEST_F(MetricsTest, CountsBytesThatWereNoRequestAsOther) {
  Define(1);
  backend::RequestObserver::Record record;
  record.vm = VmId(1);
  record.error = -22;
  for (const uint32_t mrq : {22u, 75u, 0xffffffffu}) {
    record.mrq = mrq;
    record.reason = mrq == 22 ? Reason::kBadArgument : Reason::kNotForwarded;
    metrics_.OnRequest(record);
  }
  const auto lines = Scrape(metrics_);
  EXPECT_THAT(lines,
              Contains("bpmp_broker_requests_total{vm=\"vm 1\",mrq=\"CLK\",command=\"other\","
                       "result=\"EINVAL\"} 1"));
  EXPECT_THAT(lines, Contains("bpmp_broker_requests_total{vm=\"vm 1\",mrq=\"other\","
                              "command=\"other\",result=\"EINVAL\"} 2"));
  EXPECT_THAT(lines, Contains("bpmp_broker_denials_total{vm=\"vm 1\",reason=\"not-forwarded\"} 2"));
  EXPECT_THAT(lines, Contains("bpmp_broker_denials_total{vm=\"vm 1\",reason=\"bad-argument\"} 1"));
}

TEST_F(MetricsTest, ShowsFewAndKnownLabelsFromZero) {
  const auto lines = Scrape(metrics_);
  for (const char* series : {
           "transfers_total{result=\"lost\"} 0",
           "edges_total{kind=\"clock\",direction=\"on\",result=\"ok\"} 0",
           "edges_total{kind=\"power_domain\",direction=\"off\",result=\"failed\"} 0",
           "edges_total{kind=\"pcie_controller\",direction=\"on\",result=\"ok\"} 0",
           "resources_quarantined{kind=\"pcie_controller\"} 0",
           "resets_total{action=\"pulse\"} 0",
           "inbound_total{result=\"dropped\"} 0",
           "session_events_total{event=\"session-lost\"} 0",
           "release_steps_total{result=\"failed\"} 0",
       }) {
    EXPECT_THAT(lines, Contains(absl::StrCat("bpmp_broker_", series)));
  }
  EXPECT_EQ(CountPrefix(lines, "bpmp_broker_edges_total{"), 12u)
      << "what has no edges has no series";
  EXPECT_EQ(CountPrefix(lines, "bpmp_broker_unbalanced_disables_total{"), 0u);
}

TEST_F(MetricsTest, ShowsTheHoldersOfWhatThePolicyNames) {
  core::Policy policy;
  policy.vms.resize(2);
  policy.vms[0].clocks = {core::Access::kNone, core::Access::kVote};
  policy.vms[0].domains = {core::Access::kGet};
  policy.vms[1].clocks.assign(100, core::Access::kExclusive);
  policy.vms[1].all_exclusive = true;
  policy.rate_policies[ClockId(5)] = core::RatePolicy::kMax;
  policy.pins.push_back({core::Resource::Of(ClockId(7)), std::nullopt});
  metrics_.ShowNamed(policy);
  const core::Resource found = core::Resource::Of(ClockId(9));
  metrics_.OnChange(ChangeOf(core::Change::Kind::kFound, found, 1));
  const auto lines = Scrape(metrics_);
  const char kHolders[] = "bpmp_broker_resource_holders{kind=";
  for (const char* series : {
           "\"clock\",resource=\"clock 1\"} 0",
           "\"power_domain\",resource=\"power_domain 0\"} 0",
           "\"clock\",resource=\"clock 5\"} 0",
           "\"clock\",resource=\"clock 7\"} 0",
           "\"clock\",resource=\"clock 9\"} 1",
       }) {
    EXPECT_THAT(lines, Contains(absl::StrCat(kHolders, series)));
  }
  EXPECT_EQ(CountPrefix(lines, kHolders), 5u);
}

TEST_F(MetricsTest, CountsAnErrorTheAbiDoesNotDefineAsOther) {
  Define(1);
  for (const int32_t error : {-4, -141, std::numeric_limits<int32_t>::min()}) Enable(1, error);
  EXPECT_THAT(Scrape(metrics_),
              Contains("bpmp_broker_requests_total{vm=\"vm 1\",mrq=\"CLK\",command=\"ENABLE\","
                       "result=\"other\"} 3"));
}

TEST_F(MetricsTest, GivesEveryRequestLabelsOfItsOwn) {
  std::vector<std::string> seen;
  for (size_t kind = 0; kind < kRequestKinds; ++kind) {
    const RequestLabels labels = LabelsOf(kind);
    if (labels.command == "other") continue;
    const std::string label = absl::StrCat(labels.mrq, " ", labels.command);
    EXPECT_THAT(seen, Not(Contains(label)));
    seen.push_back(label);
  }
  EXPECT_THAT(seen, Contains("PG SET_STATE"));
  EXPECT_THAT(seen, Contains("UPHY CONTROLLER_STATE"));
  EXPECT_THAT(seen, Contains("THERMAL GET_TEMP"));
  EXPECT_EQ(seen.size(), 6u + 11u + 4u + 5u + 4u + 5u);
}

TEST_F(MetricsTest, NamesVmsByTheirSource) {
  Define(2);
  Enable(2);
  Metrics::Sources sources;
  sources.vm_name = [](VmId vm) { return vm == VmId(2) ? "net-vm" : "host"; };
  metrics_.SetSources(std::move(sources));
  EXPECT_EQ(CountPrefix(Scrape(metrics_), "bpmp_broker_requests_total{vm=\"net-vm\""), 1u);
}

TEST_F(MetricsTest, RemovesTheSeriesOfADeletedVm) {
  Define(1);
  Enable(1);
  Delete(1);
  EXPECT_EQ(CountPrefix(Scrape(metrics_), "bpmp_broker_requests_total{vm=\"vm 1\""), 0u);
  Enable(1);  // an answer that was still on its way
  EXPECT_EQ(CountPrefix(Scrape(metrics_), "bpmp_broker_requests_total{vm=\"other\""), 1u);
  // Whoever gets the place starts from nothing.
  const uint32_t next = 1 + VmTable::kMaxVms + 1;
  Define(next);
  EXPECT_EQ(CountPrefix(Scrape(metrics_),
                        absl::StrCat("bpmp_broker_requests_total{vm=\"vm ", next, "\"")),
            0u);
}

TEST_F(MetricsTest, BoundsTheNumberOfVms) {
  auto define_up_to = [this, vm = 0u](uint32_t last) mutable {
    while (vm < last) {
      Define(++vm);
      Enable(vm);
    }
  };
  const char kOther[] =
      "bpmp_broker_requests_total{vm=\"other\",mrq=\"CLK\",command=\"ENABLE\",result=\"ok\"} ";
  // The host, which asked for nothing, takes no VM's place.
  define_up_to(VmTable::kMaxVms);
  EXPECT_EQ(CountPrefix(Scrape(metrics_), "bpmp_broker_requests_total{"), VmTable::kMaxVms);
  EXPECT_EQ(CountPrefix(Scrape(metrics_), kOther), 0u);
  define_up_to(2000);
  const auto lines = Scrape(metrics_);
  EXPECT_EQ(CountPrefix(lines, "bpmp_broker_requests_total{"), VmTable::kMaxVms + 1);
  EXPECT_THAT(lines, Contains(absl::StrCat(kOther, 2000 - VmTable::kMaxVms)));
  EXPECT_THAT(lines, Contains("bpmp_broker_vms_defined 2000"));
}

TEST_F(MetricsTest, ShowsHowManyDevicesHaveDrifted) {
  EXPECT_THAT(Scrape(metrics_), Contains("bpmp_broker_drifted_devices 0"));
  metrics_.SetDriftedDevices(2);
  EXPECT_THAT(Scrape(metrics_), Contains("bpmp_broker_drifted_devices 2"));
}

TEST_F(MetricsTest, ShowsHowManyVmsAreDrained) {
  EXPECT_EQ(CountPrefix(Scrape(metrics_), "bpmp_broker_vms_draining"), 0u) << "nobody to ask";
  Metrics::Sources sources;
  sources.draining = [] { return int64_t{2}; };
  metrics_.SetSources(std::move(sources));
  EXPECT_THAT(Scrape(metrics_), Contains("bpmp_broker_vms_draining 2"));
}

TEST_F(MetricsTest, CountsDenialsAndConflictsByRule) {
  Define(1);
  core::Event denied = EventOf(EventKind::kDenied, VmId(1));
  denied.reason = Reason::kNotPermitted;
  metrics_.OnEvent(denied);
  core::Event conflict = EventOf(EventKind::kConflict, VmId(1));
  conflict.reason = Reason::kOtherHolder;
  metrics_.OnEvent(conflict);
  metrics_.OnEvent(EventOf(EventKind::kUnbalanced, VmId(1)));
  const auto lines = Scrape(metrics_);
  EXPECT_THAT(lines,
              Contains(absl::StrCat("bpmp_broker_denials_total{vm=\"vm 1\",reason=\"",
                                    std::string(ReasonName(Reason::kNotPermitted)), "\"} 1")));
  EXPECT_THAT(lines,
              Contains(absl::StrCat("bpmp_broker_conflicts_total{vm=\"vm 1\",reason=\"",
                                    std::string(ReasonName(Reason::kOtherHolder)), "\"} 1")));
  EXPECT_THAT(lines, Contains("bpmp_broker_unbalanced_disables_total{vm=\"vm 1\"} 1"));
}

TEST_F(MetricsTest, CountsWhatTheFirmwareSaysAndWhoHeardIt) {
  Define(1);
  metrics_.OnInbound(true);
  metrics_.OnInbound(true);
  metrics_.OnInbound(false);
  metrics_.OnNotified(VmId(1), backend::Notified::kSent);
  metrics_.OnNotified(VmId(1), backend::Notified::kMerged);
  metrics_.OnNotified(VmId(1), backend::Notified::kMerged);
  metrics_.OnNotified(VmId(7), backend::Notified::kNoSession);
  const auto lines = Scrape(metrics_);
  for (const char* series : {
           "inbound_total{result=\"passed\"} 2",
           "inbound_total{result=\"dropped\"} 1",
           "notifications_total{vm=\"vm 1\",result=\"sent\"} 1",
           "notifications_total{vm=\"vm 1\",result=\"merged\"} 2",
           "notifications_total{vm=\"other\",result=\"missed\"} 1",
       }) {
    EXPECT_THAT(lines, Contains(absl::StrCat("bpmp_broker_", series)));
  }
  EXPECT_EQ(CountPrefix(lines, "bpmp_broker_notifications_total{"), 3u);
  Delete(1);
  Define(1);
  EXPECT_EQ(CountPrefix(Scrape(metrics_), "bpmp_broker_notifications_total{vm=\"vm 1\""), 0u);
}

TEST_F(MetricsTest, CountsWhatAuditOnlyAllows) {
  Define(3);
  core::Event event = EventOf(EventKind::kWouldDeny, VmId(3));
  event.reason = core::Reason::kNotPermitted;
  metrics_.OnEvent(event);
  metrics_.OnEvent(event);
  const auto lines = Scrape(metrics_);
  EXPECT_THAT(lines,
              Contains("bpmp_broker_would_denials_total{vm=\"vm 3\",reason=\"not-permitted\"} 2"));
  EXPECT_EQ(CountPrefix(lines, "bpmp_broker_denials_total{"), 0u);
}

TEST_F(MetricsTest, FollowsThePolicy) {
  metrics_.OnPolicy(1, absl::FromUnixSeconds(1'000));
  EXPECT_THAT(Scrape(metrics_), Contains("bpmp_broker_policy_generation 1"));
  metrics_.OnReload(false);
  metrics_.OnReload(true);
  metrics_.OnPolicy(2, absl::FromUnixSeconds(2'000));
  const auto lines = Scrape(metrics_);
  EXPECT_THAT(lines, Contains("bpmp_broker_policy_generation 2"));
  EXPECT_THAT(lines, Contains("bpmp_broker_policy_loaded_timestamp_seconds 2000"));
  EXPECT_THAT(lines, Contains("bpmp_broker_policy_reloads_total{result=\"applied\"} 1"));
  EXPECT_THAT(lines, Contains("bpmp_broker_policy_reloads_total{result=\"refused\"} 1"));
}

TEST_F(MetricsTest, FollowsHoldersFromTheChanges) {
  using Kind = core::Change::Kind;
  const core::Resource clock = core::Resource::Of(ClockId(155));
  const core::Resource domain = core::Resource::Of(DomainId(4));
  metrics_.OnChange(ChangeOf(Kind::kVote, clock, 1));
  metrics_.OnChange(ChangeOf(Kind::kVote, clock, 1));
  metrics_.OnChange(ChangeOf(Kind::kPinned, clock, 1));
  metrics_.OnChange(ChangeOf(Kind::kFound, clock, 1));  // the host is one agent
  metrics_.OnChange(ChangeOf(Kind::kVote, domain, 1));
  metrics_.OnChange(ChangeOf(Kind::kVote, domain, 0));
  const auto lines = Scrape(metrics_);
  EXPECT_THAT(lines,
              Contains("bpmp_broker_resource_holders{kind=\"clock\",resource=\"clock 155\"} 3"));
  EXPECT_THAT(lines, Contains("bpmp_broker_resource_holders{kind=\"power_domain\","
                              "resource=\"power_domain 4\"} 0"));
  EXPECT_EQ(CountPrefix(lines, "bpmp_broker_resource_holders{"), 2u);
}

TEST_F(MetricsTest, CountsResourcesInDoubtAndInQuarantine) {
  using Kind = core::Change::Kind;
  const auto unknown = static_cast<int64_t>(core::GateState::kUnknown);
  metrics_.OnChange(ChangeOf(Kind::kGate, core::Resource::Of(ClockId(1)), unknown));
  metrics_.OnChange(ChangeOf(Kind::kGate, core::Resource::Of(ClockId(2)), unknown));
  metrics_.OnChange(ChangeOf(Kind::kGate, core::Resource::Of(ClockId(2)),
                             static_cast<int64_t>(core::GateState::kOff)));
  metrics_.OnChange(ChangeOf(Kind::kQuarantine, core::Resource::Of(ResetId(9)), 1));
  // An id that no firmware has must not write past a table.
  metrics_.OnChange(ChangeOf(Kind::kQuarantine, core::Resource::Of(ResetId(0xffffff)), 1));
  const auto lines = Scrape(metrics_);
  EXPECT_THAT(lines, Contains("bpmp_broker_resources_unknown{kind=\"clock\"} 1"));
  EXPECT_THAT(lines, Contains("bpmp_broker_resources_quarantined{kind=\"reset\"} 1"));
  EXPECT_THAT(lines, Contains("bpmp_broker_resources_quarantined{kind=\"clock\"} 0"));
}

TEST_F(MetricsTest, CountsEdgesAndWhatFailed) {
  core::Event edge = EventOf(EventKind::kEdge, VmId(1));
  edge.resource = core::Resource::Of(ClockId(1));
  edge.value = 1;
  metrics_.OnEvent(edge);
  edge.kind = EventKind::kEdgeFailed;
  edge.value = 0;
  metrics_.OnEvent(edge);
  const auto lines = Scrape(metrics_);
  EXPECT_THAT(lines, Contains("bpmp_broker_edges_total{kind=\"clock\",direction=\"on\","
                              "result=\"ok\"} 1"));
  EXPECT_THAT(lines, Contains("bpmp_broker_edges_total{kind=\"clock\",direction=\"off\","
                              "result=\"failed\"} 1"));
}

TEST_F(MetricsTest, TimesReleasesAndCountsStepsThatFailed) {
  metrics_.OnEvent(EventOf(EventKind::kReleaseStarted, VmId(1)));
  clock_.Advance(absl::Milliseconds(250));
  metrics_.OnEvent(EventOf(EventKind::kReleaseStep, VmId(1)));  // skipped
  core::Event failed = EventOf(EventKind::kReleaseStep, VmId(1));
  failed.error = -5;
  metrics_.OnEvent(failed);
  metrics_.OnEvent(EventOf(EventKind::kReleased, VmId(1)));
  const auto lines = Scrape(metrics_);
  EXPECT_THAT(lines, Contains("bpmp_broker_release_duration_seconds_count 1"));
  EXPECT_THAT(lines, Contains("bpmp_broker_release_duration_seconds_sum 0.25"));
  EXPECT_THAT(lines, Contains("bpmp_broker_release_duration_seconds_bucket{le=\"0.1\"} 0"));
  EXPECT_THAT(lines, Contains("bpmp_broker_release_steps_total{result=\"skipped\"} 1"));
  EXPECT_THAT(lines, Contains("bpmp_broker_release_steps_total{result=\"failed\"} 1"));
}

TEST_F(MetricsTest, CountsSessionEventsByNameAndUnknownOnesAsOther) {
  metrics_.OnSessionEvent("session-opened");
  metrics_.OnSessionEvent("throttled");
  metrics_.OnSessionEvent("something-new");
  const auto lines = Scrape(metrics_);
  EXPECT_THAT(lines, Contains("bpmp_broker_session_events_total{event=\"session-opened\"} 1"));
  EXPECT_THAT(lines, Contains("bpmp_broker_session_events_total{event=\"throttled\"} 1"));
  EXPECT_THAT(lines, Contains("bpmp_broker_session_events_total{event=\"other\"} 1"));
}

class SlowBackend : public core::Backend {
 public:
  explicit SlowBackend(FakeClock* clock) : clock_(clock) {}
  absl::StatusOr<mrq::Response> Transfer(const mrq::Request&, absl::Time) override {
    clock_->Advance(absl::Milliseconds(20));
    if (!status_.ok()) return status_;
    return mrq::OkU32(5);
  }
  void FailWith(absl::Status status) { status_ = std::move(status); }

 private:
  FakeClock* const clock_;
  absl::Status status_;
};

TEST_F(MetricsTest, MeasuresTheBackendAndTheQueueBeforeIt) {
  SlowBackend slow(&clock_);
  MeteredBackend metered(&slow, &clock_, absl::Seconds(2), &metrics_);
  const mrq::Request request = mrq::PingRequest{false, 1};
  const absl::Time deadline = clock_.Now() + absl::Seconds(2);
  clock_.Advance(absl::Milliseconds(4));  // in the queue
  const absl::StatusOr<mrq::Response> response = metered.Transfer(request, deadline);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(*response, mrq::OkU32(5));
  slow.FailWith(absl::DeadlineExceededError("hung"));
  EXPECT_EQ(metered.Transfer(request, clock_.Now() + absl::Seconds(2)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  slow.FailWith(absl::UnavailableError("gone"));
  EXPECT_FALSE(metered.Transfer(request, clock_.Now() + absl::Seconds(2)).ok());
  const auto lines = Scrape(metrics_);
  EXPECT_THAT(lines, Contains("bpmp_broker_transfer_queue_duration_seconds_sum 0.004"));
  EXPECT_THAT(lines, Contains("bpmp_broker_transfer_duration_seconds_sum 0.06"));
  EXPECT_THAT(lines, Contains("bpmp_broker_transfers_total{result=\"answered\"} 1"));
  EXPECT_THAT(lines, Contains("bpmp_broker_transfers_total{result=\"lost\"} 1"));
  EXPECT_THAT(lines, Contains("bpmp_broker_transfers_total{result=\"failed\"} 1"));
}

TEST_F(MetricsTest, LosesNoCountBetweenThreads) {
  constexpr uint32_t kThreads = 4;
  constexpr int kEach = 20000;
  for (uint32_t vm = 1; vm <= kThreads; ++vm) Define(vm);
  std::vector<std::thread> threads;
  for (uint32_t vm = 1; vm <= kThreads; ++vm) {
    threads.emplace_back([this, vm] {
      for (int i = 0; i < kEach; ++i) Enable(i % 2 == 0 ? vm : 1);
    });
  }
  for (int i = 0; i < 20; ++i) Scrape(metrics_);
  for (std::thread& thread : threads) thread.join();
  const auto lines = Scrape(metrics_);
  EXPECT_THAT(lines,
              Contains("bpmp_broker_requests_total{vm=\"vm 1\",mrq=\"CLK\",command=\"ENABLE\","
                       "result=\"ok\"} 50000"));
  EXPECT_THAT(lines,
              Contains("bpmp_broker_requests_total{vm=\"vm 4\",mrq=\"CLK\",command=\"ENABLE\","
                       "result=\"ok\"} 10000"));
}

}  // namespace
}  // namespace bpmp::metrics
