// SPDX-License-Identifier: Apache-2.0
// bpmpctl profile from-dtb: no broker is needed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/ctl/run_in_test.h"
#include "broker/devicetree/compile_for_test.h"

namespace bpmp::ctl {
namespace {

using devicetree::BoardSource;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ProfileVerbsTest : public testing::Test {
 protected:
  ~ProfileVerbsTest() override { ::unlink(file_.c_str()); }

  Result FromDtb(const std::string& source, const std::vector<std::string>& nodes = {},
                 const std::vector<std::string>& options = {}) {
    std::ofstream(file_, std::ios::binary) << devicetree::Compile(source);
    std::vector<std::string> arguments = {"profile", "from-dtb", file_};
    arguments.insert(arguments.end(), nodes.begin(), nodes.end());
    arguments.insert(arguments.end(), options.begin(), options.end());
    return RunInTest(arguments);
  }

  const std::string file_ = absl::StrCat(testing::TempDir(), "/profile-verbs-", ::getpid(), ".dtb");
};

constexpr char kNodes[] = R"(
  aliases { serial0 = "/bus@0/serial@3100000"; };
  bus@0 {
    uarta: serial@3100000 { clocks = <&osc>, <&bpmp 155>, <&bpmp 102>;
      clock-names = "osc", "serial", "parent"; resets = <&bpmp 100>; };
    i2c@3160000 { status = "disabled"; clocks = <&bpmp 48>, <&bpmp 102>, <&bpmp 48>;
      power-domains = <&bpmp 5>; assigned-clocks = <&bpmp 48>, <&bpmp 7>; };
    nvidia,odd@1 { resets = <&bpmp 1>; };
  };)";

TEST_F(ProfileVerbsTest, WritesAllNodesThatUseTheBpmp) {
  const Result result = FromDtb(BoardSource(kNodes));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, IsEmpty());
  EXPECT_EQ(result.out,
            "# Devices of " + file_ +
                ", by bpmpctl profile from-dtb.\n"
                "# Behind the ids stands what the device's driver calls them. shared_clocks: other "
                "nodes of\n"
                "# that tree list them as well.\n"
                "name: p3737-0000+p3701-0000\n"
                "devices:\n"
                "  - names: [uarta, serial@3100000, /bus@0/serial@3100000, serial0]\n"
                "    clocks: [155]  # serial\n"
                "    shared_clocks: [102]  # parent\n"
                "    resets: [100]\n"
                "  # Disabled in this tree.\n"
                "  - names: [i2c@3160000, /bus@0/i2c@3160000]\n"
                "    clocks: [48]\n"
                "    shared_clocks: [102]\n"
                "    power_domains: [5]\n"
                "    # assigned-clocks has these too, which the device isn't given: 7\n"
                "  - names: [\"nvidia,odd@1\", \"/bus@0/nvidia,odd@1\"]\n"
                "    resets: [1]\n");
}

TEST_F(ProfileVerbsTest, WritesTheNodesThatWereAskedFor) {
  for (const char* name : {"uarta", "serial0", "serial@3100000", "/bus@0/serial@3100000"}) {
    const Result result = FromDtb(BoardSource(kNodes), {name});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("shared_clocks: [102]")) << "the tree still has the others";
    EXPECT_THAT(result.out, Not(HasSubstr("i2c")));
  }
  EXPECT_THAT(FromDtb(BoardSource(kNodes), {"i2c@3160000"}, {"-o", "json"}).out,
              HasSubstr("\"power_domains\": [\n    5\n   ]"));
}

TEST_F(ProfileVerbsTest, SaysWhatIsWrong) {
  const Result unknown = FromDtb(BoardSource(kNodes), {"serial@310000"});
  EXPECT_EQ(unknown.code, 4);
  EXPECT_THAT(unknown.err, HasSubstr("there is no node 'serial@310000'; did you mean "));
  EXPECT_THAT(unknown.out, IsEmpty());
  const Result other = FromDtb(BoardSource(kNodes), {"pmc"});
  EXPECT_EQ(other.code, 4);
  EXPECT_THAT(other.err, HasSubstr("/pmc: uses no clock, reset or power domain of the BPMP"));
  EXPECT_EQ(FromDtb("/dts-v1/; / { };").code, 2);
  EXPECT_EQ(FromDtb(BoardSource("")).code, 4);
  EXPECT_EQ(RunInTest({"profile", "from-dtb", "/nonexistent.dtb"}).code, 2);
  EXPECT_EQ(RunInTest({"profile", "from-dtb"}).code, 2);
}

TEST_F(ProfileVerbsTest, ABadNodeIsLeftOutUnlessItWasAskedFor) {
  const std::string source = BoardSource(absl::StrCat(kNodes, "bad { clocks = <99>; };"));
  const Result all = FromDtb(source);
  EXPECT_EQ(all.code, 0);
  EXPECT_THAT(all.err, HasSubstr("left out: "));
  EXPECT_THAT(all.err, HasSubstr("/bad: clocks: phandle 0x63 is of no node"));
  EXPECT_EQ(FromDtb(source, {"bad"}).code, 2);
}

}  // namespace
}  // namespace bpmp::ctl
