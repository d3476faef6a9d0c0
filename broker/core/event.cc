// SPDX-License-Identifier: Apache-2.0
#include "broker/core/event.h"

#include <array>
#include <cstddef>

namespace bpmp::core {
namespace {

struct ReasonEntry {
  Reason reason;
  std::string_view name;
  std::string_view text;
};

constexpr std::array kReasons = {
    ReasonEntry{Reason::kNone, "none", "no reason is recorded"},
    ReasonEntry{Reason::kLocal, "local", "the broker answers this itself"},
    ReasonEntry{Reason::kReadable, "readable", "the VM may read it"},
    ReasonEntry{Reason::kOwnVote, "own-vote", "the answer is the VM's own vote"},
    ReasonEntry{Reason::kAlreadyVoted, "already-voted", "the VM votes for it already"},
    ReasonEntry{Reason::kOthersHold, "others-hold",
                "only the vote changes: others keep the hardware as it is"},
    ReasonEntry{Reason::kEdge, "edge", "the hardware is called"},
    ReasonEntry{Reason::kInFlight, "in-flight", "it waits for a transfer in flight"},
    ReasonEntry{Reason::kNoVote, "no-vote", "the VM has no vote to drop, so nothing changes"},
    ReasonEntry{Reason::kCurrentRate, "current-rate", "the clock already has this rate"},
    ReasonEntry{Reason::kCurrentParent, "current-parent", "the clock already has this parent"},
    ReasonEntry{Reason::kRateLocked, "rate-locked",
                "the VM may not set the rate, so the answer is the current one"},
    ReasonEntry{Reason::kWanted, "wanted", "another VM wants this shared reset deasserted"},
    ReasonEntry{Reason::kReset, "reset", "the reset line is driven"},
    ReasonEntry{Reason::kNotPermitted, "not-permitted", "the VM's policy doesn't allow it"},
    ReasonEntry{Reason::kDrained, "drained", "the VM is drained and takes nothing"},
    ReasonEntry{Reason::kParentNotAllowed, "parent-not-allowed",
                "the new parent is no candidate of the clock, or the VM may not use it"},
    ReasonEntry{Reason::kFixedRate, "fixed-rate", "the clock's rate policy is 'fixed'"},
    ReasonEntry{Reason::kOtherHolder, "other-holder", "another VM or the host holds it"},
    ReasonEntry{Reason::kPinnedRate, "pinned-rate", "the host pinned the rate"},
    ReasonEntry{Reason::kRateTaken, "rate-taken",
                "the clock's rate policy is 'first', and another VM came first"},
    ReasonEntry{Reason::kDisjointRange, "disjoint-range", "no rate is within everybody's limits"},
    ReasonEntry{Reason::kMovesOthers, "moves-others",
                "it moved another VM's exclusive clock, and was undone"},
    ReasonEntry{Reason::kQuarantined, "quarantined",
                "a release failed on it; an administrator must clear it first"},
    ReasonEntry{Reason::kUnknownId, "unknown-id", "there is no such id"},
    ReasonEntry{Reason::kBadArgument, "bad-argument", "a value is out of range"},
    ReasonEntry{Reason::kNotByRange, "not-by-range", "the clock's rate policy isn't 'range'"},
    ReasonEntry{Reason::kOutsideLimits, "outside-limits",
                "no rate of the range is within the VM's limits in the policy"},
    ReasonEntry{Reason::kNotForwarded, "not-forwarded", "no VM may use this request"},
    ReasonEntry{Reason::kNotOptedIn, "not-opted-in", "the VM's policy doesn't opt in to this MRQ"},
    ReasonEntry{Reason::kUnpowered, "unpowered", "its power domain is off"},
    ReasonEntry{Reason::kReleasing, "releasing", "it waits for the VM's release to end"},
    ReasonEntry{Reason::kStaleEpoch, "stale-epoch", "the VM was released since it was asked"},
    ReasonEntry{Reason::kFirmwareRefused, "firmware-refused", "the firmware refused"},
    ReasonEntry{Reason::kBackendFailed, "backend-failed", "the transfer failed and had no effect"},
    ReasonEntry{Reason::kTimedOut, "timed-out", "there was no answer in time"},
};
static_assert(kReasons.size() == static_cast<size_t>(Reason::kReasonCount));

constexpr bool ReasonsInOrder() {
  for (size_t i = 0; i < kReasons.size(); ++i) {
    if (static_cast<size_t>(kReasons[i].reason) != i) return false;
  }
  return true;
}
static_assert(ReasonsInOrder(), "the table is indexed by Reason");

constexpr std::array<std::string_view, static_cast<size_t>(EventKind::kEventKindCount)>
    kEventKinds = {"vote",         "edge",       "edge-failed", "endpoint-pll", "rate",
                   "parent",       "moved",      "reset",       "denied",       "conflict",
                   "would-deny",   "unbalanced", "withheld",    "unknown",      "quarantined",
                   "cleared",      "pinned",     "vm-defined",  "vm-deleted",   "release-started",
                   "release-step", "released"};
static_assert(!kEventKinds.back().empty(), "every kind has a name");

}  // namespace

std::string_view ReasonName(Reason reason) { return kReasons[static_cast<size_t>(reason)].name; }
std::string_view ReasonText(Reason reason) { return kReasons[static_cast<size_t>(reason)].text; }
std::string_view EventKindName(EventKind kind) { return kEventKinds[static_cast<size_t>(kind)]; }

}  // namespace bpmp::core
