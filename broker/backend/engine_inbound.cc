// SPDX-License-Identifier: Apache-2.0
// Engine: what the firmware says unasked, and who hears it.
#include <vector>

#include "broker/backend/engine.h"
#include "broker/mrq/codec.h"

namespace bpmp::backend {

void Engine::OnInbound(uint32_t mrq, absl::Span<const uint8_t> data) {
  const absl::StatusOr<mrq::HostTrip> trip = mrq::DecodeInbound(mrq, data);
  if (observer_ != nullptr) observer_->OnInbound(trip.ok());
  notifier_.Call([&](GuestNotifier& notifier) {
    if (!trip.ok()) return notifier.OnDropped(trip.status());
    const std::vector<VmId> vms =
        Read([&](const core::Core& core) { return core.WhoHears(trip->zone); });
    size_t told = 0;
    for (const VmId vm : vms) {
      const Notified notified = notifier.Notify(vm, *trip);
      if (observer_ != nullptr) observer_->OnNotified(vm, notified);
      if (notified != Notified::kNoSession) ++told;
    }
    notifier.OnTrip(*trip, vms.size(), told);
  });
}

}  // namespace bpmp::backend
