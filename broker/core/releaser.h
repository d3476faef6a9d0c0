// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_RELEASER_H_
#define BROKER_CORE_RELEASER_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "broker/base/ids.h"
#include "broker/core/ledger.h"
#include "broker/core/machine.h"

namespace bpmp::core {

// Undoes what a VM did, when it is gone, rebooted, or told to go. The order is the device's: first
// it is reset, then its clocks stop from leaf to root, then they get their boot parent and rate
// back, then PCIe controllers are switched off, then power goes. One step at a time, each bounded
// by its transfer's deadline; what fails is quarantined and the rest goes on. A step behind
// something of another VM waits for it.
class Releaser {
 public:
  explicit Releaser(Machine* machine) : machine_(*machine) {}

  // Begins a new epoch and returns it. The caller has answered or abandoned what the old one asked.
  uint32_t Begin(VmId vm);
  // Undoes, in the same order and in the epoch as it is, what the VM did and its policy doesn't
  // allow any longer. A Begin() meanwhile makes a whole release of it.
  void Withdraw(VmId vm);
  bool Active(VmId vm) const { return releases_.contains(vm); }
  // VMs whose release has ended since the last call.
  std::vector<VmId> TakeFinished();

 private:
  enum class Phase : uint8_t { kResets, kClocks, kDebts, kPcie, kDomains, kEnd };
  struct Release {
    Phase phase = Phase::kResets;
    std::vector<Line> steps;  // of the phase
    size_t next = 0;
    int64_t quarantined = 0;
    bool whole = false;  // rather than a Withdraw()
  };

  bool Whole(VmId vm) const;  // a whole release is under way
  void Restart(VmId vm, bool whole);
  void Advance(VmId vm);
  void Plan(VmId vm, Release* release);
  // std::less: from root to leaf.
  template <typename Order>
  void SortByDepth(std::vector<Line>* clocks, Order order) const;
  std::vector<Line> Concerned(VmId vm, ResourceKind kind) const;
  // The VM may do what a step of the phase would undo.
  bool Allowed(VmId vm, Phase phase, Resource resource) const;
  // Starts one step; false when there was nothing to wait for.
  bool Step(VmId vm, Phase phase, Resource resource);
  bool StepReset(VmId vm, ResetId reset);
  bool StepVote(VmId vm, Resource resource);
  bool StepDebt(VmId vm, ClockId clock);
  bool StepPcie(VmId vm, PcieControllerId controller);
  void Finished(VmId vm, Resource resource, Reason why);

  Machine& machine_;
  absl::flat_hash_map<VmId, Release> releases_;
  std::vector<VmId> finished_;
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_RELEASER_H_
