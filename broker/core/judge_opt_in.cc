// SPDX-License-Identifier: Apache-2.0
// What the rules say to the MRQs that a VM has only if its policy says so.
#include <optional>

#include "broker/core/judge.h"

namespace bpmp::core {
namespace {

Verdict Refuse(mrq::Error error, Reason reason, VmId other = kHost) {
  return {Verdict::Kind::kRefuse, error, reason, other, 0};
}
// As if there were no such MRQ.
Verdict NotOptedIn() { return Refuse(mrq::Error::kInval, Reason::kNotOptedIn); }
Verdict Denied() { return Refuse(mrq::Error::kAccess, Reason::kNotPermitted); }
Verdict Forward() {
  return {Verdict::Kind::kProceed, mrq::Error::kOk, Reason::kReadable, kHost, 0};
}

// What a VM that may use MRQ_THERMAL has of it. SET_TRIP isn't among it: a zone has one trip for
// everybody, and a Linux that hears this asks for none.
bool IsServed(uint32_t command) {
  return command == static_cast<uint32_t>(mrq::ThermalCmd::kQueryAbi) ||
         command == static_cast<uint32_t>(mrq::ThermalCmd::kGetTemp) ||
         command == static_cast<uint32_t>(mrq::ThermalCmd::kGetNumZones) ||
         command == static_cast<uint32_t>(mrq::ThermalCmd::kGetThermtrip);
}

}  // namespace

const OptIns& Judge::OptInsOf(VmId vm) const {
  static const OptIns* const none = new OptIns();
  const VmPolicy* policy = view_.PolicyOf(vm);
  return policy == nullptr ? *none : policy->opt_ins;
}

bool Judge::OptedIn(VmId vm, mrq::Mrq mrq) const {
  const OptIns& has = OptInsOf(vm);
  const bool all = BeyondPolicy(vm);
  switch (mrq) {
    case mrq::Mrq::kThermal:
      return all || !has.thermal_zones.empty();
    case mrq::Mrq::kEmcDvfsLatency:
      return all || has.emc_latency;
    case mrq::Mrq::kUphy:
      return all || !has.pcie_controllers.empty();
    default:
      return false;
  }
}

Verdict Judge::Thermal(VmId vm, const mrq::ThermalRequest& request) const {
  if (!OptedIn(vm, mrq::Mrq::kThermal)) return NotOptedIn();
  switch (request.cmd) {
    case mrq::ThermalCmd::kQueryAbi:
      if (!IsServed(request.arg)) return Refuse(mrq::Error::kNoDev, Reason::kLocal);
      return {Verdict::Kind::kSettled, mrq::Error::kOk, Reason::kLocal, kHost, 0};
    case mrq::ThermalCmd::kGetNumZones:
      return Forward();
    case mrq::ThermalCmd::kGetTemp:
    case mrq::ThermalCmd::kGetThermtrip:
      break;
  }
  if (request.arg > kMaxThermalZoneId) return Refuse(mrq::Error::kInval, Reason::kUnknownId);
  const bool may = BeyondPolicy(vm) || OptInsOf(vm).Has(ThermalZoneId(request.arg));
  return may ? Forward() : Denied();
}

Verdict Judge::EmcLatency(VmId vm) const {
  return OptedIn(vm, mrq::Mrq::kEmcDvfsLatency) ? Forward() : NotOptedIn();
}

Verdict Judge::Pcie(VmId vm, const mrq::PcieSwitch& request) const {
  const PcieControllerId controller = request.controller;
  const bool exists = inventory_.Has(controller);
  const bool has = exists && ledger_.PcieMark(vm, ledger_.lines().Of(controller)) != 0;
  // What it has on it may switch off, whatever its policy has become.
  const bool ends = has && !request.on;
  if (!ends && !OptedIn(vm, mrq::Mrq::kUphy)) return NotOptedIn();
  if (!exists) return Refuse(mrq::Error::kInval, Reason::kUnknownId);
  if (!ends && May(vm, controller) != Access::kExclusive) return Denied();
  const Line line = ledger_.lines().Of(controller);
  if (Quarantined(vm, line)) {
    return Refuse(mrq::Error::kBusy, Reason::kQuarantined, *ledger_.At(line).quarantined);
  }
  for (const auto& [other, mark] : ledger_.At(line).pcie_marks) {
    if (other != vm && mark != 0) return Refuse(mrq::Error::kBusy, Reason::kOtherHolder, other);
  }
  return {Verdict::Kind::kProceed, mrq::Error::kOk, Reason::kEdge, kHost, 0};
}

}  // namespace bpmp::core
