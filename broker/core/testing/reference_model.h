// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_TESTING_REFERENCE_MODEL_H_
#define BROKER_CORE_TESTING_REFERENCE_MODEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/ids.h"
#include "broker/core/testing/board_ids.h"
#include "broker/mrq/types.h"

namespace bpmp::core::testing {

// What must be true of the board after any history, written down a second time and in another way:
// it shares no code with the core, only the messages. It hears what was asked and how that was
// answered, in the order of asking, and when everything is at rest it says who votes for what and
// what the hardware must look like. What it can't know (a caller gave up, an error after which
// either is possible) it takes from the hardware and remembers as loose.
class ReferenceModel {
 public:
  using Op = size_t;

  ReferenceModel();

  // --- History ---

  Op Ask(VmId vm, const mrq::Request& request);
  // The answer of the core; a complaint if no history allows it, else empty.
  std::string Answer(Op op, const mrq::Response& response);
  // The caller went away before the answer.
  void GiveUp(Op op);
  // The VM died here: after all that it asked before, before all that it asks from now on.
  void Release(VmId vm);
  // Everything asked has been answered and the hardware is still: digests what happened.
  void Rest();

  // --- After Rest() ---

  bool Votes(VmId vm, ClockId clock) const { return votes_[vm.value()][clock.value()]; }
  bool Votes(VmId vm, DomainId domain) const {
    return votes_[vm.value()][kClockCount + domain.value()];
  }
  bool Implied(VmId vm, ClockId clock) const { return implied_[vm.value()][clock.value()]; }
  // The hardware must be on; must be off otherwise.
  bool On(ClockId clock) const { return OnAt(clock.value()); }
  bool On(DomainId domain) const { return OnAt(kClockCount + domain.value()); }

  // Compares a clock's rate and parent; a complaint, or empty. `in_doubt`: the core says that it
  // doesn't know either.
  std::string CheckTune(ClockId clock, int64_t rate_hz, ClockId parent, bool in_doubt);
  // The same for a reset line.
  std::string CheckReset(ResetId reset, std::optional<bool> asserted, bool in_doubt);

  // --- Rights, as the board's policy was meant ---

  enum class Right : uint8_t { kNone, kGet, kVote, kExclusive };
  Right Of(VmId vm, ClockId clock) const { return rights_[vm.value()][clock.value()]; }
  // The VM must be refused with EACCES whatever the state.
  bool Forbidden(VmId vm, const mrq::Request& request) const;

 private:
  static constexpr size_t kGates = kClockCount + kDomainCount;

  enum class Fate : uint8_t { kPending, kAnswered, kGaveUp, kDeath };
  struct Entry {
    VmId vm;
    mrq::Request request;
    Fate fate = Fate::kPending;
    mrq::Response response;
  };
  // A clock's rate or parent.
  struct Value {
    int64_t boot = 0;
    int64_t is = 0;
    bool certain = true;        // of `is`
    bool perhaps_boot = false;  // what the dead owner left may have been undone
  };
  struct Tune {
    std::optional<VmId> owner;  // who alone may change it; none: not modelled
    Value rate;
    Value parent;
    bool changed = false;          // by the owner in its present life
    bool perhaps_changed = false;  // ... or an error says that it may have
    bool owed = false;  // it must be as at boot once the owner is dead and nobody holds it
  };
  struct Line {
    std::optional<VmId> owner;  // none: shared, or nobody's
    bool domain = false;        // its release depends on a power domain
    std::optional<bool> asserted;
    bool touched = false;  // deasserted or pulsed by the owner in its present life
    bool perhaps_touched = false;
    bool certain = true;
  };

  bool OnAt(size_t gate) const;
  void Give(VmId vm, Right right, std::initializer_list<ClockId> clocks);
  void Own(VmId vm, std::initializer_list<ClockId> clocks);
  void Digest(const Entry& entry);
  void DigestClk(const Entry& entry, const mrq::ClkRequest& request);
  void DigestTune(const Entry& entry, const mrq::ClkRequest& request);
  void DigestReset(const Entry& entry, const mrq::ResetRequest& request);
  void DigestPg(const Entry& entry, const mrq::PgRequest& request);
  void Die(VmId vm);
  void SetVote(const Entry& entry, size_t gate, bool on);
  std::string CheckOrder(Op op) const;

  std::vector<Entry> entries_;  // since the last rest
  std::array<std::array<Right, kClockCount>, kAgents> rights_{};
  std::array<std::array<bool, kGates>, kAgents> votes_{};
  std::array<std::array<bool, kClockCount>, kAgents> implied_{};
  std::array<bool, kGates> residue_{};
  std::array<Tune, kClockCount> tunes_{};
  std::array<Line, kResetCount> lines_{};
  std::array<std::optional<bool>, kAgents> wants_video_{};  // last word of vic-vm and nvdec-vm
};

}  // namespace bpmp::core::testing

#endif  // BROKER_CORE_TESTING_REFERENCE_MODEL_H_
