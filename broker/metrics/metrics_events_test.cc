// SPDX-License-Identifier: Apache-2.0
// What the core, the engine and the sessions say happened, as metrics.
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/metrics/metrics_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::metrics {
namespace {

using core::EventKind;
using core::Reason;
using ::testing::Contains;

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

}  // namespace
}  // namespace bpmp::metrics
