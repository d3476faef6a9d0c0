// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_BACKEND_H_
#define BROKER_CORE_BACKEND_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/base/ids.h"
#include "broker/mrq/types.h"

namespace bpmp::core {

// Hears what the firmware says unasked. Called from any of the backend's threads, also in a
// Transfer() of somebody's, several at a time, no lock of the backend's held. Must not block, nor
// call the backend: whoever called may be what the next answer waits for.
class InboundListener {
 public:
  virtual ~InboundListener() = default;
  // `data` is valid during the call, and may be anything.
  virtual void OnInbound(uint32_t mrq, absl::Span<const uint8_t> data) = 0;
};

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

  // The same on behalf of `vm`, which is all the same to the hardware: for a backend that stands
  // before another and keeps a record. Whoever knows the VM calls this one.
  virtual absl::StatusOr<mrq::Response> TransferFor(VmId /*vm*/, const mrq::Request& request,
                                                    absl::Time deadline) {
    return Transfer(request, deadline);
  }

  // From now on `listener` is told what the firmware says unasked; null: nobody, which is how it
  // begins. Once this returns, no call to the one before goes on. Not to be called by a listener.
  // A backend that hears nothing needs none.
  virtual void Listen(InboundListener* /*listener*/) {}
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_BACKEND_H_
