// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_SRC_WAITING_H_
#define QEMU_CLIENT_SRC_WAITING_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "broker/base/mutex.h"
#include "qemu-client/src/request_table.h"

namespace bpmp::client {

// A caller that waits for one request, on its own stack. Thread-safe.
class Waiting {
 public:
  // `rx` is written only in Wait() and by the answer: it may be where the request was.
  Waiting(void* rx, size_t rx_size) : rx_(rx), rx_size_(rx_size) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  Waiter waiter() { return {&Waiting::Done, this}; }
  bool done() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return done_;
  }
  // Blocks until it has ended. Returns the transport status; `bpmp_error` may be null.
  int Wait(int32_t* bpmp_error) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    while (!done_) ended_.Wait(&mutex_);
    if (bpmp_error != nullptr) *bpmp_error = error_;
    if ((status_ != 0 || error_ != 0) && rx_size_ > 0) std::memset(rx_, 0, rx_size_);
    return status_;
  }

 private:
  static void Done(void* opaque, int status, int32_t error, const void* rx, size_t rx_size) {
    auto* const self = static_cast<Waiting*>(opaque);
    // Signalled under the lock: this object is gone as soon as the waiting thread has it.
    MutexLock lock(&self->mutex_);
    self->status_ = status;
    self->error_ = error;
    if (rx_size > 0) std::memcpy(self->rx_, rx, std::min(rx_size, self->rx_size_));
    self->done_ = true;
    self->ended_.Signal();
  }

  void* const rx_;
  const size_t rx_size_;
  mutable Mutex mutex_;
  CondVar ended_;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  int status_ ABSL_GUARDED_BY(mutex_) = 0;
  int32_t error_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_SRC_WAITING_H_
