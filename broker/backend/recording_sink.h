// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_RECORDING_SINK_H_
#define BROKER_BACKEND_RECORDING_SINK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/backend/worker.h"
#include "broker/base/ids.h"
#include "broker/base/mutex.h"
#include "broker/mrq/types.h"
#include "gtest/gtest.h"

namespace bpmp::backend {

// For tests: remembers what it hears from a worker, and lets the test wait for it. Thread-safe.
class RecordingSink final : public Worker::Sink {
 public:
  void OnDone(TransferId id, absl::StatusOr<mrq::Response> result) override
      ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    EXPECT_EQ(done_.count(id.value()), 0u) << "twice: " << id.value();
    done_.emplace(id.value(), std::move(result));
    events_.push_back("done " + std::to_string(id.value()));
    changed_.SignalAll();
  }
  void OnOverdue(TransferId id) override ABSL_LOCKS_EXCLUDED(mutex_) {
    const std::function<void()> during = during_overdue_;
    if (during) {
      during();
    }
    MutexLock lock(&mutex_);
    events_.push_back("overdue " + std::to_string(id.value()));
  }

  absl::StatusOr<mrq::Response> WaitFor(uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    while (done_.count(id) == 0) {
      changed_.Wait(&mutex_);
    }
    return done_.at(id);
  }
  void WaitForCount(size_t count) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    while (done_.size() < count) {
      changed_.Wait(&mutex_);
    }
  }
  std::vector<std::string> events() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return events_;
  }
  size_t done_count() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return done_.size();
  }
  // Set before any call is overdue.
  void set_during_overdue(std::function<void()> during) { during_overdue_ = std::move(during); }

 private:
  std::function<void()> during_overdue_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::map<uint64_t, absl::StatusOr<mrq::Response>> done_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> events_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bpmp::backend

#endif  // BROKER_BACKEND_RECORDING_SINK_H_
