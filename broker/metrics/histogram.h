// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_METRICS_HISTOGRAM_H_
#define BROKER_METRICS_HISTOGRAM_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "prometheus/client_metric.h"

namespace bpmp::metrics {

// Durations in buckets from 10 microseconds (a call of the simulator) to a minute (a release with
// everything hanging). Thread-safe and wait-free; a scrape may see a duration in its bucket and not
// yet in the sum.
class Histogram {
 public:
  // Upper bounds in seconds; a last bucket without bound follows.
  static constexpr std::array<double, 15> kBounds = {1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2,
                                                     0.1,  0.3,  1,    3,    10,   30,   60};

  void Observe(absl::Duration duration) {
    const double seconds = absl::ToDoubleSeconds(duration);
    size_t bucket = 0;
    while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
    counts_[bucket].fetch_add(1, std::memory_order_relaxed);
    sum_ns_.fetch_add(absl::ToInt64Nanoseconds(duration), std::memory_order_relaxed);
  }

  prometheus::ClientMetric::Histogram Read() const;

 private:
  std::array<std::atomic<uint64_t>, kBounds.size() + 1> counts_{};
  std::atomic<int64_t> sum_ns_{0};
};

}  // namespace bpmp::metrics

#endif  // BROKER_METRICS_HISTOGRAM_H_
