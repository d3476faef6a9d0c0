// SPDX-License-Identifier: Apache-2.0
// Who waits for a release to be over, or for a VM to be free.
#include <algorithm>
#include <utility>

#include "broker/backend/engine.h"

namespace bpmp::backend {
namespace {

// Takes from `waiters`, in their order, those that have nothing to wait for any more.
template <typename Waiters, typename IsReady, typename Take>
void TakeReady(Waiters* waiters, IsReady is_ready, Take take) {
  const auto ready = std::stable_partition(waiters->begin(), waiters->end(),
                                           [&](const auto& waiter) { return !is_ready(waiter); });
  std::for_each(ready, waiters->end(), take);
  waiters->erase(ready, waiters->end());
}

}  // namespace

void Engine::SetAdmission(VmId vm, core::Admission admission) {
  MutexLock lock(&mutex_);
  core_->SetAdmission(vm, admission);
}

Engine::WaitId Engine::WhenFree(VmId vm, absl::AnyInvocable<void()> done) {
  Pending pending;
  WaitId id = 0;
  {
    MutexLock lock(&mutex_);
    id = next_wait_++;
    if (stopped_) return id;
    free_waiters_.push_back({id, vm, std::move(done)});
    core::Effects none;
    Collect(&none, &pending);
  }
  Deliver(std::move(pending));
  return id;
}

void Engine::CancelWait(WaitId wait) {
  absl::AnyInvocable<void()> done;  // what it holds goes without the lock
  MutexLock lock(&mutex_);
  const auto it = std::find_if(free_waiters_.begin(), free_waiters_.end(),
                               [wait](const FreeWaiter& waiter) { return waiter.id == wait; });
  if (it == free_waiters_.end()) return;
  done = std::move(it->done);
  free_waiters_.erase(it);
}

void Engine::TakeReleased(Pending* pending) {
  const core::Core& core = *core_;
  TakeReady(
      &release_waiters_, [&core](const auto& waiter) { return !core.IsReleasing(waiter.first); },
      [pending](auto& waiter) { pending->released.push_back(std::move(waiter.second)); });
  TakeReady(
      &free_waiters_, [&core](const FreeWaiter& waiter) { return core.IsFree(waiter.vm); },
      [pending](FreeWaiter& waiter) { pending->released.push_back(std::move(waiter.done)); });
}

}  // namespace bpmp::backend
