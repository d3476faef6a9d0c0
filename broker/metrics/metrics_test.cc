// SPDX-License-Identifier: Apache-2.0
#include "broker/metrics/metrics.h"

#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/metrics/metered_backend.h"
#include "broker/metrics/metrics_fixture.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::metrics {
namespace {

using core::Reason;
using ::testing::Contains;
using ::testing::Not;

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
