// SPDX-License-Identifier: Apache-2.0
#include "broker/devicetree/bpmp_use.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/devicetree/compile_for_test.h"

namespace bpmp::devicetree {
namespace {

using ::testing::HasSubstr;

template <typename Id>
void Append(const char* what, const std::vector<Provided<Id>>& provided, std::string* text) {
  for (const Provided<Id>& one : provided) {
    absl::StrAppend(text, what, one.id.value(), ":", std::string(one.name), " ");
  }
}

// "c155:serial r100: p18: a155<102@408000000 "
std::string Text(const BpmpUse& use) {
  std::string text;
  Append("c", use.clocks, &text);
  Append("r", use.resets, &text);
  Append("p", use.power_domains, &text);
  for (const AssignedClock& one : use.assigned_clocks) {
    absl::StrAppend(&text, "a", one.clock.value());
    if (one.parent) absl::StrAppend(&text, "<", one.parent->value());
    if (one.rate_hz) absl::StrAppend(&text, "@", *one.rate_hz);
    absl::StrAppend(&text, " ");
  }
  return text;
}

// What /device of a board needs, or why that can't be said.
std::string UseOfDevice(const std::string& properties) {
  const Tree tree = CompileTree(BoardSource("device { " + properties + " };"));
  const auto bpmp = FindBpmp(tree);
  EXPECT_TRUE(bpmp.ok()) << bpmp.status();
  const auto use = UseOf(tree, **bpmp, *tree.FindPath("/device"));
  return use.ok() ? Text(*use) : std::string(use.status().message());
}

TEST(BpmpUseTest, ListsWhatTheBpmpProvides) {
  EXPECT_EQ(UseOfDevice("clocks = <&bpmp 155>, <&bpmp 102>, <&bpmp 155>;"
                        "clock-names = \"serial\", \"parent\";"
                        "resets = <&bpmp 100>; reset-names = \"serial\";"
                        "power-domains = <&bpmp 0>;"),
            "c155:serial c102:parent c155: r100:serial p0: ");
  EXPECT_EQ(UseOfDevice(""), "");
  EXPECT_EQ(UseOfDevice("clocks; resets;"), "");
}

TEST(BpmpUseTest, OtherProvidersAreSkippedWithTheirCells) {
  EXPECT_EQ(UseOfDevice("clocks = <&osc>, <&bpmp 1>, <&pmc 2 3>, <0>, <&bpmp 4>;"
                        "clock-names = \"osc\", \"a\", \"pmc\", \"none\", \"b\";"
                        "resets = <&gpio 5>, <&bpmp 6>;"),
            "c1:a c4:b r6: ");
}

TEST(BpmpUseTest, AssignedClocksHaveParentsAndRatesByPosition) {
  EXPECT_EQ(UseOfDevice("assigned-clocks = <&osc>, <&bpmp 93>, <&bpmp 104>, <&bpmp 7>;"
                        "assigned-clock-parents = <&bpmp 1>, <0>, <&bpmp 93>, <&osc>;"
                        "assigned-clock-rates = <1 294912000 0>;"),
            "a93@294912000 a104<93 a7 ");
}

TEST(BpmpUseTest, ErrorsNameNodeAndProperty) {
  EXPECT_EQ(UseOfDevice("clocks = <99 1>;"),
            "test.dtb: /device: clocks: phandle 0x63 is of no node, or of several");
  EXPECT_EQ(UseOfDevice("resets = <&bpmp>;"),
            "test.dtb: /device: resets: ends within an entry: 1 cells must follow /bpmp");
  EXPECT_EQ(UseOfDevice("power-domains = <&osc 1>;"),
            "test.dtb: /device: power-domains: /clock, which it refers to, has no "
            "#power-domain-cells, or too many");
  EXPECT_EQ(UseOfDevice("clocks = [00 00 01];"),
            "test.dtb: /device: clocks: isn't made of whole cells");
  EXPECT_EQ(UseOfDevice("clocks = <&bpmp 0x1000000>;"),
            "test.dtb: /device: clocks: 16777216 is no id of the BPMP, which has 24 bits");
  EXPECT_EQ(UseOfDevice("assigned-clocks = <&bpmp 1>; assigned-clock-parents = <&bpmp>;"),
            "test.dtb: /device: assigned-clock-parents: ends within an entry: 1 cells must follow "
            "/bpmp");
}

TEST(BpmpUseTest, ABpmpWithOtherCellsIsNone) {
  const Tree tree = CompileTree(
      "/dts-v1/; / { b: bpmp { compatible = \"nvidia,tegra186-bpmp\"; #clock-cells = <2>; };"
      " device { clocks = <&b 1 2>; }; };");
  EXPECT_EQ(UseOf(tree, **FindBpmp(tree), *tree.FindPath("/device")).status().message(),
            "test.dtb: /device: clocks: /bpmp has #clock-cells = <2>; the BPMP's is <1>");
}

TEST(FindBpmpTest, ThereMustBeOne) {
  const auto found = [](const std::string& nodes) {
    const Tree tree = CompileTree("/dts-v1/; / { " + nodes + " };");
    const auto bpmp = FindBpmp(tree);
    return bpmp.ok() ? (*bpmp)->Path() : std::string(bpmp.status().message());
  };
  constexpr char kA[] = "a { compatible = \"nvidia,tegra194-bpmp\", \"nvidia,tegra186-bpmp\"; };";
  constexpr char kOff[] = "b { compatible = \"nvidia,tegra234-bpmp\"; status = \"disabled\"; };";
  EXPECT_EQ(found(absl::StrCat(kOff, kA)), "/a");
  EXPECT_THAT(found(kOff), HasSubstr("test.dtb: has no BPMP"));
  EXPECT_EQ(found(absl::StrCat(kA, "c { compatible = \"nvidia,tegra234-bpmp\"; };")),
            "test.dtb: has two BPMPs, /a and /c; the broker serves one");
}

}  // namespace
}  // namespace bpmp::devicetree
