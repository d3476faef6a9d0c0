// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_METRICS_METRICS_FIXTURE_H_
#define BROKER_METRICS_METRICS_FIXTURE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "broker/base/fake_clock.h"
#include "broker/metrics/metrics.h"
#include "gtest/gtest.h"
#include "prometheus/text_serializer.h"

namespace bpmp::metrics {

inline std::vector<std::string> Scrape(const Metrics& metrics) {
  const std::string text = prometheus::TextSerializer().Serialize(metrics.Collect());
  return absl::StrSplit(text, '\n');
}

inline size_t CountPrefix(const std::vector<std::string>& lines, const std::string& prefix) {
  size_t count = 0;
  for (const std::string& line : lines) count += absl::StartsWith(line, prefix) ? 1 : 0;
  return count;
}

inline core::Event EventOf(core::EventKind kind, VmId vm) {
  core::Event event;
  event.kind = kind;
  event.vm = vm;
  return event;
}

inline core::Change ChangeOf(core::Change::Kind kind, core::Resource resource, int64_t value) {
  core::Change change;
  change.kind = kind;
  change.resource = resource;
  change.value = value;
  return change;
}

class MetricsTest : public ::testing::Test {
 protected:
  void Define(uint32_t vm) { metrics_.OnEvent(EventOf(core::EventKind::kVmDefined, VmId(vm))); }
  void Delete(uint32_t vm) { metrics_.OnEvent(EventOf(core::EventKind::kVmDeleted, VmId(vm))); }
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

}  // namespace bpmp::metrics

#endif  // BROKER_METRICS_METRICS_FIXTURE_H_
