// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_INVENTORY_H_
#define BROKER_CORE_INVENTORY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "broker/base/ids.h"
#include "broker/mrq/types.h"

namespace bpmp::core {

// The highest ids the broker accepts. A Linux guest allocates and asks max + 1 times, so a firmware
// that names absurd maxima must not get through (T234: clocks 476, resets 173, domains 36).
inline constexpr uint32_t kMaxClockId = 1023;
inline constexpr uint32_t kMaxResetId = 1023;
inline constexpr uint32_t kMaxDomainId = 255;
// The protocol counts neither of these before they are used: T234 has controllers 0 to 10 and zones
// 0 to 8.
inline constexpr uint32_t kMaxPcieControllerId = 10;
inline constexpr uint32_t kMaxThermalZoneId = 31;

// One clock as the firmware described it at start. An empty name is a hole: the id doesn't exist.
struct ClockInfo {
  std::string name;               // unique, at most 39 bytes
  uint32_t flags = 0;             // mrq::clk_flag bits 0..3
  std::optional<ClockId> parent;  // the current one at start; none for a root
  std::vector<ClockId> parents;   // candidates, at most 16, with `parent` among them
  int64_t rate_hz = 0;            // at start
  bool found_on = false;          // IS_ENABLED at start

  bool exists() const { return !name.empty(); }
  // A fixed root: nobody, not even the firmware, changes its rate.
  bool rate_is_fixed() const {
    return (flags & mrq::clk_flag::kIsRoot) != 0 &&
           (flags & (mrq::clk_flag::kIsVarRoot | mrq::clk_flag::kHasSetRate)) == 0;
  }
};

// One power domain; an empty name is a hole.
struct DomainInfo {
  std::string name;
  bool found_on = false;  // GET_STATE at start

  bool exists() const { return !name.empty(); }
};

// What the firmware has, as it was when the broker started. Dense by id. Resets can't be described
// in the protocol: the highest id is all that is known of them, and names come from the profile.
struct Inventory {
  std::string fw_tag;
  std::vector<ClockInfo> clocks;
  std::vector<DomainInfo> domains;
  uint32_t max_reset_id = 0;

  const ClockInfo* Find(ClockId id) const {
    return id.value() < clocks.size() && clocks[id.value()].exists() ? &clocks[id.value()]
                                                                     : nullptr;
  }
  const DomainInfo* Find(DomainId id) const {
    return id.value() < domains.size() && domains[id.value()].exists() ? &domains[id.value()]
                                                                       : nullptr;
  }
  bool Has(ResetId id) const { return id.value() <= max_reset_id; }
  bool Has(PcieControllerId id) const { return id.value() <= kMaxPcieControllerId; }
};

// Makes a firmware's description safe to show to a Linux guest, whose clock driver overruns,
// recurses without end or dereferences an error pointer otherwise: ids within the maxima, at most
// 16 candidates, no candidate that is a hole or the clock itself, no cycle over all candidates, the
// current parent among the candidates, unique printable names. Returns one line for each repair.
std::vector<std::string> Sanitize(Inventory* inventory);

}  // namespace bpmp::core

#endif  // BROKER_CORE_INVENTORY_H_
