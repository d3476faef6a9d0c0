// SPDX-License-Identifier: Apache-2.0
// Random policies under VMs that go on, some of them drained: the core comes to rest, after a drop
// nobody holds what it may not use, and when all have gone nothing is owed. BPMP_PROPERTY_SEED
// repeats a walk.
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/core/testing/snapshot.h"
#include "broker/core/testing/walk_seed.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

constexpr int kLives = 100;
constexpr int kSteps = 80;
constexpr VmId kVms[] = {kUartVm, kSpiVm, kEthVm, kGpuVm};
constexpr const char* kDevices[] = {"uart", "spi", "eth", "vic", "nvdec", "can0", "can1"};
constexpr const char* kVoted[] = {"bus", "link", "lane"};
constexpr PcieControllerId kControllers[] = {PcieControllerId(1), PcieControllerId(5)};
constexpr Admission kAdmissions[] = {Admission::kOpen, Admission::kLeaving, Admission::kClosed};
constexpr ClockId kClocks[] = {kUart, kSpi, kEthApp, kVic,  kNvdec,
                               kCan0, kBus, kLink,   kLane, kPllADiv};
constexpr RatePolicy kRules[] = {RatePolicy::kOwner, RatePolicy::kFixed, RatePolicy::kFirst,
                                 RatePolicy::kMax, RatePolicy::kRange};

class PolicyWalk : public ::testing::Test {
 protected:
  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }
  template <typename Table>
  auto Any(const Table& table) {
    return table[Below(static_cast<uint32_t>(std::size(table)))];
  }

  // Each device to one VM or to none, votes to some, and other rules for what goes by votes.
  PolicySpec AnyPolicy() {
    PolicySpec spec = MakeBoard().spec;
    for (VmSpec& vm : spec.vms) {
      VmSpec bare;
      bare.name = vm.name;
      vm = bare;
    }
    const auto entry = [&](VmId vm) -> VmSpec& { return spec.vms[vm.value() - 1]; };
    for (const char* device : kDevices) {
      if (Below(4) == 0) continue;
      DeviceGrant grant;
      grant.device = device;
      grant.pulse_on_grant = Below(4) == 0;
      entry(Any(kVms)).devices.push_back(grant);
    }
    for (const PcieControllerId controller : kControllers) {
      if (Below(3) != 0) entry(Any(kVms)).pcie_controllers.push_back({controller.value(), {}});
    }
    for (const VmId vm : kVms) {
      entry(vm).audit_only = Below(8) == 0;
      for (const char* clock : kVoted) {
        if (Below(3) != 0) entry(vm).clocks.push_back({clock, Access::kVote, {}});
      }
    }
    spec.clock_rules.clear();
    for (const char* clock : kVoted) spec.clock_rules.push_back({clock, Any(kRules), {}});
    if (Below(3) == 0) spec.pins.push_back({ResourceKind::kClock, "can0", std::nullopt, {}});
    return spec;
  }

  mrq::Request AnyRequest() {
    const ClockId clock = Any(kClocks);
    switch (Below(9)) {
      case 0:
      case 1:
        return Enable(clock);
      case 2:
        return Disable(clock);
      case 3:
        return SetRate(clock, (1 + Below(8)) * 10 * kMHz);
      case 4:
        return GetInfo(clock);
      case 5:
        return Below(2) == 0 ? Assert(ResetId(Below(kResetCount)))
                             : Deassert(ResetId(Below(kResetCount)));
      case 6:
        return AnySwitch(Any(kControllers));
      default:
        return Below(3) == 0 ? PowerOff(DomainId(Below(kDomainCount)))
                             : PowerOn(DomainId(Below(kDomainCount)));
    }
  }

  mrq::Request AnySwitch(PcieControllerId controller) {
    switch (Below(4)) {
      case 0:
        return PcieOff(controller);
      case 1:
        return PllOff(controller);
      case 2:
        return PllOn(controller);
      default:
        return PcieOn(controller);
    }
  }

  static void Rest(Rig* rig) {
    rig->RunToRest();
    ASSERT_TRUE(rig->Waiting().empty());
    for (const VmId vm : kVms) ASSERT_FALSE(rig->core().IsReleasing(vm));
  }

  static void ExpectNobodyHoldsMore(const Core& core) {
    for (const VmStatus& vm : core.Vms()) {
      if (vm.audit_only) continue;
      for (const ResourceKind kind :
           {ResourceKind::kClock, ResourceKind::kDomain, ResourceKind::kPcieController}) {
        for (const Resource resource : core.Resources(kind)) {
          if (!absl::c_linear_search(core.Status(resource)->holders, vm.vm)) continue;
          EXPECT_GE(core.GrantOf(vm.vm, resource).access, Access::kVote)
              << vm.name << " holds " << core.NameOf(resource);
        }
      }
    }
  }

  void Step(Rig* rig) {
    const VmId vm = Any(kVms);
    const uint32_t kind = Below(20);
    if (kind == 0) {
      rig->Release(vm);
    } else if (kind < 3) {
      dropped_ = kind == 1;
      const auto unallowed = dropped_ ? Core::Unallowed::kDrop : Core::Unallowed::kKeep;
      const PolicySpec spec = AnyPolicy();
      ASSERT_TRUE(rig->Install(spec, unallowed).ok());
    } else if (kind == 3) {
      rig->core().SetAdmission(vm, Any(kAdmissions));
    } else {
      rig->Ask(vm, AnyRequest());
    }
    for (uint32_t i = Below(12); i > 0 && rig->in_flight() > 0; --i) {
      rig->End(Rig::Fate::kPerformed, mrq::Error::kIo,
               Below(static_cast<uint32_t>(rig->in_flight())));
    }
  }

  const uint64_t seed_ = WalkSeed();
  std::mt19937_64 random_{seed_};
  bool dropped_ = false;  // what the policy doesn't allow, the last time that it changed
};

TEST_F(PolicyWalk, NobodyKeepsWhatWasDroppedAndNothingIsOwedAtTheEnd) {
  SCOPED_TRACE(HowToRepeat(seed_));
  for (int life = 0; life < kLives && !HasFailure(); ++life) {
    Rig rig;
    dropped_ = false;
    for (int step = 0; step < kSteps && !HasFailure(); ++step) {
      Step(&rig);
      if (Below(6) != 0) continue;
      Rest(&rig);
      ExpectConsistent(&rig);
      if (dropped_) ExpectNobodyHoldsMore(rig.core());
    }
    for (const VmId vm : kVms) rig.Release(vm);
    Rest(&rig);
    ExpectConsistent(&rig);
    for (const PcieControllerId controller : kControllers) {
      EXPECT_FALSE(rig.firmware().on(controller) || rig.firmware().pll_on(controller));
    }
    for (const Resource resource : rig.core().Resources(ResourceKind::kClock)) {
      const ResourceStatus status = *rig.core().Status(resource);
      EXPECT_FALSE(status.owes) << status.name;
      EXPECT_TRUE(status.rate_votes.empty()) << status.name;
    }
  }
}

}  // namespace
}  // namespace bpmp::core::testing
