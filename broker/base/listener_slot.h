// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BASE_LISTENER_SLOT_H_
#define BROKER_BASE_LISTENER_SLOT_H_

#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "broker/base/mutex.h"

namespace bpmp {

// Who is told of something, and a way to be told no more. Thread-safe; calls may overlap.
template <typename Listener>
class ListenerSlot {
 public:
  ListenerSlot() = default;
  ListenerSlot(const ListenerSlot&) = delete;
  ListenerSlot& operator=(const ListenerSlot&) = delete;

  // From now on `listener` is told, or nobody. Returns when nobody is in a call to the one before;
  // so not to be called in one.
  void Set(Listener* listener) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    listener_ = nullptr;
    while (calls_ > 0) idle_.Wait(&mutex_);
    listener_ = listener;
  }

  // Calls `tell(Listener&)` if there is one to tell, no lock held.
  template <typename Tell>
  void Call(Tell&& tell) ABSL_LOCKS_EXCLUDED(mutex_) {
    Listener* listener = nullptr;
    {
      MutexLock lock(&mutex_);
      if (listener_ == nullptr) return;
      listener = listener_;
      ++calls_;
    }
    tell(*listener);
    MutexLock lock(&mutex_);
    --calls_;
    idle_.SignalAll();
  }

 private:
  Mutex mutex_;
  CondVar idle_;
  Listener* listener_ ABSL_GUARDED_BY(mutex_) = nullptr;
  size_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace bpmp

#endif  // BROKER_BASE_LISTENER_SLOT_H_
