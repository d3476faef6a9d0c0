// SPDX-License-Identifier: Apache-2.0
#include "broker/devicetree/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/devicetree/compile_for_test.h"

namespace bpmp::devicetree {
namespace {

using ::testing::ElementsAre;

TEST(DevicesTest, AreTheNodesThatUseTheBpmp) {
  const Tree tree = CompileTree(
      BoardSource("usb: usb@1 { clocks = <&bpmp 14>, <&bpmp 5>, <&bpmp 14>; resets = <&bpmp 2>; };"
                  "other { clocks = <&osc>; };"
                  "assigned { assigned-clocks = <&bpmp 7>; };"
                  "off { status = \"disabled\"; power-domains = <&bpmp 3>; };"
                  "broken { clocks = <99>; };"));
  std::vector<std::string> problems;
  const std::vector<TreeDevice> devices = DevicesOf(tree, **FindBpmp(tree), &problems);
  ASSERT_EQ(devices.size(), 2u);
  EXPECT_THAT(devices[0].names, ElementsAre("usb", "usb@1", "/usb@1"));
  EXPECT_THAT(devices[0].clocks, ElementsAre(ClockId(14), ClockId(5))) << "each once";
  EXPECT_THAT(devices[0].resets, ElementsAre(ResetId(2)));
  EXPECT_EQ(devices[0].use.clocks.size(), 3u);
  EXPECT_THAT(devices[1].names, ElementsAre("off", "/off"));
  EXPECT_THAT(devices[1].power_domains, ElementsAre(DomainId(3)));
  EXPECT_THAT(problems, ElementsAre("test.dtb: /broken: clocks: phandle 0x63 is of no node, or of "
                                    "several"));
}

TEST(DevicesTest, ANodeWithoutTheBpmpIsNoDevice) {
  const Tree tree = CompileTree(BoardSource("other { clocks = <&osc>; };"));
  const absl::Status status = DeviceOf(tree, **FindBpmp(tree), *tree.FindPath("/other")).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "test.dtb: /other: uses no clock, reset or power domain of the BPMP");
}

}  // namespace
}  // namespace bpmp::devicetree
