// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_SIM_CLOCK_TREE_H_
#define BROKER_BACKEND_SIM_CLOCK_TREE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/backend/sim/soc_model.h"
#include "broker/base/ids.h"
#include "broker/mrq/types.h"

namespace bpmp::backend::sim {

// The clocks of an SoC as hardware: rates, parents, what runs. Rates are in Hz and always those
// that the tree gives; a clock runs while it is voted on or a clock below it runs. Everything but
// Create takes constant time or time in the number of clocks that change.
//
// Callers ask Has() first: other methods REQUIRE a clock that is there. Copyable, so that one
// checked tree serves as the start of many models. Not thread-safe.
class ClockTree {
 public:
  // A divider divides by half of this.
  static constexpr uint32_t kMinHalfSteps = 2;
  static constexpr uint32_t kMaxHalfSteps = 1u << 16;

  // Checks all that a guest's clock driver relies on, over all candidate parents and not only the
  // current ones: no cycle, no parent that isn't there, no name twice or longer than 39 bytes, at
  // most 16 candidates, several only on a mux, inputs are roots. InvalidArgument names the clock.
  static absl::StatusOr<ClockTree> Create(const std::vector<ClockSpec>& specs);

  bool Has(ClockId id) const { return id.value() < nodes_.size() && nodes_[id.value()].known; }
  ClockId max_id() const { return ClockId(static_cast<uint32_t>(nodes_.size()) - 1); }
  const ClockSpec& spec(ClockId id) const { return At(id).spec; }
  uint32_t flags(ClockId id) const { return At(id).flags; }  // as in GET_ALL_INFO

  int64_t rate(ClockId id) const { return At(id).rate; }
  ClockId parent(ClockId id) const { return At(id).parent; }  // 0 for a root
  bool voted(ClockId id) const { return At(id).voted; }
  bool running(ClockId id) const { return At(id).users > 0; }

  // The vote of the one master that there is. Ancestors run along, without a vote of theirs.
  void Vote(ClockId id, bool on);

  // False when `parent` is no candidate. Rates below follow.
  bool SetParent(ClockId id, ClockId parent);

  // What SetRate would give. REQUIRES: HAS_SET_RATE, hz > 0.
  int64_t RoundRate(ClockId id, int64_t hz) const { return PlanRate(At(id), hz).rate; }
  // Gives the highest reachable rate that isn't above `hz`, or moves a tunable PLL to give `hz`
  // itself, with all that runs from it. Returns the new rate. REQUIRES: as above.
  int64_t SetRate(ClockId id, int64_t hz);

 private:
  struct Node {
    ClockSpec spec;
    bool known = false;
    bool voted = false;
    uint32_t flags = 0;
    ClockId parent;
    uint32_t denominator = 1;
    uint32_t users = 0;    // votes and running children
    int64_t own_rate = 0;  // of a root or loop
    int64_t rate = 0;
    std::vector<ClockId> children;  // whose candidate this is, each once
  };
  // How a rate is to be reached. A null loop stays as it is.
  struct RatePlan {
    int64_t rate = 0;
    uint32_t denominator = 1;
    const Node* loop = nullptr;
    int64_t loop_rate = 0;
  };

  ClockTree() = default;
  Node& At(ClockId id) { return nodes_[id.value()]; }
  const Node& At(ClockId id) const { return nodes_[id.value()]; }

  absl::Status Add(const ClockSpec& spec);
  absl::Status CheckParents(const Node& node) const;
  absl::Status LinkAndSettle();

  void AddUser(ClockId id);
  void DropUser(ClockId id);
  // The rate of `node` if `loop` ran at `loop_rate`; of the tree as it is for a null loop.
  int64_t RateIf(const Node& node, const Node* loop, int64_t loop_rate) const;
  void Refresh(ClockId id);
  const Node* TunableAbove(const Node& node) const;
  RatePlan PlanRate(const Node& node, int64_t hz) const;
  void PlanByMoving(const Node& node, const Node& loop, int64_t hz, RatePlan* plan) const;

  std::vector<Node> nodes_;  // by id
};

}  // namespace bpmp::backend::sim

#endif  // BROKER_BACKEND_SIM_CLOCK_TREE_H_
