// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_KERNEL_CALL_POOL_H_
#define BROKER_BACKEND_KERNEL_CALL_POOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "broker/base/clock.h"
#include "broker/base/mutex.h"

namespace bpmp::backend::kernel {

// Threads for calls that the kernel gives nobody a way out of. Who asks waits until its deadline
// and goes; the call stays, and so does its slot, until the kernel returns.
//
// Threads are started with the first call (bpmp-call-0, ...), all signals blocked. Thread-safe.
class CallPool : public std::enable_shared_from_this<CallPool> {
 public:
  // Owns all it touches: it may outlive everybody else, the pool's owner too.
  using Call = absl::AnyInvocable<void()>;

  enum class End : uint8_t {
    kDone,     // it has returned
    kLate,     // it goes on: the deadline came, or the pool stopped
    kBusy,     // every slot has a call; this one was not made
    kStopped,  // the pool has; this one was not made
  };

  // `clock` must outlive every Run().
  static std::shared_ptr<CallPool> Create(const Clock* clock, size_t slots);
  ~CallPool();
  CallPool(const CallPool&) = delete;
  CallPool& operator=(const CallPool&) = delete;

  // Blocks until the end of `call`, or `deadline`, whichever is first; never for a slot.
  End Run(Call call, absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_);

  size_t occupied() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends every wait. Idle threads are joined; one whose call the kernel holds is left to it.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Slot {
    Call call;  // to be made; then empty again
    bool busy = false;
    uint64_t made = 0;   // calls that were put in here
    uint64_t ended = 0;  // of these
  };

  CallPool(const Clock* clock, size_t slots) : clock_(clock), slots_(slots) {}
  void StartThreads() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Serve(size_t index) ABSL_LOCKS_EXCLUDED(mutex_);
  // Blocks for the slot's next call; empty: there won't be any.
  Call Next(size_t index) ABSL_LOCKS_EXCLUDED(mutex_);

  const Clock* const clock_;

  mutable Mutex mutex_;
  CondVar work_;   // a call was put in, or the pool has stopped
  CondVar ended_;  // a call has ended, or the pool has stopped
  std::vector<Slot> slots_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace bpmp::backend::kernel

#endif  // BROKER_BACKEND_KERNEL_CALL_POOL_H_
