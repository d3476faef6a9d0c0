// SPDX-License-Identifier: Apache-2.0
// bpmpctl policy import: no broker is needed.
#include "broker/ctl/policy_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/ctl/run_in_test.h"
#include "broker/devicetree/compile_for_test.h"

namespace bpmp::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class PolicyImportTest : public testing::Test {
 protected:
  ~PolicyImportTest() override { ::unlink(file_.c_str()); }

  Result Import(const std::string& nodes, const std::vector<std::string>& options = {}) {
    std::ofstream(file_, std::ios::binary)
        << devicetree::Compile(devicetree::BoardSource(absl::StrCat(kDevices, nodes)));
    std::vector<std::string> words = {"policy", "import", file_};
    words.insert(words.end(), options.begin(), options.end());
    return RunInTest(words);
  }
  // From the first VM on.
  std::string Vms(const std::string& nodes) {
    const Result result = Import(nodes);
    EXPECT_EQ(result.code, 0) << result.err;
    const size_t vms = result.out.find("vms:\n");
    return vms == std::string::npos ? result.out : result.out.substr(vms);
  }

  static constexpr char kDevices[] = R"(bus@0 {
    uarta: serial@3100000 { clocks = <&bpmp 155>; resets = <&bpmp 100>; };
    mgbe0: ethernet@6800000 { clocks = <&bpmp 380>; resets = <&bpmp 46>; power-domains = <&bpmp 18>; };
    i2c1: i2c@3160000 { clocks = <&bpmp 48>, <&bpmp 102>; };
    i2c2: i2c@c240000 { clocks = <&bpmp 49>, <&bpmp 102>; };
  };)";
  const std::string file_ = absl::StrCat(testing::TempDir(), "/policy-import-", ::getpid(), ".dtb");
};

TEST_F(PolicyImportTest, IdsBecomeTheDevicesThatNeedThem) {
  EXPECT_EQ(Vms("bpmp-host-proxy { compatible = \"nvidia,bpmp-host-proxy\";"
                " allowed-clocks = <155 102 7 380>; allowed-resets = <100 46>;"
                " allowed-power-domains = <3>; };"),
            "vms:\n"
            "  - name: \"vm1\"  # /bpmp-host-proxy\n"
            "    devices:\n"
            "      - \"serial@3100000\"\n"
            "    clocks:\n"
            "      - {name: \"7\", access: exclusive}\n"
            "      - {name: \"102\", access: vote}\n"
            "      - {name: \"380\", access: vote}\n"
            "    resets:\n"
            "      - {name: \"46\", access: exclusive}\n"
            "    power_domains:\n"
            "      - {name: \"3\", access: exclusive}\n")
      << "without its power domain it isn't mgbe0";
}

TEST_F(PolicyImportTest, NodesOfSeveralVmsHaveTheirNames) {
  EXPECT_EQ(Vms("bpmp-host-proxy-net { compatible = \"nvidia,bpmp-host-proxy\";"
                " device-name = \"bpmp-host-net-vm\"; allowed-devices = <&mgbe0>; };"
                "bpmp-host-proxy-gpu { compatible = \"nvidia,bpmp-host-proxy\";"
                " allowed-clocks = <304 40>; allowed-resets = <19>; };"
                "bpmp-host-proxy-tv { compatible = \"nvidia,bpmp-host-proxy\";"
                " uart { allowed-clocks = <155>; allowed-resets = <100>; };"
                " more { allowed-clocks = <40>; allowed-resets = <19>; }; };"),
            "vms:\n"
            "  - name: \"net-vm\"  # /bpmp-host-proxy-net\n"
            "    devices:\n"
            "      - \"ethernet@6800000\"\n"
            "  - name: \"gpu\"  # /bpmp-host-proxy-gpu\n"
            "    clocks:\n"
            "      - {name: \"40\", access: vote}\n"
            "      - {name: \"304\", access: exclusive}\n"
            "    resets:\n"
            "      - {name: \"19\", access: exclusive}\n"
            "  - name: \"tv\"  # /bpmp-host-proxy-tv\n"
            "    devices:\n"
            "      - \"serial@3100000\"\n"
            "    clocks:\n"
            "      - {name: \"40\", access: vote}\n"
            "    resets:\n"
            "      - {name: \"19\", access: exclusive}\n"
            "shared_resets: [\"19\"]\n");
}

TEST_F(PolicyImportTest, WhatSeveralMayHaveIsShared) {
  const std::string both =
      " compatible = \"nvidia,bpmp-host-proxy\"; allowed-clocks = <155>; allowed-resets = <100>; ";
  EXPECT_EQ(Vms("a {" + both + "}; b {" + both + "};"),
            "vms:\n"
            "  - name: \"a\"  # /a\n"
            "    clocks:\n"
            "      - {name: \"155\", access: vote}\n"
            "    resets:\n"
            "      - {name: \"100\", access: exclusive}\n"
            "  - name: \"b\"  # /b\n"
            "    clocks:\n"
            "      - {name: \"155\", access: vote}\n"
            "    resets:\n"
            "      - {name: \"100\", access: exclusive}\n"
            "shared_resets: [\"100\"]\n");
  // Who names it has it.
  EXPECT_THAT(Vms("a {" + both + "}; b {" + both + "allowed-devices = <&uarta>; };"),
              HasSubstr("  - name: \"b\"  # /b\n"
                        "    devices:\n"
                        "      - \"serial@3100000\"\n"));
}

TEST_F(PolicyImportTest, RootsAreForVotes) {
  EXPECT_THAT(
      Vms("p { compatible = \"nvidia,bpmp-host-proxy\"; allowed-clocks = <91 14>; };"),
      AllOf(HasSubstr("{name: \"14\", access: vote}"), HasSubstr("{name: \"91\", access: vote}")));
}

TEST_F(PolicyImportTest, NothingMoreThanWasAllowed) {
  const std::string vms =
      Vms("p { compatible = \"nvidia,bpmp-host-proxy\"; allowed-clocks = <102>; };");
  EXPECT_THAT(vms, Not(HasSubstr("devices"))) << "both I2Cs need it and neither is allowed";
}

TEST_F(PolicyImportTest, ByIdsNoDeviceIsNamed) {
  const std::string node =
      "p { compatible = \"nvidia,bpmp-host-proxy\"; allowed-clocks = <155 102>; "
      "allowed-resets = <100>; };";
  EXPECT_THAT(Import(node).out, HasSubstr("devices:"));
  const std::string ids = Import(node, {"--ids"}).out;
  EXPECT_THAT(ids, Not(HasSubstr("    devices:")));
  EXPECT_THAT(ids, HasSubstr("{name: \"155\", access: "));
  EXPECT_THAT(ids, HasSubstr("{name: \"100\", access: exclusive}"));
}

TEST_F(PolicyImportTest, SaysWhatIsWrong) {
  const Result none = Import("");
  EXPECT_EQ(none.code, 4);
  EXPECT_THAT(none.err, HasSubstr("no node is compatible with nvidia,bpmp-host-proxy"));
  EXPECT_THAT(none.out, IsEmpty());
  const Result broken =
      Import("p { compatible = \"nvidia,bpmp-host-proxy\"; allowed-clocks = [00 01]; };");
  EXPECT_EQ(broken.code, 2);
  EXPECT_THAT(broken.err, HasSubstr("/p: allowed-clocks: isn't made of whole cells"));
  EXPECT_THAT(Import("p { compatible = \"nvidia,bpmp-host-proxy\"; allowed-devices = <99>; };").err,
              HasSubstr("/p: allowed-devices: phandle 0x63 is of no node"));
}

}  // namespace
}  // namespace bpmp::ctl
