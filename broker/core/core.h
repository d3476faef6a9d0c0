// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_CORE_H_
#define BROKER_CORE_CORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/base/ids.h"
#include "broker/core/event.h"
#include "broker/core/inventory.h"
#include "broker/core/policy.h"
#include "broker/core/policy_diff.h"
#include "broker/core/profile.h"
#include "broker/core/resource.h"
#include "broker/mrq/types.h"

namespace bpmp::core {

// One request of an agent. It belongs to the VM's present epoch: what waits when a release begins
// is answered -EAGAIN, and what comes while it runs waits for its end.
struct Call {
  VmId vm;
  Ticket ticket;
  mrq::Request request;
  // What the protocol has no words for. Of a SET_RATE of a clock that goes by `range`: the highest
  // rate that suits the VM, in Hz; the request's own is then the lowest, and both last as long as
  // the VM's rate vote.
  std::optional<int64_t> max_rate_hz;
};

// A call of the backend that the core asks for.
struct Transfer {
  TransferId id;
  VmId vm;  // on whose behalf, for fairness
  mrq::Request request;
  // Never to be refused for having waited long: it comes before what else the VM has queued, and
  // its time begins when it is sent.
  bool patient = false;
};

// The answer to a call that had to wait.
struct Reply {
  Ticket ticket;
  mrq::Response response;
  Reason reason = Reason::kNone;
};

// What follows from one step of the core: calls to start and callers to answer, in this order.
struct Effects {
  std::vector<Transfer> transfers;
  std::vector<Reply> replies;
};

// What a transfer came to.
struct Outcome {
  enum class Kind : uint8_t {
    kAnswered,  // `response` is the firmware's
    kFailed,    // it did not reach the firmware: no effect
    kLost,      // it may or may not have had its effect
  };
  Kind kind = Kind::kAnswered;
  mrq::Response response;
  // What a caller is told for kFailed.
  mrq::Error failure = mrq::Error::kIo;
};
// DeadlineExceeded is kLost, any other error kFailed: kAgain for ResourceExhausted (the backend had
// no room for it), else kIo.
Outcome OutcomeOf(const absl::StatusOr<mrq::Response>& result);

struct Decision {
  enum class Kind : uint8_t {
    kReply,  // `response` is the answer
    kRun,    // a transfer was started for it; the answer comes by its ticket
    kWait,   // it waits for what is in flight; the answer comes by its ticket
  };
  Kind kind = Kind::kReply;
  Reason reason = Reason::kNone;
  mrq::Response response;
};

// --- Answers for people and tools ---------------------------------------------------------------

struct RateVote {
  VmId vm;
  int64_t hz = 0;
  // The limits that the VM stated; 0: none.
  int64_t min_hz = 0;
  int64_t max_hz = 0;
};

struct ResourceStatus {
  Resource resource;
  std::string name;
  GateState gate = GateState::kOff;         // of all but resets
  ResetState reset = ResetState::kUnknown;  // resets
  std::vector<VmId> holders;                // who holds it, or has it on; the host (kHost) first
  std::vector<VmId> implied;                // VMs that rely on the host's pin
  std::vector<VmId> exclusive;              // who has it exclusively; at most one unless shared
  bool pinned = false;                      // held by the host by configuration or command
  bool found_on = false;                    // held by the host since it was found on
  bool residue = false;                     // kept on, held by nobody
  bool busy = false;                        // a transfer is in flight or waits
  std::optional<VmId> quarantined_for;      // the VM whose release failed on it
  bool owes = false;                        // its boot rate or parent, or an ASSERT of a reset
  // Clocks only.
  int64_t rate_hz = 0;            // last known
  std::optional<ClockId> parent;  // current
  uint32_t flags = 0;
  RatePolicy rate_policy = RatePolicy::kOwner;
  std::vector<RateVote> rate_votes;
  std::optional<int64_t> pinned_rate_hz;
  // Resets only.
  bool shared = false;
};

// What a VM may take.
enum class Admission : uint8_t {
  kOpen,
  kLeaving,  // whoever uses it goes on; it isn't free before that has ended
  kClosed,   // nothing: only giving up and reading go on
};

struct VmStatus {
  VmId vm;
  std::string name;
  uint32_t epoch = 0;
  bool releasing = false;
  bool defined = true;  // false once deleted from the policy
  bool audit_only = false;
  Admission admission = Admission::kOpen;
  uint32_t clock_votes = 0;
  uint32_t domain_votes = 0;
  uint32_t waiting = 0;  // calls that wait for an answer
};

// The least that a VM's requests need, and what should be known of it, one line each.
struct Suggestion {
  VmSpec spec;  // devices, clocks, resets, domains, opt-ins; the rest is left empty
  std::vector<std::string> notes;
};

// What the core would do with a request, and why, without doing it.
struct Explanation {
  Reason reason = Reason::kNone;
  int32_t error = 0;         // as the VM would be answered
  bool edge = false;         // the hardware would be called
  std::vector<VmId> others;  // who holds it or is in the way
  std::string text;          // whole sentences, with names
};

struct Options {
  // How often a resource in doubt is tried again before it is quarantined.
  int max_retries = 3;
  // The backend counts the host's own use apart from ours, and neither side can switch off what the
  // other uses. What was found on may then be on by the host alone: the first vote for it is told
  // to the backend all the same.
  bool host_counts_apart = false;
};

// The arbiter: permissions, votes, edges in flight, rates, resets, releases. A pure state machine:
// it performs no I/O, starts no threads and reads no clock; it is told what happened and says what
// follows. Not thread-safe: its owner (backend/engine.h) serialises all calls.
//
// Life: construct, Start() once, then any of the others in any order. Every call that has an
// Effects* appends to it.
class Core {
 public:
  // `inventory` must have been through Sanitize(); `policy` compiled against it. `observer` is not
  // owned and outlives the core.
  Core(Inventory inventory, Profile profile, Policy policy, Observer* observer,
       Options options = {});
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Takes over what was found on and applies the configured pins.
  void Start(Effects* effects);

  // --- Requests ---

  // Decides one request. REQUIRES: `call.ticket` waits for no other answer. With kReply the ticket
  // is free again at once. The host (kHost) may call too: its ENABLE and DISABLE pin and unpin, its
  // SET_RATE pins the rate.
  Decision Decide(const Call& call, Effects* effects);

  // A transfer is over. Each Transfer is completed exactly once.
  void Complete(TransferId transfer, const Outcome& outcome, Effects* effects);

  // A transfer has passed its deadline and hasn't returned: a release stops waiting for it.
  // Complete() still follows.
  void Overdue(TransferId transfer, Effects* effects);

  // The caller of `ticket` can't wait longer: it is answered now. What was asked may still happen,
  // so that a vote that was to be dropped is dropped, and one that nobody waits for is not
  // recorded. No effect on a ticket that doesn't wait.
  void Expire(Ticket ticket, Effects* effects);

  // --- Lives ---

  // Undoes all that `vm` did, in order, and starts a new epoch; returns it. Finished when the
  // kReleased event comes and IsReleasing() is false. During a release, begins only a new epoch.
  uint32_t Release(VmId vm, Effects* effects);
  bool IsReleasing(VmId vm) const;
  uint32_t EpochOf(VmId vm) const;
  // kOpen at first, and again once the VM has left the policy. What was begun before it closes goes
  // on: who wants it undone releases the VM.
  void SetAdmission(VmId vm, Admission admission);
  // The VM holds nothing, neither a release nor a transfer of it is in flight, nothing of it is in
  // doubt and still tried again, and nothing that was found on waits for it. It isn't kLeaving.
  // What is quarantined doesn't count: nothing more is going to happen to it.
  bool IsFree(VmId vm) const;

  // Tries again what is in doubt. To be called from time to time while NeedsMaintenance().
  void Maintain(Effects* effects);
  bool NeedsMaintenance() const;

  // --- Policy and administration ---

  // What becomes of what a VM did and, by a new policy, may no longer do.
  enum class Unallowed : uint8_t {
    kKeep,  // it stays until the VM drops it or is released, which nothing forbids
    kDrop,  // undone as by a release, in its order; what the VM asks meanwhile waits for the end
  };
  // Replaces the policy. VMs are matched by name; new ones get new slots; those that are gone must
  // have been released (FailedPrecondition otherwise, and nothing changes). The host's pins become
  // those of the new policy, and rate votes follow the new rate policies.
  absl::Status Install(Policy policy, Effects* effects, Unallowed unallowed = Unallowed::kKeep);
  // What Install() would change. `next` is compiled against the core's inventory.
  PolicyDifference Compare(const Policy& next) const;

  // Declares the resource fit for use again. NotFound when it wasn't quarantined.
  absl::Status ClearQuarantine(Resource resource, Effects* effects);

  // --- Looking ---

  std::optional<VmId> FindVm(std::string_view name) const;  // defined VMs
  std::string NameOf(VmId vm) const;                        // "host" for kHost
  std::string NameOf(Resource resource) const;              // "uarta"; "clock 13" for a hole
  std::optional<Resource> FindResource(ResourceKind kind, std::string_view name_or_id) const;
  std::vector<VmStatus> Vms() const;
  std::optional<ResourceStatus> Status(Resource resource) const;
  // All that exist, by id; of PCIe controllers those that some VM has or had on.
  std::vector<Resource> Resources(ResourceKind kind) const;
  std::vector<Resource> Quarantined() const;
  // What the policy pins and the host doesn't hold, or not at its rate, because that
  // was refused too often: by the firmware, or for a VM that is in the way. Tried again when a
  // power domain was turned on, a VM was released, or the pin changes.
  std::vector<Resource> FailedPins() const;
  // `max_rate_hz`: as of Call.
  Explanation Explain(VmId vm, const mrq::Request& request,
                      std::optional<int64_t> max_rate_hz = std::nullopt) const;
  // The VMs that are told of the zone's trips: those whose policy names it. Audit-only adds none,
  // as it shows what a VM asks for, and this isn't asked for.
  std::vector<VmId> WhoHears(ThermalZoneId zone) const;
  // The least by which the VM may do what it has asked for since it got its slot, whether that was
  // allowed or not.
  Suggestion Suggest(VmId vm) const;
  // How many clocks feed this one at present, up to the root; 0 for what is no clock.
  int Depth(ClockId clock) const;
  const Inventory& inventory() const;
  const Profile& profile() const;
  // Access of a VM to a resource, and whether it comes from the closure over ancestors alone.
  struct Grant {
    Access access = Access::kNone;
    bool derived = false;
  };
  Grant GrantOf(VmId vm, Resource resource) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_CORE_H_
