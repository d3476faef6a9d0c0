// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_PENDING_TRIPS_H_
#define BROKER_SERVICE_PENDING_TRIPS_H_

#include <bit>
#include <cstdint>

#include "broker/base/ids.h"
#include "broker/core/inventory.h"

namespace bpmp::service {

// The thermal zones of which a client is still to be told that their trips were reached: each at
// most once, however often that happens. They take turns. Not thread-safe.
class PendingTrips {
 public:
  // False: it was there already, or nobody can have it.
  bool Add(ThermalZoneId zone) {
    if (zone.value() > core::kMaxThermalZoneId || (zones_ & Bit(zone)) != 0) return false;
    zones_ |= Bit(zone);
    return true;
  }
  bool empty() const { return zones_ == 0; }
  // The next one after that of the last time. REQUIRES: !empty()
  ThermalZoneId Take() {
    const auto distance = static_cast<uint32_t>(std::countr_zero(std::rotr(zones_, next_)));
    const ThermalZoneId zone((static_cast<uint32_t>(next_) + distance) % 32);
    zones_ &= ~Bit(zone);
    next_ = static_cast<int>((zone.value() + 1) % 32);
    return zone;
  }

 private:
  static_assert(core::kMaxThermalZoneId < 32);
  static uint32_t Bit(ThermalZoneId zone) { return uint32_t{1} << zone.value(); }

  uint32_t zones_ = 0;
  int next_ = 0;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_PENDING_TRIPS_H_
