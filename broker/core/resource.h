// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_RESOURCE_H_
#define BROKER_CORE_RESOURCE_H_

#include <compare>
#include <cstdint>
#include <utility>

#include "broker/base/ids.h"

namespace bpmp::core {

// What a VM may do with one resource; each step includes those before it.
//   kGet        read its rate, parent, name
//   kVote       enable and disable, power on and off
//   kExclusive  also set its rate and parent, drive the reset, switch the PCIe controller
enum class Access : uint8_t { kNone, kGet, kVote, kExclusive };

enum class ResourceKind : uint8_t { kNone, kClock, kDomain, kReset, kPcieController };

// One resource of any kind, for events, queries and tables. The kind decides which id it is.
struct Resource {
  ResourceKind kind = ResourceKind::kNone;
  uint32_t id = 0;

  static constexpr Resource Of(ClockId clock) { return {ResourceKind::kClock, clock.value()}; }
  static constexpr Resource Of(DomainId domain) { return {ResourceKind::kDomain, domain.value()}; }
  static constexpr Resource Of(ResetId reset) { return {ResourceKind::kReset, reset.value()}; }
  static constexpr Resource Of(PcieControllerId controller) {
    return {ResourceKind::kPcieController, controller.value()};
  }

  friend constexpr auto operator<=>(const Resource&, const Resource&) = default;

  template <typename H>
  friend H AbslHashValue(H h, const Resource& resource) {
    return H::combine(std::move(h), static_cast<uint8_t>(resource.kind), resource.id);
  }
};

// What the broker knows of the hardware behind a clock or domain. kUnknown: the last edge failed in
// a way that leaves either possible; nobody holds it, and it is retried, then quarantined. Of a
// PCIe controller, which can't be read: what VMs made of it since the start, kOff before.
enum class GateState : uint8_t { kOff, kTurningOn, kOn, kTurningOff, kUnknown };

// A reset line can't be read: kUnknown until the broker drives it.
enum class ResetState : uint8_t { kUnknown, kAsserted, kDeasserted };

// How a clock's rate is decided when several agents use it (docs/architecture.md, "Rates").
//   kOwner  the VM with exclusive access sets it; whoever else only votes
//   kFixed  nobody sets it
//   kFirst  locked by the first SET_RATE or ENABLE until that VM has neither
//   kMax    the highest of the agents' rate votes
//   kRange  each VM has limits; a SET_RATE r means [r, max]; disjoint limits are refused
enum class RatePolicy : uint8_t { kOwner, kFixed, kFirst, kMax, kRange };

}  // namespace bpmp::core

#endif  // BROKER_CORE_RESOURCE_H_
