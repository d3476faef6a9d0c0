// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/t234_data.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::backend::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const DeviceRow& Device(std::string_view node) {
  const auto& devices = T234Data().devices;
  const auto found = std::find_if(devices.begin(), devices.end(),
                                  [&](const DeviceRow& device) { return device.node == node; });
  EXPECT_NE(found, devices.end()) << node;
  return *found;
}

TEST(T234DataTest, HasEverythingThatTheBindingsName) {
  const SocData& soc = T234Data();
  std::set<ClockId> ids;
  for (const ClockRow& row : soc.clocks) {
    ids.insert(row.id);
  }
  EXPECT_EQ(soc.clocks.size(), 441u);
  EXPECT_EQ(ids.size(), 435u);
  EXPECT_EQ(*ids.rbegin(), ClockId(476));
  EXPECT_EQ(soc.resets.size(), 166u);
  EXPECT_EQ(soc.domains.size(), 31u);
  EXPECT_EQ(soc.devices.size(), 77u);
}

TEST(T234DataTest, KindsAreCountedAsPublished) {
  std::map<ClockKind, int> kinds;
  for (const ClockRow& row : T234Data().clocks) {
    ++kinds[row.kind];
  }
  EXPECT_EQ(kinds[ClockKind::kMux], 121);
  EXPECT_EQ(kinds[ClockKind::kDivider], 111);
  EXPECT_EQ(kinds[ClockKind::kGate], 54);
  EXPECT_EQ(kinds[ClockKind::kPll], 45);
}

TEST(T234DataTest, SixIdsHaveTwoNames) {
  std::map<ClockId, int> names;
  for (const ClockRow& row : T234Data().clocks) {
    ++names[row.id];
  }
  std::set<uint32_t> aliased;
  for (const auto& [id, count] : names) {
    if (count == 2) {
      aliased.insert(id.value());
    }
  }
  EXPECT_THAT(aliased, ElementsAre(280, 281, 282, 429, 430, 431));
  EXPECT_EQ(T234Data().FindClock("nafll_cluster0"), T234Data().FindClock("nafll_cluster0_core"));
}

TEST(T234DataTest, FindsByName) {
  EXPECT_EQ(T234Data().FindClock("uarta"), ClockId(155));
  EXPECT_EQ(T234Data().FindReset("mgbe0_mac"), ResetId(46));
  EXPECT_EQ(T234Data().FindDomain("mgbeb"), DomainId(18));
  EXPECT_EQ(T234Data().FindClock("uartz"), std::nullopt);
}

TEST(T234DataTest, DevicesReferToIdsInTheNodesOrder) {
  const DeviceRow& nvdec = Device("/bus@0/host1x@13e00000/nvdec@15480000");
  EXPECT_EQ(nvdec.compatible, "nvidia,tegra234-nvdec");
  EXPECT_THAT(nvdec.clocks, ElementsAre(ClockId(83), ClockId(40), ClockId(154)));
  EXPECT_THAT(nvdec.resets, ElementsAre(ResetId(44)));
  EXPECT_THAT(nvdec.domains, ElementsAre(DomainId(23)));
  EXPECT_THAT(Device("/sound").assigned_clocks, ElementsAre(ClockId(93), ClockId(104), ClockId(7)));
}

TEST(ParseSocTest, ErrorsSayFileLineAndWhat) {
  SocText text;
  text.clocks = "id,name,kind,parent,rate_hz\n1,a,mux,,\n";
  text.resets = "id,name\n";
  text.domains = "id,name\n";
  text.devices = "node,compatible,clocks,resets,power_domains,assigned_clocks\n";
  ASSERT_TRUE(ParseSoc(text).ok());

  const auto error = [](const SocText& bad) {
    return std::string(ParseSoc(bad).status().message());
  };
  SocText bad = text;
  bad.clocks = "id,name,kind,parent,rate_hz\n1,a,muxer,,\n";
  EXPECT_THAT(error(bad), HasSubstr("clocks: line 2: 'muxer'"));
  bad.clocks = "id,name,kind,parent,rate_hz\n1,a,mux,,\n2,a,mux,,\n";
  EXPECT_THAT(error(bad), HasSubstr("the name 'a'"));
  bad = text;
  bad.resets = "id,name\nx,a\n";
  EXPECT_THAT(error(bad), HasSubstr("resets: line 2: 'x' is no number"));
  bad = text;
  bad.devices = "node,compatible,clocks,resets,power_domains,assigned_clocks\n/n,c,2:a,,,\n";
  EXPECT_THAT(error(bad), HasSubstr("devices: line 2: clock 2 is not called 'a'"));
}

}  // namespace
}  // namespace bpmp::backend::sim
