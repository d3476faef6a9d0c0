// SPDX-License-Identifier: Apache-2.0
#include "broker/service/reaper.h"

#include <utility>

#include "broker/base/clock.h"

namespace bpmp::service {

Reaper::Reaper() : thread_([this] { Loop(); }) {}

Reaper::~Reaper() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.SignalAll();
  thread_.join();
}

void Reaper::Run(absl::AnyInvocable<void()> job) {
  {
    MutexLock lock(&mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.SignalAll();
}

void Reaper::WaitIdle(absl::Duration timeout) {
  const absl::Time deadline = MonotonicClock().Now() + timeout;
  MutexLock lock(&mutex_);
  while (running_ || !jobs_.empty()) {
    const absl::Duration left = deadline - MonotonicClock().Now();
    if (left <= absl::ZeroDuration() || !changed_.WaitFor(&mutex_, left)) return;
  }
}

void Reaper::Loop() {
  while (true) {
    absl::AnyInvocable<void()> job;
    {
      MutexLock lock(&mutex_);
      while (jobs_.empty() && !stopping_) changed_.Wait(&mutex_);
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
      running_ = true;
    }
    job();
    job = nullptr;
    {
      MutexLock lock(&mutex_);
      running_ = false;
    }
    changed_.SignalAll();
  }
}

}  // namespace bpmp::service
