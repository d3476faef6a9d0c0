// SPDX-License-Identifier: Apache-2.0
#include "broker/service/notifications.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace bpmp::service {

backend::Notified Notifications::Notify(VmId vm, const mrq::HostTrip& trip) {
  return sessions_->Notify(vm, trip);
}

void Notifications::OnTrip(const mrq::HostTrip& trip, size_t vms, size_t told) {
  events_->Add(event_kind::kThermalTrip, kHost,
               absl::StrCat("thermal zone ", trip.zone.value(), " reached its trip; told ", told,
                            " of the ", vms, " VMs that have it"));
}

void Notifications::OnDropped(const absl::Status& why) {
  events_->Add(event_kind::kInboundDropped, kHost, std::string(why.message()));
}

}  // namespace bpmp::service
