// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BASE_FAKE_CLOCK_H_
#define BROKER_BASE_FAKE_CLOCK_H_

#include "broker/base/clock.h"
#include "broker/base/mutex.h"

namespace bpmp {

// A simulation of a clock that moves only when it is told to. Thread-safe.
class FakeClock final : public Clock {
 public:
  absl::Time Now() const override ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return now_;
  }

  void Advance(absl::Duration by) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    now_ += by;
  }

 private:
  mutable Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_) = absl::UnixEpoch() + absl::Hours(1);
};

}  // namespace bpmp

#endif  // BROKER_BASE_FAKE_CLOCK_H_
