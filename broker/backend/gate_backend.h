// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_GATE_BACKEND_H_
#define BROKER_BACKEND_GATE_BACKEND_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/base/mutex.h"
#include "broker/core/backend.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/types.h"

namespace bpmp::backend {

// For tests: a backend in which each call stops at a gate until the test opens it. Calls are told
// apart by the challenge of their PING. Thread-safe.
class GateBackend final : public core::Backend {
 public:
  absl::StatusOr<mrq::Response> Transfer(const mrq::Request& request,
                                         absl::Time /*deadline*/) override
      ABSL_LOCKS_EXCLUDED(mutex_) {
    const uint32_t call = std::get<mrq::PingRequest>(request).challenge;
    MutexLock lock(&mutex_);
    started_.push_back(call);
    most_inside_ = std::max(most_inside_, ++inside_);
    changed_.SignalAll();
    while (!open_for_all_ && open_.count(call) == 0) {
      changed_.Wait(&mutex_);
    }
    --inside_;
    return mrq::OkU32(call);
  }

  // Lets one call through, now or when it comes.
  void Open(uint32_t call) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    open_.insert(call);
    changed_.SignalAll();
  }
  void OpenForAll() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    open_for_all_ = true;
    changed_.SignalAll();
  }

  // Blocks until `count` calls have started, and returns them in the order in which they did.
  std::vector<uint32_t> WaitForStarted(size_t count) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    while (started_.size() < count) {
      changed_.Wait(&mutex_);
    }
    return started_;
  }
  size_t most_inside() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return most_inside_;
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<uint32_t> started_ ABSL_GUARDED_BY(mutex_);
  std::set<uint32_t> open_ ABSL_GUARDED_BY(mutex_);
  bool open_for_all_ ABSL_GUARDED_BY(mutex_) = false;
  size_t inside_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t most_inside_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace bpmp::backend

#endif  // BROKER_BACKEND_GATE_BACKEND_H_
