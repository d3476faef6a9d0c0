// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/vm_changes.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

namespace bpmp::ctl {
namespace {

using testing::HasSubstr;

v1::VmConfig Entry() {
  v1::VmConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(name: "a"
           devices { device: "gpu" on_exit: PULSE }
           devices { device: "vic" }
           clocks { name: "uarta" access: ACCESS_GET }
           resets { name: "100" access: ACCESS_EXCLUSIVE }
           ids: HIDDEN)pb",
      &config));
  return config;
}

std::string Changed(const VmChanges& changes) {
  const auto changed = ChangeVmConfig(Entry(), changes);
  return changed.ok() ? changed->ShortDebugString() : std::string(changed.status().message());
}

TEST(VmChanges, NoneLeaveTheEntryAsItIs) {
  EXPECT_TRUE(VmChanges().empty());
  EXPECT_EQ(Changed({}), Entry().ShortDebugString());
}

TEST(VmChanges, AddWhatIsNotThere) {
  VmChanges changes;
  changes.devices = {"gpu", "uarta"};
  changes.clocks = {"uarta=vote", "i2c1=get"};
  changes.domains = {"vic=vote"};
  EXPECT_FALSE(changes.empty());
  EXPECT_EQ(Changed(changes),
            "name: \"a\" devices { device: \"gpu\" on_exit: PULSE } devices { device: \"vic\" } "
            "devices { device: \"uarta\" } clocks { name: \"uarta\" access: ACCESS_VOTE } "
            "clocks { name: \"i2c1\" access: ACCESS_GET } "
            "resets { name: \"100\" access: ACCESS_EXCLUSIVE } "
            "power_domains { name: \"vic\" access: ACCESS_VOTE } ids: HIDDEN");
}

TEST(VmChanges, TakeWhatIsThere) {
  VmChanges changes;
  changes.without_devices = {"gpu"};
  changes.without_clocks = {"uarta"};
  changes.without_resets = {"100"};
  changes.show_ids = true;
  changes.audit_only = true;
  EXPECT_EQ(Changed(changes),
            "name: \"a\" devices { device: \"vic\" } ids: SHOWN audit_only: true");
}

TEST(VmChanges, AreOfFurtherRequestsToo) {
  v1::VmConfig config;
  VmChanges changes;
  changes.thermal_zones = {8, 1, 8};
  changes.pcie_controllers = {5};
  changes.emc_latency = true;
  EXPECT_FALSE(changes.empty());
  auto changed = ChangeVmConfig(config, changes);
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->ShortDebugString(),
            "thermal { zones: 8 zones: 1 } emc_latency: true pcie_controllers: 5");
  changes = {};
  changes.without_thermal_zones = {8, 1};
  changes.without_pcie_controllers = {5};
  changes.no_emc_latency = true;
  EXPECT_FALSE(changes.empty());
  changed = ChangeVmConfig(*changed, changes);
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->ShortDebugString(), "") << "a thermal entry without zones would be refused";
  EXPECT_EQ(ChangeVmConfig(*changed, changes).status().message(),
            "the VM's entry has no thermal zone 8; it has none");
}

TEST(VmChanges, RefuseWhatMakesNoSense) {
  VmChanges changes;
  changes.without_domains = {"vic"};
  EXPECT_EQ(Changed(changes), "the VM's entry has no power domain 'vic'; it has none");
  changes = {};
  changes.without_devices = {"gpu", "gpu"};
  EXPECT_THAT(Changed(changes), HasSubstr("has no device 'gpu'; it has vic"));
  changes = {};
  changes.resets = {"101"};
  EXPECT_THAT(Changed(changes), HasSubstr("grants nothing"));
}

}  // namespace
}  // namespace bpmp::ctl
