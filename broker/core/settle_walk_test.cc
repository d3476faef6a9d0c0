// SPDX-License-Identifier: Apache-2.0
// Random rates under one PLL: whatever VMs ask for, the core comes to rest, what somebody relies on
// stays as it was, and when all have gone nothing is owed. BPMP_PROPERTY_SEED repeats a walk.
#include <cstdint>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/core/testing/walk_seed.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

constexpr int kLives = 150;
constexpr int kSteps = 60;
constexpr VmId kVms[] = {kCan0Vm, kCan1Vm, kVicVm, kNvdecVm};
constexpr ClockId kVoted[] = {kBus, kLane, kLink};
// All divide 600 MHz but the last three.
constexpr int64_t kRates[] = {50, 60, 100, 120, 150, 70, 90, 110};

class SettleWalk : public ::testing::Test {
 protected:
  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }
  ClockId ClockOf(VmId vm) {
    if (vm == kVicVm) return kVic;
    if (vm == kNvdecVm) return kNvdec;
    return kVoted[Below(std::size(kVoted))];
  }
  void Step(Rig* rig) {
    const VmId vm = kVms[Below(std::size(kVms))];
    const ClockId clock = ClockOf(vm);
    switch (Below(8)) {
      case 0:
      case 1:
        rig->Ask(vm, Enable(clock));
        break;
      case 2:
        rig->Ask(vm, Disable(clock));
        break;
      case 3:
        rig->Release(vm);
        break;
      default:
        rig->Ask(vm, SetRate(clock, kRates[Below(std::size(kRates))] * kMHz));
    }
    for (uint32_t i = Below(30); i > 0 && rig->in_flight() > 0; --i) rig->End();
  }
  // Several releases at once try to pay some debts again and again, so this may take a while; but
  // not for ever.
  static void Rest(Rig* rig) {
    rig->RunToRest();
    EXPECT_FALSE(rig->core().NeedsMaintenance());
  }
  // What the core believes is what the hardware does.
  static void ExpectTruth(Rig* rig) {
    for (const Resource resource : rig->core().Resources(ResourceKind::kClock)) {
      const ResourceStatus status = *rig->core().Status(resource);
      // It says that it doesn't know, or nobody uses the clock: this firmware's roundings show.
      if (status.rate_hz == 0 || (status.holders.empty() && status.rate_votes.empty())) continue;
      EXPECT_EQ(status.rate_hz, rig->firmware().rate(ClockId(resource.id))) << status.name;
    }
  }
  static void ExpectNothingOwed(Rig* rig) {
    for (const Resource resource : rig->core().Resources(ResourceKind::kClock)) {
      const ResourceStatus status = *rig->core().Status(resource);
      EXPECT_FALSE(status.owes) << status.name;
      EXPECT_TRUE(status.rate_votes.empty()) << status.name;
    }
    EXPECT_EQ(rig->firmware().rate(kPllB), 600 * kMHz);
  }

  const uint64_t seed_ = WalkSeed();
  std::mt19937_64 random_{seed_};
};

TEST_F(SettleWalk, ItComesToRestAndNothingIsOwedAtTheEnd) {
  SCOPED_TRACE(HowToRepeat(seed_));
  for (int life = 0; life < kLives && !HasFailure(); ++life) {
    Rig rig;
    rig.firmware().AddPll(kPllB);
    for (int step = 0; step < kSteps && !HasFailure(); ++step) {
      Step(&rig);
      if (Below(4) != 0) continue;
      Rest(&rig);
      ExpectTruth(&rig);
    }
    for (const VmId vm : kVms) rig.Release(vm);
    Rest(&rig);
    ExpectTruth(&rig);
    ExpectNothingOwed(&rig);
  }
}

}  // namespace
}  // namespace bpmp::core::testing
