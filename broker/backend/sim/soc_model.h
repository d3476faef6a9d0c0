// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_SIM_SOC_MODEL_H_
#define BROKER_BACKEND_SIM_SOC_MODEL_H_

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/backend/sim/t234_data.h"
#include "broker/base/ids.h"

// What the simulator adds to the facts of t234_data.h: a whole clock tree, what is on at boot, and
// what belongs to which power domain. data/README.md says what of it is invented.
namespace bpmp::backend::sim {

// How a clock gets its rate.
enum class RateSource : uint8_t {
  kRoot,     // from outside
  kFixed,    // a loop that nobody changes
  kTunable,  // a loop that SET_RATE changes, on itself or on a clock below
  kRatio,    // follows its parent
  kDivider,  // its parent's, divided by half-steps that SET_RATE chooses
};

inline bool MakesOwnRate(RateSource source) {
  return source != RateSource::kRatio && source != RateSource::kDivider;
}

struct ClockSpec {
  ClockId id;
  std::string_view name;
  ClockKind kind = ClockKind::kOther;
  RateSource source = RateSource::kRoot;
  int64_t rate_hz = 0;  // kRoot, kFixed, kTunable
  // kRatio, kDivider: rate = parent's * numerator / denominator, rounded down. A divider counts
  // half steps: its numerator is 2 and its denominator changes.
  uint32_t numerator = 1;
  uint32_t denominator = 1;
  std::vector<ClockId> parents;  // candidates, the one at boot first
};

struct SocModel {
  std::vector<ClockSpec> clocks;  // one for each id, by id
  std::vector<ClockId> boot_clocks;
  std::vector<DomainId> boot_domains;
  std::vector<ResetId> boot_resets;  // out of reset; no other reset's state is known
  // Only what belongs to one domain alone.
  std::map<ClockId, DomainId> clock_domains;
  std::map<ResetId, DomainId> reset_domains;
};

// InvalidArgument with file and line for malformed text, and where it contradicts `soc` on an id or
// name. Whether the tree makes sense as a graph is ClockTree's to check.
absl::StatusOr<SocModel> BuildModel(const SocData& soc, std::string_view tree,
                                    std::string_view boot);

// The Tegra234, built at the first call. Lives for ever, thread-safe.
const SocModel& T234Model();

}  // namespace bpmp::backend::sim

#endif  // BROKER_BACKEND_SIM_SOC_MODEL_H_
