// SPDX-License-Identifier: Apache-2.0
#include "broker/metrics/histogram.h"

#include <limits>

namespace bpmp::metrics {

prometheus::ClientMetric::Histogram Histogram::Read() const {
  prometheus::ClientMetric::Histogram result;
  for (size_t i = 0; i < counts_.size(); ++i) {
    result.sample_count += counts_[i].load(std::memory_order_relaxed);
    prometheus::ClientMetric::Bucket bucket;
    bucket.cumulative_count = result.sample_count;
    bucket.upper_bound = i < kBounds.size() ? kBounds[i] : std::numeric_limits<double>::infinity();
    result.bucket.push_back(bucket);
  }
  result.sample_sum = static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) / 1e9;
  return result;
}

}  // namespace bpmp::metrics
