// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/kernel/call_pool.h"

#include <algorithm>
#include <string>
#include <utility>

#include "broker/base/thread.h"

namespace bpmp::backend::kernel {
std::shared_ptr<CallPool> CallPool::Create(const Clock* clock, size_t slots) {
  return std::shared_ptr<CallPool>(new CallPool(clock, slots));
}

// Every thread has a share in the pool, so that the last to go may be one of them, after Stop().
CallPool::~CallPool() = default;

CallPool::End CallPool::Run(Call call, absl::Time deadline) {
  MutexLock lock(&mutex_);
  if (stopped_) return End::kStopped;
  const auto free =
      std::find_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return !slot.busy; });
  if (free == slots_.end()) return End::kBusy;
  Slot& slot = *free;
  slot.busy = true;
  slot.call = std::move(call);
  const uint64_t number = ++slot.made;
  StartThreads();
  work_.SignalAll();
  while (slot.ended < number) {
    const absl::Duration left = deadline - clock_->Now();
    if (stopped_ || left <= absl::ZeroDuration()) return End::kLate;
    ended_.WaitFor(&mutex_, left);
  }
  return End::kDone;
}

size_t CallPool::occupied() const {
  MutexLock lock(&mutex_);
  const auto count =
      std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.busy; });
  return static_cast<size_t>(count);
}

void CallPool::StartThreads() {
  for (size_t index = threads_.size(); index < slots_.size(); ++index) {
    threads_.push_back(StartThread("bpmp-call-" + std::to_string(index),
                                   [pool = shared_from_this(), index] { pool->Serve(index); }));
  }
}

void CallPool::Serve(size_t index) {
  while (Call call = Next(index)) {
    call();
    call = nullptr;  // what it owns goes before the slot is free
    MutexLock lock(&mutex_);
    Slot& slot = slots_[index];
    slot.busy = false;
    ++slot.ended;
    ended_.SignalAll();
  }
}

CallPool::Call CallPool::Next(size_t index) {
  MutexLock lock(&mutex_);
  Slot& slot = slots_[index];
  while (!slot.call && !stopped_) {
    work_.Wait(&mutex_);
  }
  return std::exchange(slot.call, nullptr);
}

void CallPool::Stop() {
  std::vector<std::thread> idle;
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    work_.SignalAll();
    ended_.SignalAll();
    for (size_t index = 0; index < threads_.size(); ++index) {
      if (slots_[index].busy) {
        threads_[index].detach();
      } else {
        idle.push_back(std::move(threads_[index]));
      }
    }
    threads_.clear();
  }
  for (std::thread& thread : idle) {
    thread.join();
  }
}

}  // namespace bpmp::backend::kernel
