// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_SIM_THERMAL_MODEL_H_
#define BROKER_BACKEND_SIM_THERMAL_MODEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "broker/base/ids.h"
#include "broker/mrq/types.h"

namespace bpmp::backend::sim {

// The thermal zones of a Tegra234: as warm as they are told to be, each with the one trip window
// that its host has set. The host of the model wants to hear of 95 degrees C, and below that of
// nothing. Requests can't set a window, because no VM may. EINVAL for a zone that isn't.
class ThermalModel {
 public:
  static constexpr size_t kZones = 9;
  // A zone within it is within `low` and `high`, both included.
  struct Window {
    int32_t low_milli_c = std::numeric_limits<int32_t>::min();
    int32_t high_milli_c = 94'999;
  };

  ThermalModel();

  static bool Has(ThermalZoneId zone) { return zone.value() < kZones; }

  mrq::Response Handle(const mrq::ThermalRequest& request) const;

  // Of a zone that isn't: without effect. To leave the window reaches the trip, and so does to come
  // back, because the host hears of both: it moves its window each time.
  void SetTemperature(ThermalZoneId zone, int32_t milli_c);
  // The host's SET_TRIP. A zone that is outside reaches the trip at once.
  void SetWindow(ThermalZoneId zone, Window window);

  // The zones that reached their trips since the last time, in order, once for each time.
  std::vector<ThermalZoneId> TakeTrips();

 private:
  struct Zone {
    int32_t milli_c = 0;
    Window window;
    bool inside() const { return milli_c >= window.low_milli_c && milli_c <= window.high_milli_c; }
  };

  std::array<Zone, kZones> zones_{};
  std::vector<ThermalZoneId> trips_;
};

}  // namespace bpmp::backend::sim

#endif  // BROKER_BACKEND_SIM_THERMAL_MODEL_H_
