// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_BACKEND_H_
#define BROKER_CORE_BACKEND_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/mrq/types.h"

namespace bpmp::core {

// The BPMP, or what stands for it: the only way in which this project touches hardware.
class Backend {
 public:
  virtual ~Backend() = default;

  // Performs one request and blocks for its answer. Thread-safe; the worker (backend/worker.h)
  // makes at most two calls at a time. `deadline` is on MonotonicClock(); an implementation that
  // can give up does so then, one that can't may return later.
  //
  // The status is the transport's, Response::error the firmware's. DeadlineExceeded says that the
  // outcome is unknown: the request may or may not have had its effect. Any other error says that
  // it had none; ResourceExhausted that there was no room for it, and who asks may try again.
  virtual absl::StatusOr<mrq::Response> Transfer(const mrq::Request& request,
                                                 absl::Time deadline) = 0;
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_BACKEND_H_
