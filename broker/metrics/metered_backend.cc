// SPDX-License-Identifier: Apache-2.0
#include "broker/metrics/metered_backend.h"

#include <algorithm>

namespace bpmp::metrics {
namespace {

Metrics::TransferResult ResultOfStatus(const absl::Status& status) {
  if (status.ok()) return Metrics::TransferResult::kAnswered;
  return absl::IsDeadlineExceeded(status) ? Metrics::TransferResult::kLost
                                          : Metrics::TransferResult::kFailed;
}

}  // namespace

absl::StatusOr<mrq::Response> MeteredBackend::TransferFor(VmId vm, const mrq::Request& request,
                                                          absl::Time deadline) {
  const absl::Time start = clock_->Now();
  const absl::Duration queued = start - (deadline - transfer_timeout_);
  absl::StatusOr<mrq::Response> result = backend_->TransferFor(vm, request, deadline);
  metrics_->OnTransfer(std::max(queued, absl::ZeroDuration()), clock_->Now() - start,
                       ResultOfStatus(result.status()));
  return result;
}

}  // namespace bpmp::metrics
