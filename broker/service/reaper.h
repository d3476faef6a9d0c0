// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_REAPER_H_
#define BROKER_SERVICE_REAPER_H_

#include <deque>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "broker/base/mutex.h"

namespace bpmp::service {

// One thread for what blocks and whose end nobody waits for: shutting down gRPC servers. Jobs run
// one after the other, without a lock. Thread-safe.
class Reaper {
 public:
  Reaper();
  // Runs what is left, then joins.
  ~Reaper();
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  void Run(absl::AnyInvocable<void()> job) ABSL_LOCKS_EXCLUDED(mutex_);
  // Until nothing is left to run, or `timeout` has passed. Not from a job.
  void WaitIdle(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Loop() ABSL_LOCKS_EXCLUDED(mutex_);

  Mutex mutex_;
  CondVar changed_;
  std::deque<absl::AnyInvocable<void()>> jobs_ ABSL_GUARDED_BY(mutex_);
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_REAPER_H_
