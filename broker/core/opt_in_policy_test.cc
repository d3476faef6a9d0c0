// SPDX-License-Identifier: Apache-2.0
// Opt-ins as they are written: what is refused, what is said, what a new policy changes.
#include <string>
#include <vector>

#include "broker/core/opt_ins.h"
#include "broker/core/testing/board.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Where kLine7 = {"b.yaml", 7};
const Where kLine9 = {"b.yaml", 9};

class OptInPolicy : public ::testing::Test {
 protected:
  VmSpec& Vm(VmId vm) { return board_.spec.vms[vm.value() - 1]; }
  std::string Problems() {
    const auto policy = Compile(board_.spec, board_.profile, board_.inventory, &notes_);
    return std::string(policy.status().message());
  }

  Board board_ = MakeBoard();
  std::vector<Note> notes_;
};

TEST_F(OptInPolicy, NumbersHaveLimits) {
  Vm(kUartVm).thermal_zones = {{31, kLine7}};
  Vm(kUartVm).pcie_controllers = {{10, kLine7}};
  EXPECT_EQ(Problems(), "");
  Vm(kUartVm).thermal_zones = {{32, kLine7}};
  EXPECT_EQ(Problems(), "b.yaml:7: vm uart-vm: there is no thermal zone 32; the highest is 31");
  Vm(kUartVm).thermal_zones.clear();
  Vm(kUartVm).pcie_controllers = {{11, kLine9}};
  EXPECT_EQ(Problems(), "b.yaml:9: vm uart-vm: there is no PCIe controller 11; the highest is 10");
}

TEST_F(OptInPolicy, IsWrittenOnce) {
  Vm(kUartVm).thermal_zones = {{4, kLine7}, {4, kLine9}};
  Vm(kUartVm).pcie_controllers = {{5, kLine7}, {5, kLine9}};
  EXPECT_EQ(Problems(),
            "b.yaml:9: vm uart-vm: thermal zone 4 is written twice\n"
            "b.yaml:9: vm uart-vm: PCIe controller 5 is written twice");
}

TEST_F(OptInPolicy, APcieControllerIsOfOneVm) {
  Vm(kUartVm).pcie_controllers = {{5, kLine7}};
  Vm(kSpiVm).pcie_controllers = {{4, kLine9}, {5, kLine9}};
  EXPECT_EQ(Problems(),
            "b.yaml:9: vm spi-vm: vm uart-vm has PCIe controller 5 too; only one VM can");
}

TEST_F(OptInPolicy, ReadsAreOfAsManyAsLike) {
  for (const VmId vm : {kUartVm, kSpiVm}) {
    Vm(vm).thermal_zones = {{8, {}}};
    Vm(vm).emc_latency = true;
  }
  EXPECT_EQ(Problems(), "");
}

TEST_F(OptInPolicy, AWholeControllerIsSaid) {
  Vm(kUartVm).pcie_controllers = {{5, kLine7}};
  EXPECT_EQ(Problems(), "");
  std::vector<std::string> lines;
  for (const Note& note : notes_) {
    if (note.where.line == 7) lines.push_back(ToString(note.where) + note.text);
  }
  EXPECT_THAT(lines, ElementsAre("b.yaml:7: vm uart-vm: it switches the whole PCIe controller 5 on "
                                 "and off: the host must use nothing behind it"));
}

TEST_F(OptInPolicy, ChangesInWords) {
  OptIns before;
  before.thermal_zones = {ThermalZoneId(0), ThermalZoneId(1)};
  OptIns after;
  after.thermal_zones = {ThermalZoneId(1), ThermalZoneId(2), ThermalZoneId(8)};
  after.emc_latency = true;
  EXPECT_THAT(CompareOptIns(before, before), IsEmpty());
  EXPECT_THAT(CompareOptIns(before, after),
              ElementsAre("may read thermal zones 2, 8", "may no longer read thermal zone 0",
                          "may read the latencies of the memory"));
  EXPECT_THAT(CompareOptIns(after, OptIns()),
              ElementsAre("may no longer read thermal zones 1, 2, 8",
                          "may no longer read the latencies of the memory"));
}

}  // namespace
}  // namespace bpmp::core::testing
