// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_THROTTLE_H_
#define BROKER_SERVICE_THROTTLE_H_

#include "absl/time/time.h"
#include "broker/base/clock.h"
#include "broker/base/mutex.h"

namespace bpmp::service {

// How fast one VM may ask. A token bucket that never refuses: who takes more than there is goes
// into debt and is told how long to stop reading, so that flow control slows the sender down.
// Thread-safe.
class Throttle {
 public:
  // `per_second` and `burst` are positive. `clock` is not owned.
  Throttle(const Clock* clock, double per_second, double burst);

  struct Verdict {
    absl::Duration pause;  // zero: go on
    bool began = false;    // the VM has just become too fast
  };
  // Takes one request's token.
  Verdict Take() ABSL_LOCKS_EXCLUDED(mutex_);

  // From the first pause until half of the burst has been saved again.
  bool throttled() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Refill() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock* const clock_;
  const double per_second_;
  const double burst_;
  // What is saved up during a pause: long enough that timers don't eat the machine, short enough
  // that what follows the pause doesn't delay the other VMs.
  const double batch_;

  mutable Mutex mutex_;
  mutable double tokens_ ABSL_GUARDED_BY(mutex_);
  mutable absl::Time refilled_ ABSL_GUARDED_BY(mutex_);
  mutable bool throttled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_THROTTLE_H_
