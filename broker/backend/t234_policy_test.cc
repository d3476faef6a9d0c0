// SPDX-License-Identifier: Apache-2.0
// Policies for a whole Tegra234: each node of its device tree as a device that a VM may be given.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "broker/backend/inventory_reader.h"
#include "broker/backend/sim/sim_backend.h"
#include "broker/backend/sim/t234_data.h"
#include "broker/base/fake_clock.h"
#include "broker/core/clock_tree.h"
#include "broker/core/ledger.h"
#include "broker/core/policy.h"
#include "broker/core/profile.h"
#include "broker/core/view.h"
#include "gtest/gtest.h"

namespace bpmp::backend {
namespace {

constexpr VmId kVm{1};

class T234Policy : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    sim::SimBackend sim;
    FakeClock clock;
    auto inventory = ReadInventory(&sim, clock, {}, nullptr);
    ASSERT_TRUE(inventory.ok()) << inventory.status();
    inventory_ = new core::Inventory(*std::move(inventory));
    std::vector<core::Device> devices;
    for (const sim::DeviceRow& row : sim::T234Data().devices) {
      core::Device device;
      device.names = {std::string(row.node)};
      device.clocks = row.clocks;
      device.resets = row.resets;
      device.domains = row.domains;
      devices.push_back(std::move(device));
    }
    profile_ = new core::Profile("nodes", std::move(devices), {});
  }
  static void TearDownTestSuite() {
    delete inventory_;
    delete profile_;
  }

  static core::VmSpec VmWith(const core::Device& device) {
    core::VmSpec vm;
    vm.name = "a";
    core::DeviceGrant grant;
    grant.device = device.name();
    vm.devices.push_back(grant);
    return vm;
  }
  static absl::StatusOr<core::Policy> Compile(std::vector<core::VmSpec> vms) {
    core::PolicySpec spec;
    spec.vms = std::move(vms);
    return core::Compile(spec, *profile_, *inventory_, nullptr);
  }
  static core::Policy Hidden(const core::Device& device) {
    core::VmSpec vm = VmWith(device);
    vm.hide_ids = true;
    auto policy = Compile({vm});
    EXPECT_TRUE(policy.ok()) << policy.status();
    return policy.ok() ? *std::move(policy) : core::Policy();
  }

  static inline core::Inventory* inventory_ = nullptr;
  static inline core::Profile* profile_ = nullptr;
};

// A Linux guest crashes on a parent that it can't find, so that what hides must not hide those.
TEST_F(T234Policy, WithHiddenNamesEveryParentThatIsShownIsThere) {
  for (const core::Device& device : profile_->devices()) {
    SCOPED_TRACE(device.name());
    const core::Policy policy = Hidden(device);
    ASSERT_EQ(policy.vms.size(), 1u);
    const core::ClockTree tree(*inventory_);
    core::Observer nobody;
    core::Ledger ledger(*inventory_, &nobody);
    core::View view(*inventory_, tree, ledger);
    view.Set(kVm, &policy.vms[0]);
    for (uint32_t id = 0; id < inventory_->clocks.size(); ++id) {
      if (!view.Shows(kVm, ClockId(id))) continue;
      const mrq::ClkInfo info = view.Info(kVm, ClockId(id), core::RatePolicy::kOwner);
      EXPECT_TRUE(info.parent == ClockId() || view.Shows(kVm, info.parent)) << id;
      for (size_t i = 0; i < info.num_parents; ++i) {
        EXPECT_TRUE(view.Shows(kVm, info.parents[i])) << id;
      }
      if (policy.vms[0].Of(ClockId(id)) == core::Access::kExclusive) {
        EXPECT_EQ(info.num_parents, inventory_->clocks[id].parents.size()) << id;
      }
    }
  }
}

TEST_F(T234Policy, AnyTwoNodesAreForTwoVmsUnlessTheyShareAReset) {
  const std::vector<core::Device>& devices = profile_->devices();
  for (size_t a = 0; a < devices.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      std::vector<core::VmSpec> vms = {VmWith(devices[a]), VmWith(devices[b])};
      vms[1].name = "b";
      const auto policy = Compile(std::move(vms));
      if (policy.ok()) continue;
      EXPECT_TRUE(absl::StrContains(policy.status().message(), "list it in shared_resets"))
          << devices[a].name() << " and " << devices[b].name() << ": " << policy.status();
    }
  }
}

TEST_F(T234Policy, NothingRunsFromAnExclusiveClockButItsOwnDevice) {
  const core::ClockTree tree(*inventory_);
  for (const core::Device& device : profile_->devices()) {
    const core::Policy policy = Hidden(device);
    const std::vector<ClockId>& own = device.clocks;
    for (const ClockId clock : own) {
      if (policy.vms.at(0).Of(clock) != core::Access::kExclusive) continue;
      for (const ClockId below : tree.Subtree(clock)) {
        EXPECT_NE(std::find(own.begin(), own.end(), below), own.end())
            << device.name() << ": " << inventory_->Find(clock)->name << " feeds "
            << inventory_->Find(below)->name;
      }
    }
  }
}

}  // namespace
}  // namespace bpmp::backend
