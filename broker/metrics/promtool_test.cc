// SPDX-License-Identifier: Apache-2.0
// Prometheus' own linter over a page that has every family on it.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/base/clock.h"
#include "broker/metrics/metrics.h"
#include "gtest/gtest.h"
#include "prometheus/text_serializer.h"

namespace bpmp::metrics {
namespace {

// Makes every series appear at least once.
void CountEverything(Metrics* metrics) {
  for (int kind = 0; kind < static_cast<int>(core::EventKind::kEventKindCount); ++kind) {
    core::Event event;
    event.kind = static_cast<core::EventKind>(kind);
    event.reason = core::Reason::kNotPermitted;
    event.resource = core::Resource::Of(ClockId(155));
    if (event.kind != core::EventKind::kVmDeleted) metrics->OnEvent(event);
  }
  core::Change change;
  change.resource = core::Resource::Of(ClockId(155));
  change.value = 1;
  metrics->OnChange(change);
  const mrq::Request request = mrq::PingRequest{false, 1};
  backend::RequestObserver::Record record;
  record.request = &request;
  record.latency = absl::Milliseconds(1);
  metrics->OnRequest(record);
  metrics->OnTransfer(absl::ZeroDuration(), absl::Milliseconds(1),
                      Metrics::TransferResult::kAnswered);
  metrics->OnSessionEvent("session-opened");
  metrics->OnInbound(true);
  metrics->OnNotified(VmId(1), backend::Notified::kSent);
  Metrics::Sources sources;
  sources.sessions = [] { return int64_t{1}; };
  sources.worker = [] { return backend::Worker::Stats{}; };
  metrics->SetSources(std::move(sources));
}

TEST(PromtoolTest, FindsNothingToComplainAbout) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "no promtool in PATH; tests/run.sh unpacks it into build/tools";
  }
  Metrics metrics(&MonotonicClock(), "1.2.3");
  CountEverything(&metrics);
  const std::string page = absl::StrCat(::testing::TempDir(), "/metrics.", getpid(), ".txt");
  std::ofstream(page) << prometheus::TextSerializer().Serialize(metrics.Collect());
  FILE* promtool = popen(absl::StrCat("promtool check metrics < ", page, " 2>&1").c_str(), "r");
  ASSERT_NE(promtool, nullptr);
  std::string complaints;
  for (int c = fgetc(promtool); c != EOF; c = fgetc(promtool)) complaints += static_cast<char>(c);
  EXPECT_EQ(pclose(promtool), 0);
  EXPECT_EQ(complaints, "");
  std::remove(page.c_str());
}

}  // namespace
}  // namespace bpmp::metrics
