// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_STOPPABLE_BACKEND_H_
#define BROKER_BACKEND_STOPPABLE_BACKEND_H_

#include "broker/core/backend.h"

namespace bpmp::backend {

// A backend as its owner sees it: calls that hang in it can be ended.
class StoppableBackend : public core::Backend {
 public:
  // From now on no call starts, and those in flight end within a bounded time. Whoever owns a
  // thread that may hang in here calls this before it joins that thread.
  virtual void Shutdown() = 0;
};

}  // namespace bpmp::backend

#endif  // BROKER_BACKEND_STOPPABLE_BACKEND_H_
