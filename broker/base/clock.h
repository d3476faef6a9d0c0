// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BASE_CLOCK_H_
#define BROKER_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace bpmp {

// Where code below the daemon gets the time from, so that tests decide what time it is.
// Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Never goes back, unlike the wall clock. Only differences between two readings mean anything.
  virtual absl::Time Now() const = 0;
};

// The machine's monotonic clock. Lives for ever.
const Clock& MonotonicClock();

}  // namespace bpmp

#endif  // BROKER_BASE_CLOCK_H_
