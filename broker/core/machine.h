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
#include "broker/core/asked.h"
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

  // What a policy would have refused, of a VM that is audit-only.
  void EmitWouldDeny(const Verdict& strict, VmId vm, Resource resource,
                     const mrq::Request& request);

  // --- Changing the ledger ---
  void Apply(Change::Kind kind, VmId vm, Resource resource, int64_t value) {
    ledger.Apply({kind, vm, resource, value});
  }
  void SetGate(Resource resource, GateState state);
  // It is on by the host alone no longer: the backend holds it for us, or it is off.
  void NoteOurs(Resource resource);
  // Records a vote (the host's is a pin), and the rate vote that comes with it.
  void CommitVote(VmId vm, Resource resource);
  // Records what a SET_RATE asked for (the host's pins the rate), where the clock's policy counts
  // votes: a rate, or limits with it as the lowest.
  struct AskedRate {
    int64_t hz = 0;
    std::optional<int64_t> max_hz;
  };
  void CommitRateVote(VmId vm, ClockId clock, AskedRate asked, int64_t real_hz);
  // A VM that enables a clock votes for the rate that it was told, within its own limits; a rate
  // that isn't known is read first. Under `first`, who comes first has the lock.
  void VoteForToldRate(VmId vm, ClockId clock);
  // The same for all that hold the clock, once its rate is known.
  void CatchUpRateVotes(ClockId clock);
  // Drops it, with the rate vote, and the residue that the VM's vote ends. A lock on the rate goes
  // to who came next. No hardware call.
  void DropVote(VmId vm, Resource resource);
  // It was found on, is the VM's by its policy, and nobody has used it since.
  bool IsResidueOf(VmId vm, Line line) const;
  // A reset that the VM's release couldn't assert, and nobody uses since: it is in quarantine, and
  // an administrator says when it is fit for use.
  bool IsForAdmin(VmId vm, Line line) const;
  // Nobody holds it and it isn't to be left on.
  bool Unheld(Resource resource) const;
  Admission AdmissionOf(VmId vm) const;

  // --- What follows from changes ---
  // GET_ALL_INFO for the VM, which is recorded where it makes the VM rely on the host's pin.
  mrq::ClkInfo ShowInfo(VmId vm, ClockId clock);
  // A clock has a new parent: permissions follow the ancestors.
  void NoteParent(ClockId clock, ClockId parent);
  // After a holder left: votes of the others may ask for another rate, the last pays what is owed,
  // and what would have disturbed it is done now.
  void Resettle(VmId vm, Resource resource);
  // `vm` no longer stands on the clock: tries again what it was in the way of.
  void Unblock(VmId vm, ClockId clock);
  // After a vote was dropped: a shared reset that nobody wants deasserted any longer is asserted
  // where that is owed.
  void SettleResets(VmId vm, Resource resource);
  // Asserts a shared reset if that is owed, and nobody wants it deasserted any longer.
  void PayAssert(VmId vm, ResetId reset);
  // A VM wanted the shared reset asserted or pulsed, and others need it as it is.
  void Withhold(VmId vm, ResetId reset, mrq::ResetCmd cmd);
  // In doubt: to be tried again, or quarantined for `vm` when that was enough.
  void Doubt(VmId vm, Resource resource);
  void Quarantine(VmId vm, Resource resource, Reason reason, int32_t error);
  // Resets to pulse because `vm` uses a device with `on_grant: pulse` for the first time in its
  // epoch.
  std::vector<ResetId> TakeGrantPulses(VmId vm, Resource resource);
  bool HasGrantPulses(VmId vm, Resource resource) const;
  // Answers a vote that was recorded, after such pulses where there are any.
  void AnswerVote(Waiter waiter, Resource resource, Reason reason);
  // Whether a power domain of the VM's device with this reset is on; absent where the device has no
  // domain, or none that is known.
  std::optional<bool> Powered(VmId vm, ResetId reset) const;
  // `vm` was given the clock with `clocks_on_exit: leave`.
  bool LeavesClock(VmId vm, ClockId clock) const;
  // Pays what the clock owes; `done` runs at the end, as that of an operation.
  void Restore(VmId vm, ClockId clock, Op::DoneFn done);
  // The rate or parent was set back. A rate stays owed for as long as something above the clock
  // isn't as it was, because it will move once more with that.
  void Paid(VmId vm, ClockId clock, bool parent);
  // A clock above owes its boot rate.
  bool AncestorOwes(ClockId clock) const;
  // Pays what fell due, or gives the clock the rate that the votes ask for. What fails is tried
  // again by maintenance; a debt is then quarantined.
  void Settle(VmId vm, ClockId clock);
  // The domain was turned on for `vm`.
  void OnPowered(VmId vm, Resource domain);
  // Who would be wronged if `vm` (or kNobody, for what the broker does by itself) moved the clock:
  // a VM that holds it exclusively, has its lock, or holds it where its rate is fixed; the host
  // where it pinned the rate. Absent: nobody.
  std::optional<VmId> ReliedOn(VmId vm, ClockId clock) const;
  // The same for anything that the clock feeds.
  std::optional<VmId> FeedsReliedOn(VmId vm, ClockId clock) const;
  // The VM that has the clock exclusively and has set its rate or parent, whether it holds it yet
  // or not.
  std::optional<VmId> SetByOwner(ClockId clock) const;
  // `vm` asked for the rate or parent that the clock already has: if somebody before it left them
  // so, they are its own now and not undone before its release.
  void Claim(VmId vm, ClockId clock);
  // The boot rate or parent is owed, and no VM holds or has changed the clock, or votes on its
  // rate.
  bool DebtDue(ClockId clock) const;
  // The VM's devices, and those that it had, in this order.
  std::vector<const DeviceUse*> DevicesOf(VmId vm) const;
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
  Asked requested;
  const Judge judge;
  const Judge strict_judge;  // for VMs that are audit-only
  Scheduler scheduler;

  struct Doubtful {
    VmId vm;  // whose vote ended, or failed to begin, in doubt
    int tried = 0;
  };
  absl::flat_hash_map<Resource, Doubtful> doubtful;  // and not quarantined
  absl::flat_hash_map<ClockId, Doubtful> unsettled;  // Settle() failed
  // Would move what somebody relies on, and who that is: to be settled when it leaves a relative.
  absl::flat_hash_map<ClockId, VmId> blocked;
  // Owe what can't be set without power: to be settled when a domain was turned on.
  absl::flat_hash_set<ClockId> unpowered;
  // What the firmware has said of itself and says the same of each time: at most a few dozen.
  std::vector<std::pair<mrq::Request, mrq::Response>> answers;
  const mrq::Response* Told(const mrq::Request& request) const {
    for (const auto& [asked, answer] : answers) {
      if (asked == request) return &answer;
    }
    return nullptr;
  }
  // What a pin lacked may be there: a domain was turned on, or a VM has left, since somebody
  // looked.
  bool way_is_free = false;
  absl::flat_hash_map<VmId, Admission> admissions;       // but for kOpen
  absl::flat_hash_set<std::pair<VmId, size_t>> granted;  // devices used in this epoch
  // In Hz, as the firmware said when somebody asked: it never changes.
  absl::flat_hash_map<ClockId, int64_t> fmax_at_vmin;
  // Devices that a VM had by an earlier policy, until it is released: what it still does with them
  // ends as that policy said.
  absl::flat_hash_map<VmId, std::vector<DeviceUse>> retired;
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_MACHINE_H_
