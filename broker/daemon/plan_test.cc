// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace bpmp::daemon {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Environment kRoot{0, ""};

class PlanTest : public testing::Test {
 protected:
  PlanTest() {
    std::string name = testing::TempDir() + "/plan-XXXXXX";
    root_ = mkdtemp(name.data());
  }
  ~PlanTest() override { std::filesystem::remove_all(root_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(root_ + "/" + name) << text;
    return root_ + "/" + name;
  }

  static absl::StatusOr<Plan> Make(const std::string& file) {
    Options options;
    options.config_file = file;
    return MakePlan(options, kRoot);
  }

  std::string root_;
};

TEST_F(PlanTest, TheExamplesAreGood) {
  const auto minimal = Make(BPMP_SOURCE_DIR "/deploy/examples/broker.yaml");
  ASSERT_TRUE(minimal.ok()) << minimal.status();
  EXPECT_THAT(minimal->warnings, IsEmpty());
  EXPECT_THAT(minimal->policy.vms, IsEmpty());

  const auto three = Make(BPMP_SOURCE_DIR "/deploy/examples/three-vms.yaml");
  ASSERT_TRUE(three.ok()) << three.status();
  ASSERT_EQ(three->policy.vms.size(), 3u);
  EXPECT_EQ(three->policy.vms[0].name, "net-vm");
  EXPECT_TRUE(three->policy.vms[0].devices.at(0).pulse_on_grant);
  EXPECT_EQ(three->policy.vms[2].Of(ClockId(155)), core::Access::kExclusive);
  EXPECT_EQ(three->policy.pins.size(), 1u);
}

TEST_F(PlanTest, PlainTcpNeedsAWordOnTheCommandLine) {
  Options options;
  options.config_file =
      Write("b.yaml", "vms: [{name: a}]\ninsecure_tcp: [{vm: a, listen: '127.0.0.1:0'}]\n");
  const auto refused = MakePlan(options, kRoot);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("b.yaml:2:16: insecure_tcp: is served only with --allow-insecure-tcp"));
  options.allow_insecure_tcp = true;
  const auto plan = MakePlan(options, kRoot);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->warnings, Contains(HasSubstr("INSECURE")));
}

TEST_F(PlanTest, WarningsComeWithARefusalToo) {
  Options options;
  options.config_file = Write("b.yaml", "vms:\n- {name: a, audit_only: true, devices: [nope]}\n");
  std::vector<std::string> warnings;
  EXPECT_THAT(std::string(MakePlan(options, kRoot, &warnings).status().message()),
              HasSubstr("has no device 'nope'"));
  EXPECT_THAT(warnings, Contains(HasSubstr("b.yaml:2:13: vm a: AUDIT-ONLY: ")));
}

TEST_F(PlanTest, WithoutAFileThereIsABoardAndNobody) {
  const auto plan = Make("");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->inventory.clocks.size(), 477u);
  EXPECT_EQ(plan->profile.name(), "tegra234");
  EXPECT_TRUE(plan->metrics_by_default);
  EXPECT_THAT(plan->warnings, IsEmpty()) << absl::StrJoin(plan->warnings, "\n");
}

TEST_F(PlanTest, AProfileLiesBesideTheConfiguration) {
  Write("board.yaml", "name: board\ndevices: [{names: [uarta], clocks: [159]}]\n");
  const auto plan =
      Make(Write("b.yaml", "profiles: [board.yaml]\nvms: [{name: a, devices: [uarta]}]\n"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->profile.name(), "board+tegra234");
  EXPECT_EQ(plan->policy.vms[0].Of(ClockId(155)), core::Access::kNone);
}

TEST_F(PlanTest, WhateverIsWrongWithAFileIsTheConfigurationsFault) {
  Write("bad.yaml", "name: board\ndevices: [{names: [uarta]}]\n");
  const struct {
    const char* yaml;
    const char* problem;
  } kCases[] = {
      {"profiles: [bad.yaml]\n", "bad.yaml:2:11: device 'uarta' has no clock"},
      {"profiles: [none.yaml]\n", "b.yaml:1:12: profiles: can't read "},
      {"backend: {sim: {faults: [x]}}\n", "b.yaml:1:26: faults: "},
      {"vms: [{name: a, clocks: [{name: uarta}]}]\n", "b.yaml:1: vm a: the grant of 'uarta' needs"},
      {"vms:\n  - {name: a, devices: [nope]}\n",
       "b.yaml:2: vm a: profile 'tegra234' has no device"},
      {"vms:\n  - name: a\n    mode: 9\n", "b.yaml:3:5: mode: '9' is no file mode"},
      {"pins: [no-such-clock]\n", "b.yaml:1: pins: "},
      {"vms: []\nshared_resets:\n  - vic\n  - no-such-reset\n", "b.yaml:4: shared_resets: "},
      {"vms:\n  - name: a\n    thermal: {zones: [0, 32]}\n",
       "b.yaml:3: vm a: there is no thermal zone 32"},
      {"vms:\n  - name: a\n    thermal: {}\n", "b.yaml:3: vm a: 'thermal' names the 'zones'"},
      {"vms: [{name: a, thermal: {zone: [0]}}]\n", "vms[0].thermal.zone: no such field"},
      {"vms: [{name: a, emc_latency: 3}]\n", "vms[0].emc_latency: "},
      {"vms:\n  - {name: a, pcie_controllers: [5]}\n  - name: b\n    pcie_controllers: [5]\n",
       "b.yaml:4: vm b: vm a has PCIe controller 5 too; only one VM can"},
      {"vms: [{name: a, pcie_controllers: [-1]}]\n", "vms[0].pcie_controllers[0]: "},
      {"vms: []\nprofiles: [/tmp]\n", "b.yaml:2:12: profiles: /tmp is a directory"},
  };
  for (const auto& c : kCases) {
    const absl::Status status = Make(Write("b.yaml", c.yaml)).status();
    EXPECT_EQ(ExitFor(status), Exit::kConfig) << c.yaml;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.problem));
  }
}

TEST_F(PlanTest, WithoutTheKernelsDeviceThereIsNoPlan) {
  const std::string file = Write("b.yaml", "backend: {kernel: {device: /dev/no-such-bpmp}}\n");
  const absl::Status status = Make(file).status();
  EXPECT_EQ(ExitFor(status), Exit::kFailed) << "it may be there the next time";
  EXPECT_THAT(std::string(status.message()), HasSubstr("can't open /dev/no-such-bpmp"));
  Options options;
  options.config_file = file;
  options.sim = true;
  EXPECT_TRUE(MakePlan(options, kRoot).ok()) << "the command line goes before the file";
}

TEST_F(PlanTest, NamesCanBeHiddenWhateverTheDevice) {
  for (const char* device : {"uarta", "gpu", "host1x", "vic", "mgbe0"}) {
    const auto plan = Make(
        Write("b.yaml", absl::StrCat("vms: [{name: a, ids: hidden, devices: [", device, "]}]\n")));
    EXPECT_TRUE(plan.ok()) << plan.status();
  }
}

TEST_F(PlanTest, KnowsItsFileFromAnyDirectory) {
  const std::filesystem::path file = Write("b.yaml", "vms: []\n");
  const auto relative = Make(std::filesystem::relative(file).string());
  ASSERT_TRUE(relative.ok()) << relative.status();
  EXPECT_EQ(relative->config_file, file.lexically_normal());
}

TEST_F(PlanTest, SaysWhatAPolicyMeans) {
  const auto plan = Make(Write("b.yaml", "vms:\n  - {name: a, all: exclusive}\n"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->warnings, Contains(HasSubstr("b.yaml:2:15: vm a: 'all: exclusive' lets it")));
  EXPECT_THAT(plan->notes, Contains(HasSubstr("b.yaml:2: vm a: 'all: exclusive' lets it")));
}

TEST_F(PlanTest, AuditOnlyIsLoud) {
  const auto all = Make(Write("b.yaml", "vms: [{name: a}]\naudit_only: true\n"));
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_THAT(all->warnings, Contains(HasSubstr("b.yaml:2:1: AUDIT-ONLY: what the VMs' policies")));
  EXPECT_TRUE(all->policy.vms[0].audit_only);
  const auto one = Make(Write("b.yaml", "vms:\n  - {name: a, audit_only: true}\n  - {name: b}\n"));
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_THAT(one->warnings, Contains(HasSubstr("b.yaml:2:15: vm a: AUDIT-ONLY: ")));
  EXPECT_FALSE(one->policy.vms[1].audit_only);
}

// Each at its own line, also where it stands in a VM's entry.
TEST_F(PlanTest, SingleGrantsAreSaidAtTheirLines) {
  const auto plan = Make(Write("b.yaml",
                               "vms:\n"
                               "  - name: a\n"
                               "    devices: [uarta]\n"
                               "    clocks:\n"
                               "      - {name: uarta, access: vote}\n"
                               "      - {name: pllp_out0, access: exclusive}\n"
                               "    resets:\n"
                               "      - {name: can1, access: get}\n"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->notes, Contains(HasSubstr("b.yaml:5: vm a: 'vote' on clock uarta takes")));
  EXPECT_THAT(plan->notes, Contains(HasSubstr("b.yaml:6: vm a: 'exclusive' on clock pllp_out0")));
  EXPECT_THAT(plan->notes, Contains(HasSubstr("b.yaml:8: vm a: 'get' on reset can1 allows")));
}

}  // namespace
}  // namespace bpmp::daemon
