// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_METRICS_METERED_BACKEND_H_
#define BROKER_METRICS_METERED_BACKEND_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/core/backend.h"
#include "broker/metrics/metrics.h"
#include "broker/mrq/types.h"

namespace bpmp::metrics {

// A backend that measures another. Thread-safe if the other is.
class MeteredBackend final : public core::Backend {
 public:
  // Nothing is owned. `transfer_timeout` is what the engine gives a transfer when it queues it, so
  // that the deadline tells how long it waited.
  MeteredBackend(core::Backend* backend, const Clock* clock, absl::Duration transfer_timeout,
                 Metrics* metrics)
      : backend_(backend), clock_(clock), transfer_timeout_(transfer_timeout), metrics_(metrics) {}

  absl::StatusOr<mrq::Response> Transfer(const mrq::Request& request,
                                         absl::Time deadline) override {
    return TransferFor(kHost, request, deadline);
  }
  absl::StatusOr<mrq::Response> TransferFor(VmId vm, const mrq::Request& request,
                                            absl::Time deadline) override;
  void Listen(core::InboundListener* listener) override { backend_->Listen(listener); }

 private:
  core::Backend* const backend_;
  const Clock* const clock_;
  const absl::Duration transfer_timeout_;
  Metrics* const metrics_;
};

}  // namespace bpmp::metrics

#endif  // BROKER_METRICS_METERED_BACKEND_H_
