// SPDX-License-Identifier: Apache-2.0
// What bpmpctl writes of device trees is what the broker reads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/ctl/run_in_test.h"
#include "broker/daemon/plan.h"
#include "broker/daemon/profile_loader.h"
#include "broker/devicetree/compile_for_test.h"
#include "tests/lib/temporary_directory.h"

namespace bpmp::testing {
namespace {

using ::testing::IsEmpty;

class CtlDeviceTreeTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& bytes) {
    const std::string path = directory_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  static std::string Ctl(const std::vector<std::string>& arguments) {
    const ctl::Result result = ctl::RunInTest(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.err, IsEmpty());
    return result.out;
  }
  absl::StatusOr<daemon::Plan> PlanOf(const std::string& config) {
    daemon::Options options;
    options.config_file = Write("broker.yaml", config);
    options.sim = true;
    return daemon::MakePlan(options, {0, ""});
  }

  TemporaryDirectory directory_;
};

// Clocks, shared or not.
std::set<ClockId> ClocksOf(const core::Device& device) {
  std::set<ClockId> clocks(device.clocks.begin(), device.clocks.end());
  clocks.insert(device.shared_clocks.begin(), device.shared_clocks.end());
  return clocks;
}

TEST_F(CtlDeviceTreeTest, AProfileOfTheWholeBoardIsTheBoards) {
  const std::string tree = Write("t234.dtb", devicetree::Compile(devicetree::T234Source()));
  const std::string profile = Write("p.yaml", Ctl({"profile", "from-dtb", tree}));
  const auto plan = PlanOf(absl::StrCat("profiles: [p.yaml]\ndevice_tree: ", tree,
                                        "\nvms: [{name: a, devices: [uarta, vic]}]\n"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->warnings, IsEmpty()) << absl::StrJoin(plan->warnings, "\n");
  EXPECT_EQ(plan->drifted_devices, 0u);
  EXPECT_EQ(plan->policy.vms[0].Of(ClockId(155)), core::Access::kExclusive);
  EXPECT_EQ(plan->policy.vms[0].Of(DomainId(29)), core::Access::kExclusive);

  const auto built_in = daemon::LoadProfiles({});
  ASSERT_TRUE(built_in.ok());
  const auto written = daemon::ReadProfiles({profile});
  ASSERT_TRUE(written.ok()) << written.status();
  const core::Profile mine = daemon::MergeProfiles(*written);
  ASSERT_EQ(mine.devices().size(), 77u);
  const std::set<std::string> more_on_boards = {"uarta", "host1x", "ethernet@6800000"};
  for (const core::Device& device : mine.devices()) {
    SCOPED_TRACE(device.name());
    const core::Device* const known =
        built_in->FindDevice(device.names.back() == "serial0" ? "uarta" : device.names.back());
    ASSERT_NE(known, nullptr);
    if (more_on_boards.count(device.name()) == 1) continue;
    EXPECT_EQ(ClocksOf(device), ClocksOf(*known));
    EXPECT_EQ(device.resets, known->resets);
    EXPECT_EQ(device.domains, known->domains);
  }
}

TEST_F(CtlDeviceTreeTest, AnImportedPolicyIsOne) {
  const std::string tree =
      Write("host.dtb",
            devicetree::Compile(devicetree::T234Source() +
                                "/ { bpmp-host-proxy-net { compatible = \"nvidia,bpmp-host-proxy\";"
                                " allowed-devices = <&uarta>; };"
                                " bpmp-host-proxy-video { compatible = \"nvidia,bpmp-host-proxy\";"
                                " allowed-clocks = <167 91>; allowed-resets = <113>;"
                                " allowed-power-domains = <29>; }; };"));
  std::string policy = Ctl({"policy", "import", tree});
  const auto plan = PlanOf(policy);
  ASSERT_TRUE(plan.ok()) << plan.status() << "\n" << policy;
  ASSERT_EQ(plan->policy.vms.size(), 2u);
  EXPECT_EQ(plan->policy.vms[0].name, "net");
  EXPECT_EQ(plan->policy.vms[0].Of(ClockId(155)), core::Access::kExclusive);
  EXPECT_EQ(plan->policy.vms[0].Of(ResetId(100)), core::Access::kExclusive);
  EXPECT_EQ(plan->policy.vms[1].name, "video");
  EXPECT_EQ(plan->policy.vms[1].Of(ClockId(167)), core::Access::kExclusive);
  EXPECT_EQ(plan->policy.vms[1].Of(ClockId(91)), core::Access::kVote);
  EXPECT_EQ(plan->policy.vms[1].Of(DomainId(29)), core::Access::kExclusive);
  ASSERT_EQ(plan->policy.vms[1].devices.size(), 1u);
  EXPECT_EQ(plan->policy.vms[1].devices[0].name, "vic");
}

TEST_F(CtlDeviceTreeTest, AConfigurationNamesNodesOfItsTree) {
  Write("host.dtb", devicetree::Compile(devicetree::BoardSource(
                        "bus@0 { foo: other@1 { clocks = <&bpmp 7>; resets = <&bpmp 8>; }; };")));
  for (const char* name : {"foo", "other@1", "/bus@0/other@1"}) {
    const auto plan =
        PlanOf(absl::StrCat("device_tree: host.dtb\nvms: [{name: a, devices: [", name, "]}]\n"));
    ASSERT_TRUE(plan.ok()) << plan.status();
    ASSERT_EQ(plan->policy.vms[0].devices.size(), 1u);
    EXPECT_EQ(plan->policy.vms[0].devices[0].name, "foo");
    EXPECT_NE(plan->policy.vms[0].Of(ClockId(7)), core::Access::kNone);
    EXPECT_EQ(plan->policy.vms[0].Of(ResetId(8)), core::Access::kExclusive);
  }
  EXPECT_EQ(PlanOf("device_tree: none\nvms: [{name: a, devices: [foo]}]\n").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(PlanOf("device_tree: none.dtb\n").status().message()),
              ::testing::HasSubstr("broker.yaml:1:1: device_tree: can't read "));
}

}  // namespace
}  // namespace bpmp::testing
