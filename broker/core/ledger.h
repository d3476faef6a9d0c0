// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_LEDGER_H_
#define BROKER_CORE_LEDGER_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "broker/base/ids.h"
#include "broker/core/event.h"
#include "broker/core/inventory.h"
#include "broker/core/resource.h"

namespace bpmp::core {

// A VM's mark on a reset, bits.
inline constexpr int64_t kResetWanted = 1;   // it deasserted it last
inline constexpr int64_t kResetTouched = 2;  // it deasserted or pulsed it in this epoch

// What a VM may have on of a PCIe controller, bits: the controller itself, the PLL of an endpoint.
inline constexpr int64_t kPcieState = 1;
inline constexpr int64_t kPciePll = 2;

// The place of a resource in dense tables: clocks first, then domains, resets, PCIe controllers.
using Line = uint16_t;

static_assert(kMaxClockId + kMaxDomainId + kMaxResetId + kMaxPcieControllerId + 4 <= 0xffff,
              "a Line counts them all");

// Maps resources to lines and back. Only ids within the inventory's tables have a line.
class LineMap {
 public:
  explicit LineMap(const Inventory& inventory);

  Line Of(ClockId clock) const { return static_cast<Line>(clock.value()); }
  Line Of(DomainId domain) const { return static_cast<Line>(clocks_ + domain.value()); }
  Line Of(ResetId reset) const { return static_cast<Line>(clocks_ + domains_ + reset.value()); }
  Line Of(PcieControllerId controller) const {
    return static_cast<Line>(clocks_ + domains_ + resets_ + controller.value());
  }
  Line Of(Resource resource) const;
  Resource At(Line line) const;
  // The resource is within the tables.
  bool Has(Resource resource) const;
  Line size() const {
    return static_cast<Line>(clocks_ + domains_ + resets_ + kMaxPcieControllerId + 1);
  }

 private:
  size_t clocks_;
  size_t domains_;
  size_t resets_;
};

// All that the core must remember: who votes for what, what the host holds, what is owed. Changes
// in one way only, Apply(), and so can be journalled, replayed and watched there.
//
// An agent *holds* a resource when it votes for it; a VM also when it relies on the host's pin
// (implied); the host (agent 0) when it pins it or found it on. Residue is on and held by nobody.
class Ledger {
 public:
  // `observer` hears of every change before it is made; not owned.
  Ledger(const Inventory& inventory, Observer* observer);

  void Apply(const Change& change);
  // Makes room for agents up to `vm`.
  void AddAgent(VmId vm);

  const LineMap& lines() const { return lines_; }

  // What is remembered of one resource.
  struct Entry {
    GateState gate = GateState::kOff;
    ResetState reset = ResetState::kUnknown;
    bool pinned = false;
    bool found = false;
    bool residue = false;
    bool foreign = false;                // its gate is on, and the backend may hold nothing of ours
    std::optional<VmId> quarantined;     // for whom
    uint32_t holders = 0;                // agents that hold it
    int64_t rate_pin = 0;                // Hz; 0: none
    int64_t boot_rate = 0;               // Hz owed; 0: none
    std::optional<ClockId> boot_parent;  // owed
    std::optional<VmId> rate_lock;       // who came first
    std::vector<std::pair<VmId, int64_t>> rate_votes;
    // Limits that VMs stated themselves, in Hz; each lasts as long as the VM's rate vote.
    std::vector<std::pair<VmId, int64_t>> rate_mins;
    std::vector<std::pair<VmId, int64_t>> rate_maxs;
    std::vector<VmId> debtors;
    std::vector<std::pair<VmId, int64_t>> reset_marks;
    bool assert_owed = false;  // of a shared reset, to whoever wanted it asserted
    std::vector<std::pair<VmId, int64_t>> pcie_marks;

    // One more vote needs no edge.
    bool SurelyOn() const { return gate == GateState::kOn && !foreign; }
  };
  const Entry& At(Line line) const { return entries_[line]; }
  const Entry& At(Resource resource) const { return entries_[lines_.Of(resource)]; }

  bool Votes(VmId vm, Line line) const { return Test(agents_[vm.value()].votes, line); }
  bool Implied(VmId vm, Line line) const { return Test(agents_[vm.value()].implied, line); }
  bool Holds(VmId vm, Line line) const;
  // Somebody other than `vm` holds it.
  bool HeldByOther(VmId vm, Line line) const {
    return entries_[line].holders > (Holds(vm, line) ? 1u : 0u);
  }
  // ... and that somebody is a VM.
  bool HeldByOtherVm(VmId vm, Line line) const;
  // kHost first, then by slot.
  std::vector<VmId> HoldersOf(Line line) const;

  uint32_t EpochOf(VmId vm) const { return agents_[vm.value()].epoch; }
  uint32_t ClockVotes(VmId vm) const { return agents_[vm.value()].clock_votes; }
  uint32_t DomainVotes(VmId vm) const { return agents_[vm.value()].domain_votes; }
  int64_t RateVote(VmId vm, Line line) const;   // 0: none
  int64_t RateMin(VmId vm, Line line) const;    // 0: none
  int64_t RateMax(VmId vm, Line line) const;    // 0: none
  int64_t ResetMark(VmId vm, Line line) const;  // 0: none
  int64_t PcieMark(VmId vm, Line line) const;   // 0: none
  // All lines with a mark of the VM: votes, implied votes, rate votes, debts, other marks.
  std::vector<Line> TouchedBy(VmId vm) const;

 private:
  using Bits = std::vector<uint64_t>;
  struct Agent {
    Bits votes;
    Bits implied;
    uint32_t clock_votes = 0;
    uint32_t domain_votes = 0;
    uint32_t epoch = 1;
  };

  static bool Test(const Bits& bits, Line line) {
    return (bits[line / 64] >> (line % 64) & 1) != 0;
  }
  static void Set(Bits* bits, Line line, bool value);
  bool HostHolds(Line line) const { return entries_[line].pinned || entries_[line].found; }
  void ApplyHold(const Change& change, Line line);
  void ApplyMark(const Change& change, Entry* entry);

  const LineMap lines_;
  Observer* const observer_;
  std::vector<Entry> entries_;
  std::vector<Agent> agents_;
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_LEDGER_H_
