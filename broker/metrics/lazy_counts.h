// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_METRICS_LAZY_COUNTS_H_
#define BROKER_METRICS_LAZY_COUNTS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace bpmp::metrics {

using Count = std::atomic<uint64_t>;
inline void Increment(Count& count) { count.fetch_add(1, std::memory_order_relaxed); }

// N counts that take memory from the first increment on: most of what can be counted of a VM never
// happens to it. Thread-safe, without a lock; a count stays where it is.
template <size_t N>
class LazyCounts {
 public:
  LazyCounts() = default;
  ~LazyCounts() { delete counts_.load(std::memory_order_relaxed); }
  LazyCounts(const LazyCounts&) = delete;
  LazyCounts& operator=(const LazyCounts&) = delete;

  static constexpr size_t size() { return N; }
  // Nothing for an index that there isn't.
  void IncrementAt(size_t index) {
    if (index < N) Increment(Made()[index]);
  }
  uint64_t Get(size_t index) const {
    const Array* const counts = counts_.load(std::memory_order_acquire);
    return counts == nullptr ? 0 : (*counts)[index].load(std::memory_order_relaxed);
  }
  void Clear() {
    Array* const counts = counts_.load(std::memory_order_acquire);
    if (counts == nullptr) return;
    for (Count& count : *counts) count.store(0, std::memory_order_relaxed);
  }

 private:
  using Array = std::array<Count, N>;

  Array& Made() {
    Array* counts = counts_.load(std::memory_order_acquire);
    if (counts == nullptr) {
      auto made = std::make_unique<Array>();
      // Whoever comes second finds the first's in `counts`.
      if (counts_.compare_exchange_strong(counts, made.get(), std::memory_order_acq_rel)) {
        counts = made.release();
      }
    }
    return *counts;
  }

  std::atomic<Array*> counts_{nullptr};
};

}  // namespace bpmp::metrics

#endif  // BROKER_METRICS_LAZY_COUNTS_H_
