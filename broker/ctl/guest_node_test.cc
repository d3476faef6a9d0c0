// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/guest_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/devicetree/bpmp_use.h"
#include "broker/devicetree/compile_for_test.h"

namespace bpmp::ctl {
namespace {

using devicetree::BoardSource;
using devicetree::CompileTree;
using ::testing::HasSubstr;
using ::testing::Not;

HostTree Host(const std::string& nodes) {
  devicetree::Tree tree = CompileTree(BoardSource(nodes));
  const devicetree::Node* const bpmp = *FindBpmp(tree);
  return {std::move(tree), bpmp};
}

// How `name` of a host with these nodes is written for a guest that has `more` too; dtc has taken
// it.
std::string Written(const std::string& nodes, const std::string& name,
                    const std::vector<std::string>& more = {}) {
  const HostTree host = Host(nodes);
  const auto node = host.tree.Resolve(name);
  EXPECT_TRUE(node.ok()) << node.status();
  GuestNode::Nodes given = {*node};
  for (const std::string& other : more) given.insert(*host.tree.Resolve(other));
  const auto text = GuestNode(host, given).Write(**node, 0);
  if (!text.ok()) {
    return std::string(text.status().message());
  }
  devicetree::Compile(absl::StrCat("/dts-v1/; /plugin/; &{/} {\n", *text, "};"));
  return *text;
}

TEST(GuestNodeTest, UartaAsOnTheBoard) {
  EXPECT_EQ(Written(R"(
    smmu: iommu { #iommu-cells = <1>; };
    bus@0 {
      #address-cells = <2>; #size-cells = <2>;
      uarta: serial@3100000 {
        compatible = "nvidia,tegra194-hsuart";
        reg = <0x0 0x03100000 0x0 0x10000>;
        interrupts = <0 112 4>;
        clocks = <&bpmp 155>; clock-names = "serial";
        resets = <&bpmp 100>; reset-names = "serial";
        dmas = <&gpio 8>; dma-names = "rx";
        iommus = <&smmu 4>;
        status = "disabled";
      };
    };)",
                    "uarta"),
            "uarta: serial@3100000 {\n"
            "\tcompatible = \"nvidia,tegra194-hsuart\";\n"
            "\treg = <0x0 0x3100000 0x0 0x10000>;\n"
            "\tinterrupts = <0x0 0x70 0x4>;\n"
            "\tclocks = <&bpmp 0x9b>;\n"
            "\tclock-names = \"serial\";\n"
            "\tresets = <&bpmp 0x64>;\n"
            "\treset-names = \"serial\";\n"
            "\t// left out: dmas\n"
            "\t// left out: dma-names\n"
            "\t// left out: iommus\n"
            "};\n");
}

TEST(GuestNodeTest, OtherProvidersEntriesGoWithTheirNames) {
  const std::string text = Written(
      "device@1 { clocks = <&osc>, <&bpmp 1>, <&pmc 2 3>, <&bpmp 4>;"
      " clock-names = \"osc\", \"a\", \"pmc\", \"b\"; resets = <&gpio 5>; reset-names = \"g\"; };",
      "device@1");
  EXPECT_THAT(text, HasSubstr("\t// left out: clocks of /clock\n"));
  EXPECT_THAT(text, HasSubstr("\t// left out: clocks of /pmc\n"));
  EXPECT_THAT(text, HasSubstr("\tclocks = <&bpmp 0x1>, <&bpmp 0x4>;\n"));
  EXPECT_THAT(text, HasSubstr("\tclock-names = \"a\", \"b\";\n"));
  EXPECT_THAT(text, Not(HasSubstr("resets =")));
  EXPECT_THAT(text, Not(HasSubstr("reset-names")));
}

TEST(GuestNodeTest, AssignedClocksStay) {
  EXPECT_THAT(Written("device@1 { assigned-clocks = <&osc>, <&bpmp 93>, <&bpmp 104>;"
                      " assigned-clock-parents = <0>, <0>, <&bpmp 93>;"
                      " assigned-clock-rates = <1>, <294912000>; };",
                      "device@1"),
              HasSubstr("\tassigned-clocks = <&bpmp 93>, <&bpmp 104>;\n"
                        "\tassigned-clock-parents = <0>, <&bpmp 93>;\n"
                        "\tassigned-clock-rates = <294912000>, <0>;\n"));
}

TEST(GuestNodeTest, AddressesGetTheCellsOfAGuestsRoot) {
  EXPECT_THAT(Written("bus@0 { #address-cells = <1>; #size-cells = <1>;"
                      " device@1 { reg = <0x1 0x2>, <0x3 0x4>; }; };",
                      "device@1"),
              HasSubstr("\treg = <0x0 0x1 0x0 0x2>, <0x0 0x3 0x0 0x4>;\n"));
  EXPECT_THAT(Written("i2c@1 { #address-cells = <1>; #size-cells = <0>;"
                      " codec@1c { reg = <0x1c>; }; };",
                      "codec@1c"),
              HasSubstr("\t// left out: reg\n"));
}

TEST(GuestNodeTest, WhatIsBelowIsReachedAsOnTheHost) {
  constexpr char kBus[] =
      "bus@0 { #address-cells = <1>; #size-cells = <1>; host1x@1 { #address-cells = <1>;"
      " #size-cells = <1>; reg = <0x1 0x2>; ranges = <0x10 0x20 0x4>, <0x30 0x40 0x8>;"
      " dma-ranges; vic@10 { reg = <0x10 0x4>; clocks = <&bpmp 1>; }; }; };";
  const std::string text = Written(kBus, "host1x@1", {"vic@10"});
  EXPECT_THAT(text, HasSubstr("\treg = <0x0 0x1 0x0 0x2>;\n"));
  EXPECT_THAT(text, HasSubstr("\tranges = <0x10 0x0 0x20 0x4>, <0x30 0x0 0x40 0x8>;\n"));
  EXPECT_THAT(text, HasSubstr("\tdma-ranges;\n"));
  EXPECT_THAT(text, HasSubstr("\t\treg = <0x10 0x4>;\n"));
  EXPECT_THAT(Written("bus@0 { #address-cells = <2>; #size-cells = <2>; dev@1 { ranges = <1 2 3>; "
                      "}; };",
                      "dev@1"),
              HasSubstr("// left out: ranges\n"));
}

TEST(GuestNodeTest, WhatIsAroundADeviceNeedNotBeReadable) {
  const HostTree host = Host("bus@0 { clocks = <99>; device@1 { clocks = <&bpmp 1>; }; };");
  const GuestNode::Nodes given = {*host.tree.Resolve("device@1")};
  EXPECT_EQ(*GuestNode(host, given).IsWithinAnother(**given.begin()), false);
}

TEST(GuestNodeTest, LinksWithinTheNodeStay) {
  const std::string text = Written(
      "mgbe0: ethernet@1 { phy-handle = <&phy>; power-domains = <&bpmp 18>;"
      " nvidia,bpmp = <&bpmp 3>;"
      " mdio { #address-cells = <1>; #size-cells = <0>; phy: phy@0 { reg = <0>; }; };"
      " port { phy-handle = <&elsewhere>; }; }; elsewhere: other { };",
      "mgbe0");
  EXPECT_THAT(text, HasSubstr("\tphy-handle = <&mgbe0_mdio_phy_0>;\n"));
  EXPECT_THAT(text, HasSubstr("\t\tmgbe0_mdio_phy_0: phy@0 {\n\t\t\treg = <0x0>;\n"));
  EXPECT_THAT(text, HasSubstr("\tpower-domains = <&bpmp 0x12>;\n"));
  EXPECT_THAT(text, HasSubstr("\tnvidia,bpmp = <&bpmp 0x3>;\n"));
  EXPECT_THAT(text, HasSubstr("\t\t// left out: phy-handle\n"));
}

constexpr char kNested[] = R"(
    host1x@1 {
      clocks = <&bpmp 46>; status = "disabled";
      vic@2 { clocks = <&bpmp 167>; status = "disabled"; };
      crypto@3 { resets = <&bpmp 9>; part@1 { clocks = <&bpmp 2>; }; };
      part@4 { status = "disabled"; nvdec@5 { power-domains = <&bpmp 5>; }; };
    };)";

TEST(GuestNodeTest, ADeviceBelowIsWrittenOnlyIfItIsGivenToo) {
  EXPECT_EQ(Written(kNested, "host1x@1"),
            "host1x_1: host1x@1 {\n"
            "\tclocks = <&bpmp 0x2e>;\n"
            "\t// left out: vic@2, a device that the VM doesn't have\n"
            "\t// left out: crypto@3, a device that the VM doesn't have\n"
            "\tpart@4 {\n"
            "\t\tstatus = \"disabled\";\n"
            "\t\t// left out: nvdec@5, a device that the VM doesn't have\n"
            "\t};\n"
            "};\n");
  const std::string text = Written(kNested, "host1x@1", {"vic@2", "nvdec@5"});
  EXPECT_THAT(text, HasSubstr("\tvic@2 {\n\t\tclocks = <&bpmp 0xa7>;\n\t};\n"));
  EXPECT_THAT(text,
              HasSubstr("\tpart@4 {\n\t\tnvdec@5 {\n\t\t\tpower-domains = <&bpmp 0x5>;\n\t\t};\n"));
  EXPECT_THAT(text, HasSubstr("// left out: crypto@3"));
}

TEST(GuestNodeTest, ALinkToADeviceThatIsLeftOutIsLeftOut) {
  const std::string nodes =
      "device@1 { clocks = <&bpmp 1>; phy-handle = <&phy>; phy: phy@2 { clocks = <&bpmp 2>; }; };";
  EXPECT_THAT(Written(nodes, "device@1"), HasSubstr("// left out: phy-handle\n"));
  EXPECT_THAT(Written(nodes, "device@1", {"phy@2"}),
              HasSubstr("phy-handle = <&device_1_phy_2>;\n"));
}

TEST(GuestNodeTest, WhereADeviceIsWrittenDependsOnWhatIsAroundIt) {
  const HostTree host = Host(kNested);
  const auto at = [&](const char* name) { return *host.tree.Resolve(name); };
  GuestNode::Nodes given = {at("host1x@1"), at("vic@2"), at("crypto@3"), at("nvdec@5")};
  GuestNode all(host, given);
  EXPECT_EQ(*all.IsWithinAnother(*at("host1x@1")), false);
  EXPECT_EQ(*all.IsWithinAnother(*at("vic@2")), true);
  EXPECT_EQ(*all.IsWithinAnother(*at("nvdec@5")), true);
  given.erase(at("host1x@1"));
  EXPECT_EQ(*all.IsWithinAnother(*at("vic@2")), false);
  // What is around it is left out itself.
  given = {at("host1x@1"), at("/host1x@1/crypto@3/part@1")};
  EXPECT_EQ(*all.IsWithinAnother(*at("/host1x@1/crypto@3/part@1")), false);
}

TEST(GuestNodeTest, PinsGoByAnyName) {
  const std::string text = Written(
      "device@1 { gpios = <&gpio 8>; gpio = <&gpio 8>; reset-gpios = <&gpio 8>; };", "device@1");
  EXPECT_THAT(text, HasSubstr("// left out: gpios\n"));
  EXPECT_THAT(text, HasSubstr("// left out: gpio\n"));
  EXPECT_THAT(text, HasSubstr("// left out: reset-gpios\n"));
}

TEST(GuestNodeTest, WhatCantBeReadIsSaid) {
  EXPECT_EQ(Written("device@1 { clocks = <99>; };", "device@1"),
            "test.dtb: /device@1: clocks: phandle 0x63 is of no node, or of several");
}

TEST(GuestNodeTest, AHostileNodeIsStillASource) {
  const std::string text = Written(
      "dash: a-- { #clock-cells = <0>; };"
      "device@1 { clocks = <&dash>, <&bpmp 1>; clock-names = \"a\", \"\\n\\x1b\\\"; };\";"
      " model = \"*/ }; evil { \"; };",
      "device@1");
  EXPECT_THAT(text, HasSubstr("\t// left out: clocks of /a--\n"));
  EXPECT_THAT(text, HasSubstr("\tclock-names = \"\\x0a\\x1b\\\"; };\";\n"));
  EXPECT_THAT(text, HasSubstr("\tmodel = \"*/ }; evil { \";\n"));
}

}  // namespace
}  // namespace bpmp::ctl
