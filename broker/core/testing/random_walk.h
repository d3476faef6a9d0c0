// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_TESTING_RANDOM_WALK_H_
#define BROKER_CORE_TESTING_RANDOM_WALK_H_

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/testing/reference_model.h"
#include "broker/core/testing/rig.h"

namespace bpmp::core::testing {

// How often what goes wrong, per thousand of each.
struct Weather {
  int refused = 0;  // of transfers: the firmware says no
  int failed = 0;   // ... never reach it
  int lost = 0;     // ... lose their answer, done or not
  int give_up = 0;  // of steps: a caller gives up
  int die = 0;      // ... a VM is released
  int overdue = 0;  // ... a transfer passes its deadline
};

// VMs, the host and the backend do random things to a core for a long time, next to a model of what
// it should do; from time to time everything is let come to rest, and the two are compared. Same
// seed, same walk.
class RandomWalk {
 public:
  RandomWalk(uint64_t seed, const Weather& weather);

  // Takes at least `steps` steps: calls into the core. Stops at the first complaint.
  void Run(uint64_t steps);
  // Everybody dies and the host lets go: the board must be as it was at boot.
  void End();

  uint64_t steps() const { return steps_; }
  uint64_t transfers() const { return transfers_; }
  uint64_t rests() const { return rests_; }
  // What went wrong first, with the last things that happened before; empty if nothing did.
  const std::string& complaint() const { return complaint_; }

 private:
  // What the host pins and unpins: some of its own, some that VMs use too.
  static constexpr ClockId kHostClocks[] = {kUart, kVic, kFuse, kPllB, kPllAGate};

  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }
  bool Chance(int per_thousand) { return static_cast<int>(Below(1000)) < per_thousand; }

  void Step();
  void Ask(VmId vm, const mrq::Request& request);
  void EndTransfer(bool fair);
  void GiveUp();
  void Die(VmId vm);
  mrq::Request PickClk(VmId vm);
  mrq::Request PickRequest(VmId vm);
  ClockId PickClock(VmId vm);
  // Tells the model of all that was answered since.
  void Hear();

  void Rest();
  void Settle();
  void Compare();
  void CompareGate(Resource resource, bool model_on, bool hardware_on);
  void CompareHolders(const ResourceStatus& status);
  void CompareAnswers();
  void CompareCounts();
  void Complain(const std::string& what);
  void Note(const std::string& what);

  std::mt19937_64 random_;
  const Weather weather_;
  Rig rig_;
  ReferenceModel model_;
  std::map<Ticket, ReferenceModel::Op> waiting_;              // ordered: same seed, same walk
  std::vector<std::pair<Ticket, ReferenceModel::Op>> heard_;  // by Hear()
  uint64_t steps_ = 0;
  uint64_t transfers_ = 0;
  uint64_t rests_ = 0;
  std::vector<std::string> history_;  // since the last rest
  std::string complaint_;
};

}  // namespace bpmp::core::testing

#endif  // BROKER_CORE_TESTING_RANDOM_WALK_H_
