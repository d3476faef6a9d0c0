// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_NOTIFICATIONS_H_
#define BROKER_SERVICE_NOTIFICATIONS_H_

#include <cstddef>

#include "absl/status/status.h"
#include "broker/backend/engine.h"
#include "broker/base/ids.h"
#include "broker/mrq/types.h"
#include "broker/service/event_log.h"
#include "broker/service/sessions.h"

namespace bpmp::service {

// Brings what the firmware says unasked to the sessions of the VMs, for as long as it lives.
// Thread-safe.
class Notifications final : public backend::GuestNotifier {
 public:
  // Not owned.
  Notifications(backend::Engine* engine, SessionTable* sessions, EventLog* events)
      : engine_(engine), sessions_(sessions), events_(events) {
    engine_->Listen(this);
  }
  ~Notifications() override { engine_->Listen(nullptr); }
  Notifications(const Notifications&) = delete;
  Notifications& operator=(const Notifications&) = delete;

  backend::Notified Notify(VmId vm, const mrq::HostTrip& trip) override;
  void OnTrip(const mrq::HostTrip& trip, size_t vms, size_t told) override;
  void OnDropped(const absl::Status& why) override;

 private:
  backend::Engine* const engine_;
  SessionTable* const sessions_;
  EventLog* const events_;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_NOTIFICATIONS_H_
