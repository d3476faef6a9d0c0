// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_JUDGE_H_
#define BROKER_CORE_JUDGE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/base/ids.h"
#include "broker/core/clock_tree.h"
#include "broker/core/event.h"
#include "broker/core/inventory.h"
#include "broker/core/ledger.h"
#include "broker/core/policy.h"
#include "broker/core/view.h"
#include "broker/mrq/types.h"

namespace bpmp::core {

// What the rules say to a request, before anything is done.
struct Verdict {
  enum class Kind : uint8_t {
    kRefuse,   // `error` and `reason`; `other` is who is in the way, for EBUSY
    kSettled,  // nothing to do for the hardware; `value` is the answer where there is one
    kProceed,  // the hardware is to be called, with `value` as rate or parent where there is one
  };
  Kind kind = Kind::kRefuse;
  mrq::Error error = mrq::Error::kOk;
  Reason reason = Reason::kNone;
  VmId other;
  int64_t value = 0;
};

// All permission and all arbitration, default deny: what each request of each agent would come to
// as things stand. Reads everything and changes nothing, so that Decide() and Explain() can't
// disagree.
//
// Every call checks, in this order: that the id exists (EINVAL), the VM's access (EACCES), who else
// is concerned (EBUSY).
class Judge {
 public:
  // To a VM that is audit-only, kStrict says what its policy does, kLenient what it may all the
  // same.
  enum class Mode : uint8_t { kLenient, kStrict };
  // None of these is owned; they outlive the judge.
  Judge(const Inventory& inventory, const ClockTree& tree, const Ledger& ledger, const View& view,
        const Policy& policy, Mode mode = Mode::kLenient)
      : inventory_(inventory),
        tree_(tree),
        ledger_(ledger),
        view_(view),
        policy_(policy),
        mode_(mode) {}

  // --- Requests that change nothing ---
  Verdict Read(VmId vm, ClockId clock) const;        // GET_RATE, GET_PARENT, GET_ALL_INFO, FMAX
  Verdict IsEnabled(VmId vm, ClockId clock) const;   // kSettled, value 0 or 1
  Verdict GetState(VmId vm, DomainId domain) const;  // kSettled, value 0 or 1
  // kSettled: the current rate; kProceed: ask the firmware to round `value`.
  Verdict RoundRate(VmId vm, ClockId clock, int64_t hz) const;

  // --- Requests that change something ---
  // kSettled: the vote exists, or only the vote changes; kProceed: an edge.
  Verdict Enable(VmId vm, Resource resource) const;
  Verdict Disable(VmId vm, Resource resource) const;
  // kSettled: runs at `value` already; kProceed: set `value`, which is the request merged with
  // others'. With `max_hz` the VM states limits, [hz, max_hz], for a clock whose rate policy is
  // `range`; they count within its limits in the policy.
  Verdict SetRate(VmId vm, ClockId clock, int64_t hz,
                  std::optional<int64_t> max_hz = std::nullopt) const;
  Verdict SetParent(VmId vm, ClockId clock, ClockId parent) const;
  Verdict Reset(VmId vm, mrq::ResetCmd cmd, ResetId reset) const;

  // --- What a VM has only if its policy says so (judge_opt_in.cc) ---
  // Of a VM that doesn't have the MRQ: EINVAL, as of an MRQ that nobody has.
  Verdict Thermal(VmId vm, const mrq::ThermalRequest& request) const;
  Verdict EmcLatency(VmId vm) const;
  Verdict Pcie(VmId vm, const mrq::PcieSwitch& request) const;
  // The MRQ is one of these and the VM has it; what QUERY_ABI says.
  bool OptedIn(VmId vm, mrq::Mrq mrq) const;

  // The rate that the remaining votes ask for, for `max` and `range` clocks; 0 when nobody asks, or
  // the host pinned the rate.
  int64_t WantedRate(ClockId clock) const;
  // VMs other than `vm` that want a shared reset deasserted: they said so, or use its device.
  std::vector<VmId> Wanting(ResetId reset, VmId vm) const;
  bool Exists(Resource resource) const;
  struct Range {
    int64_t min = 0;
    int64_t max = 0;

    bool empty() const { return min > max; }
    Range With(Range other) const;  // what is in both
  };
  // The VM's own limits on a `range` clock: what it stated within what the policy says, or the
  // policy's alone where it stated none or the policy has changed since. Never empty.
  Range LimitsOf(VmId vm, ClockId clock) const;

 private:
  template <typename Id>
  Access May(VmId vm, Id id) const {
    return mode_ == Mode::kStrict ? view_.Of(vm, id) : view_.Allows(vm, id);
  }
  Access AccessOf(VmId vm, Resource resource) const;
  // Who is in the way of a VM that changes, beyond its policy, what nobody has exclusively: a VM
  // that holds the clock, or that has driven the reset.
  std::optional<VmId> UserBeside(VmId vm, ClockId clock) const;
  std::optional<VmId> UserBeside(VmId vm, ResetId reset) const;
  // By its policy; the host has none.
  const OptIns& OptInsOf(VmId vm) const;
  // The VM may do more than its policy says.
  bool BeyondPolicy(VmId vm) const { return mode_ == Mode::kLenient && view_.AuditOnly(vm); }
  VmId FirstOther(VmId vm, Line line) const;
  bool Quarantined(VmId vm, Line line) const;
  Range PolicyLimitsOf(VmId vm, ClockId clock) const;
  // `own`: the VM's own limits, for a `range` clock.
  Verdict SetRateByVotes(VmId vm, ClockId clock, int64_t hz, Range own) const;
  bool UsesDeviceOf(VmId vm, ResetId reset) const;

  const Inventory& inventory_;
  const ClockTree& tree_;
  const Ledger& ledger_;
  const View& view_;
  const Policy& policy_;
  const Mode mode_;
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_JUDGE_H_
