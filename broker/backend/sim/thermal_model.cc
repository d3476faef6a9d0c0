// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/thermal_model.h"

#include <utility>

#include "broker/mrq/codec.h"

namespace bpmp::backend::sim {
namespace {

using mrq::ThermalCmd;

// CPU, GPU, CV0-2, SOC0-2, TJ_MAX, and where hardware shuts down. Plausible and invented.
constexpr std::array<int32_t, ThermalModel::kZones> kAtBoot = {46500, 44000, 43000, 43250, 43500,
                                                               45000, 44750, 44500, 46500};
constexpr int32_t kThermtripMilliC = 118500;

mrq::Response OkS32(int32_t value) { return mrq::OkU32(static_cast<uint32_t>(value)); }

bool IsServed(uint32_t command) {
  return command == static_cast<uint32_t>(ThermalCmd::kGetTemp) ||
         command == static_cast<uint32_t>(ThermalCmd::kGetNumZones) ||
         command == static_cast<uint32_t>(ThermalCmd::kGetThermtrip);
}

}  // namespace

ThermalModel::ThermalModel() {
  for (size_t i = 0; i < kZones; ++i) zones_[i].milli_c = kAtBoot[i];
}

mrq::Response ThermalModel::Handle(const mrq::ThermalRequest& request) const {
  switch (request.cmd) {
    case ThermalCmd::kGetNumZones:
      return mrq::OkU32(kZones);
    case ThermalCmd::kQueryAbi:
      return IsServed(request.arg) ? mrq::Ok() : mrq::Fail(mrq::Error::kNoDev);
    case ThermalCmd::kGetTemp:
    case ThermalCmd::kGetThermtrip:
      break;
  }
  if (!Has(ThermalZoneId(request.arg))) {
    return mrq::Fail(mrq::Error::kInval);
  }
  return OkS32(request.cmd == ThermalCmd::kGetTemp ? zones_[request.arg].milli_c
                                                   : kThermtripMilliC);
}

void ThermalModel::SetTemperature(ThermalZoneId zone, int32_t milli_c) {
  if (!Has(zone)) {
    return;
  }
  Zone& state = zones_[zone.value()];
  const bool was_inside = state.inside();
  state.milli_c = milli_c;
  if (state.inside() != was_inside) {
    trips_.push_back(zone);
  }
}

void ThermalModel::SetWindow(ThermalZoneId zone, Window window) {
  if (!Has(zone)) {
    return;
  }
  zones_[zone.value()].window = window;
  if (!zones_[zone.value()].inside()) {
    trips_.push_back(zone);
  }
}

std::vector<ThermalZoneId> ThermalModel::TakeTrips() { return std::exchange(trips_, {}); }

}  // namespace bpmp::backend::sim
