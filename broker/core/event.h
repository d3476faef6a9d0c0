// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_EVENT_H_
#define BROKER_CORE_EVENT_H_

#include <cstdint>
#include <string_view>

#include "broker/base/ids.h"
#include "broker/core/resource.h"

namespace bpmp::core {

// Why the core decided as it did: one value for each rule, so that logs, metrics and `why-denied`
// all speak of the same thing.
enum class Reason : uint8_t {
  kNone,
  kLocal,             // answered by the broker itself
  kReadable,          // a read of something in the VM's view
  kOwnVote,           // the VM's own vote is the answer
  kAlreadyVoted,      // enabled again by a holder
  kOthersHold,        // a vote added or dropped; others hold it, so the hardware isn't touched
  kEdge,              // the hardware is called
  kInFlight,          // joins or follows a transfer in flight
  kNoVote,            // a disable without a vote of its own: success, counted as unbalanced
  kCurrentRate,       // asked for the rate that it already has
  kCurrentParent,     // asked for the parent that it already has
  kRateLocked,        // ROUND_RATE of a clock that the VM may not set: the current rate
  kWanted,            // a shared reset that another VM wants deasserted
  kReset,             // a reset of its own
  kNotPermitted,      // policy (EACCES)
  kDrained,           // the VM is drained and takes nothing (EACCES)
  kParentNotAllowed,  // a new parent that is no candidate, or that the VM may not use (EACCES)
  kFixedRate,         // the clock's rate policy is `fixed` (EACCES)
  kOtherHolder,       // another VM or the host holds it (EBUSY)
  kPinnedRate,        // the host pinned the rate (EBUSY)
  kRateTaken,         // `first`: another VM came first (EBUSY)
  kDisjointRange,     // `range`: no rate suits everybody (EBUSY)
  kMovesOthers,       // the change moved another VM's exclusive clock and was undone (EBUSY)
  kQuarantined,       // a failed release left it in doubt (EBUSY)
  kUnknownId,         // no such id (EINVAL)
  kBadArgument,       // a value out of range (EINVAL)
  kNotByRange,        // limits for a clock whose rate policy isn't `range` (EINVAL)
  kOutsideLimits,     // limits that have nothing in common with the VM's in the policy (EINVAL)
  kNotForwarded,      // an MRQ that no VM may use (EINVAL)
  kNotOptedIn,        // an MRQ that a VM may use only if its policy says so (EINVAL)
  kUnpowered,         // its power domain is off: skipped
  kReleasing,         // waits for the release of the VM's last epoch
  kStaleEpoch,        // asked before the VM was released (EAGAIN)
  kFirmwareRefused,   // the firmware's own error
  kBackendFailed,     // the transfer failed and had no effect (EIO)
  kTimedOut,          // no answer within the deadline (ETIMEDOUT)
  kReasonCount
};

// "not-permitted": for metrics and JSON.
std::string_view ReasonName(Reason reason);
// "the VM's policy doesn't allow it": for people.
std::string_view ReasonText(Reason reason);

enum class EventKind : uint8_t {
  kVote,            // vm votes for resource; value 1, or dropped: 0
  kEdge,            // hardware turned resource on (value 1) or off (0) for vm
  kEdgeFailed,      // it didn't; error and reason say why
  kEndpointPll,     // hardware turned the PLL of an endpoint's controller on (1) or off (0) for vm
  kRate,            // resource has a new rate, value in Hz, set by vm
  kParent,          // resource has a new parent, value its id, set by vm
  kMoved,           // vm's change moved resource, held by `other`, to value Hz
  kReset,           // vm asserted (0), deasserted (1) or pulsed (2) resource
  kDenied,          // error EACCES or EINVAL; reason says which rule
  kConflict,        // error EBUSY; `other` is who is in the way
  kWouldDeny,       // as kDenied, but allowed because vm is audit-only
  kUnbalanced,      // a disable without a vote
  kWithheld,        // vm's ASSERT (value 0) or pulse (2) of a shared reset, which `other` needs
  kUnknown,         // resource's state is in doubt
  kQuarantined,     // resource is not given to another VM than `vm` until cleared
  kCleared,         // ... and is again
  kPinned,          // the host holds resource (value 1) or no longer does (0)
  kVmDefined,       // vm has an entry in the policy
  kVmDeleted,       // ... and no longer
  kReleaseStarted,  // value: the new epoch
  kReleaseStep,     // one step that was skipped or failed: resource, error, reason
  kReleased,        // value: how many resources were quarantined
  kEventKindCount
};
std::string_view EventKindName(EventKind kind);  // "edge-failed"

// Something that happened, small enough to be made on the hot path. Which fields count is said at
// the kind.
struct Event {
  EventKind kind = EventKind::kVote;
  Reason reason = Reason::kNone;
  VmId vm;
  VmId other;
  Resource resource;
  uint32_t mrq = 0;  // of the request that led to it, where there was one
  uint32_t cmd = 0;
  int32_t error = 0;  // 0 or a negative BPMP error
  int64_t value = 0;
};

// One change of the core's durable state: replaying all of them in order rebuilds it.
struct Change {
  enum class Kind : uint8_t {
    kVote,        // vm's vote on resource: value 0 or 1
    kImplied,     // vm was shown that the host keeps resource on, and relies on it: value 0 or 1
    kPinned,      // the host pins resource: value 0 or 1
    kFound,       // the host holds resource because it was found on: value 0 or 1
    kResidue,     // resource was found on, belongs to a VM, and stays on until it ends: 0 or 1
    kForeign,     // resource was found on, and perhaps not by the backend for us: 0 or 1
    kGate,        // hardware state of resource: value is a GateState
    kRateVote,    // vm's rate vote on resource, value in Hz; 0 drops it
    kRateMin,     // vm takes no lower rate of resource, value in Hz; 0 ends that
    kRateMax,     // ... no higher rate
    kRatePin,     // the host pinned resource's rate, value in Hz; 0 drops it
    kRateLock,    // `first`: vm locks resource's rate: value 0 or 1
    kBootRate,    // resource owes its boot rate, value in Hz; 0: paid
    kBootParent,  // resource owes its boot parent, value its id + 1; 0: paid
    kDebtor,      // vm changed resource's rate or parent: value 0 or 1
    kResetState,  // hardware state of resource: value is a ResetState
    kResetMark,   // vm's mark on a reset: value is a set of ResetMark bits
    kAssertOwed,  // a shared reset is to be asserted when nobody wants it deasserted: 0 or 1
    kQuarantine,  // resource is kept from all but vm: value 0 or 1
    kEpoch,       // vm's epoch: value
    kPcieMark,    // what vm may have on of a PCIe controller: value is a set of PcieMark bits
  };
  Kind kind = Kind::kVote;
  VmId vm;
  Resource resource;
  int64_t value = 0;
};

// Hears of everything the core does, in order, in the caller's thread and under the caller's lock:
// it must be quick and must not call back into the core.
class Observer {
 public:
  virtual ~Observer() = default;
  // Before the change is made and before any hardware call that follows from it. The journal's
  // seam.
  virtual void OnChange(const Change&) {}
  virtual void OnEvent(const Event&) {}
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_EVENT_H_
