// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_MACHINE_H_
#define BROKER_CORE_MACHINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "broker/base/ids.h"
#include "broker/core/clock_tree.h"
#include "broker/core/core.h"
#include "broker/core/event.h"
#include "broker/core/inventory.h"
#include "broker/core/judge.h"
#include "broker/core/ledger.h"
#include "broker/core/names.h"
#include "broker/core/policy.h"
#include "broker/core/profile.h"
#include "broker/core/scheduler.h"
#include "broker/core/view.h"

namespace bpmp::core {

// The parts of the core, put together, and the few steps that several of them share. Everything in
// here is internal to the core: the public face is core.h.
struct Machine {
  Machine(Inventory inventory_in, Profile profile_in, Policy policy_in, Observer* observer_in,
          Options options_in);

  // --- Saying what happened ---
  void Emit(EventKind kind, VmId vm, Resource resource, int64_t value = 0,
            Reason reason = Reason::kNone, int32_t error = 0);
  void EmitOther(EventKind kind, VmId vm, VmId other, Resource resource, int64_t value = 0);
  // A refusal, as kDenied or kConflict.
  void EmitRefusal(const Verdict& verdict, VmId vm, Resource resource, uint32_t mrq, uint32_t cmd);

  // --- Changing the ledger ---
  void Apply(Change::Kind kind, VmId vm, Resource resource, int64_t value) {
    ledger.Apply({kind, vm, resource, value});
  }
  void SetGate(Resource resource, GateState state);
  // Records a vote (the host's is a pin), and the rate vote that comes with it.
  void CommitVote(VmId vm, Resource resource);
  // Records what a SET_RATE asked for (the host's pins the rate), where the clock's policy counts
  // votes.
  void CommitRateVote(VmId vm, ClockId clock, int64_t asked_hz, int64_t real_hz);
  // Drops it, with the rate vote, and the residue that the VM's vote ends. No hardware call.
  void DropVote(VmId vm, Resource resource);
  // Nobody holds it and it isn't to be left on.
  bool Unheld(Resource resource) const;

  // --- What follows from changes ---
  // GET_ALL_INFO for the VM, which is recorded where it makes the VM rely on the host's pin.
  mrq::ClkInfo ShowInfo(VmId vm, ClockId clock);
  // A clock has a new parent: permissions follow the ancestors.
  void NoteParent(ClockId clock, ClockId parent);
  // After a holder left: votes of the others may ask for another rate, and the last pays what is
  // owed.
  void Resettle(VmId vm, Resource resource);
  // In doubt: to be tried again, or quarantined for `vm` when that was enough.
  void Doubt(VmId vm, Resource resource);
  void Quarantine(VmId vm, Resource resource, Reason reason, int32_t error);
  // Resets to pulse because `vm` uses a device with `on_grant: pulse` for the first time in its
  // epoch.
  std::vector<ResetId> TakeGrantPulses(VmId vm, Resource resource);
  bool HasGrantPulses(VmId vm, Resource resource) const;
  // Answers a vote that was recorded, after such pulses where there are any.
  void AnswerVote(Waiter waiter, Resource resource, Reason reason);
  // Whether a power domain of the VM's device with this reset is on by the broker's record; absent
  // where the device has no domain.
  std::optional<bool> Powered(VmId vm, ResetId reset) const;
  // `vm` was given the clock with `clocks_on_exit: keep`.
  bool LeavesClock(VmId vm, ClockId clock) const;
  // Pays what the clock owes; `done` runs at the end, with whether that went well.
  void Restore(VmId vm, ClockId clock, std::function<void(bool)> done);
  // The same for a debt that fell due when a holder left: what fails is tried again by maintenance,
  // then quarantined.
  void Pay(VmId vm, ClockId clock);
  // `vm` asked for the rate or parent that the clock already has: if somebody before it left them
  // so, they are its own now and not undone before its release.
  void Claim(VmId vm, ClockId clock);
  // The boot rate or parent is owed, and no VM holds or has changed the clock.
  bool DebtDue(ClockId clock) const;
  // `vm` uses the device now, by voting for `resource`, and has not before in this epoch.
  bool FirstUse(VmId vm, size_t device, Resource resource) const;

  Inventory inventory;
  const Profile profile;
  const Names names;
  Policy policy;
  Observer* const observer;
  const Options options;
  ClockTree tree;
  Ledger ledger;
  View view;
  const Judge judge;
  Scheduler scheduler;

  struct Doubtful {
    VmId vm;  // whose vote ended, or failed to begin, in doubt
    int tried = 0;
  };
  absl::flat_hash_map<Resource, Doubtful> doubtful;      // and not quarantined
  absl::flat_hash_map<ClockId, Doubtful> unpaid;         // debts that fell due and failed
  absl::flat_hash_set<std::pair<VmId, size_t>> granted;  // devices used in this epoch
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_MACHINE_H_
