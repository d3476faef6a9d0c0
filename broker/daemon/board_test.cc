// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/daemon/profile_loader.h"
#include "broker/daemon/tegra234_facts.h"
#include "broker/devicetree/compile_for_test.h"

namespace bpmp::daemon {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class BoardTest : public testing::Test {
 protected:
  BoardTest() {
    std::string name = testing::TempDir() + "/board-XXXXXX";
    root_ = mkdtemp(name.data());
    config_.set_device_tree("none");
  }
  ~BoardTest() override { std::filesystem::remove_all(root_); }

  std::string Write(const std::string& name, const std::string& bytes) {
    std::ofstream(root_ + "/" + name, std::ios::binary) << bytes;
    return root_ + "/" + name;
  }
  // The tree of a board with these nodes, as the one that the configuration names.
  void UseTree(const std::string& nodes) {
    config_.set_device_tree(Write("host.dtb", devicetree::Compile(devicetree::BoardSource(nodes))));
  }
  void Give(const std::string& vm, const std::vector<std::string>& devices) {
    v1::VmConfig* const entry = config_.add_vms();
    entry->set_name(vm);
    for (const std::string& device : devices) entry->add_devices()->set_device(device);
  }
  Board Load() {
    auto board = LoadBoard(config_, root_ + "/live.dtb");
    EXPECT_TRUE(board.ok()) << board.status();
    return board.ok() ? *std::move(board) : Board();
  }
  std::string Error() { return std::string(LoadBoard(config_).status().message()); }

  std::string root_;
  v1::Config config_;
};

constexpr char kUarta[] =
    "bus@0 { uarta: serial@3100000 { clocks = <&bpmp 155>; resets = <&bpmp 100>; }; };";

TEST_F(BoardTest, WithoutATreeItIsTheProfiles) {
  const Board board = Load();
  EXPECT_EQ(board.profile.name(), "tegra234");
  EXPECT_EQ(board.profile.FindDevice("/bus@0/serial@31d0000"), nullptr);
  EXPECT_THAT(board.warnings, IsEmpty());
  EXPECT_THAT(board.notes, IsEmpty());
}

TEST_F(BoardTest, TheTreeHasTheDevicesThatNoProfileHas) {
  UseTree(
      "aliases { tegra-ivc0 = \"/bus@0/ivc@1\"; };"
      "bus@0 { foo: ivc@1 { clocks = <&bpmp 7>, <&osc>; resets = <&bpmp 8>;"
      " power-domains = <&bpmp 9>; }; };");
  const Board board = Load();
  EXPECT_EQ(board.profile.name(), "tegra234+" + config_.device_tree());
  for (const char* name : {"foo", "ivc@1", "/bus@0/ivc@1", "tegra-ivc0"}) {
    const core::Device* const device = board.profile.FindDevice(name);
    ASSERT_NE(device, nullptr) << name;
    EXPECT_EQ(device->name(), "foo");
    EXPECT_THAT(device->clocks, ElementsAre(ClockId(7)));
    EXPECT_THAT(device->resets, ElementsAre(ResetId(8)));
    EXPECT_THAT(device->domains, ElementsAre(DomainId(9)));
  }
  EXPECT_THAT(board.warnings, IsEmpty());
}

TEST_F(BoardTest, ProfilesGoBeforeTheTree) {
  UseTree("bus@0 { serial@3100000 { clocks = <&bpmp 159>; }; };");
  const core::Device* device = nullptr;
  Board board = Load();
  device = board.profile.FindDevice("/bus@0/serial@3100000");
  EXPECT_EQ(device, board.profile.FindDevice("uarta"));
  EXPECT_THAT(device->clocks, ElementsAre(ClockId(155)));

  config_.add_profiles(
      Write("p.yaml", "name: mine\ndevices: [{names: [serial@3100000], clocks: [7]}]\n"));
  board = Load();
  device = board.profile.FindDevice("/bus@0/serial@3100000");
  EXPECT_EQ(device, board.profile.FindDevice("uarta"));
  EXPECT_THAT(device->clocks, ElementsAre(ClockId(7)));
}

TEST_F(BoardTest, AFriendlyNameOfAProfileIsNoNodesLabel) {
  UseTree("bus@0 { can0: uarta: other@1 { clocks = <&bpmp 7>; }; };");
  const Board board = Load();
  EXPECT_THAT(board.profile.FindDevice("uarta")->clocks, ElementsAre(ClockId(155)));
  EXPECT_THAT(board.profile.FindDevice("other@1")->clocks, ElementsAre(ClockId(7)));
  EXPECT_EQ(board.profile.FindDevice("other@1")->names,
            (std::vector<std::string>{"other@1", "/bus@0/other@1"}));
}

TEST_F(BoardTest, WhatTwoNodesListIsNobodysOwn) {
  UseTree("bus@0 { other@1 { status = \"disabled\"; clocks = <&bpmp 155>; }; };");
  EXPECT_EQ(Load().profile.UsersOf(ClockId(155)), 2);
}

// --- Drift
// ----------------------------------------------------------------------------------------

TEST_F(BoardTest, ATreeThatAgreesIsNotMentioned) {
  UseTree(kUarta);
  Give("a", {"serial@3100000"});
  const Board board = Load();
  EXPECT_THAT(board.warnings, IsEmpty()) << absl::StrJoin(board.warnings, "\n");
  EXPECT_THAT(board.notes, IsEmpty()) << "clock 102 is a shared one";
  EXPECT_EQ(board.drifted, 0u);
}

TEST_F(BoardTest, WhatTheTreeListsAndTheProfileDoesntGiveIsAWarning) {
  UseTree(
      "bus@0 { serial@3100000 { clocks = <&bpmp 155>, <&bpmp 378>; resets = <&bpmp 101>; };"
      " i2c@3160000 { clocks = <&bpmp 1>; }; };");
  Give("a", {"uarta"});
  Give("b", {"/bus@0/serial@3100000"});
  const Board board = Load();
  const std::string& tree = config_.device_tree();
  EXPECT_THAT(
      board.warnings,
      ElementsAre(absl::StrCat(
          "device 'uarta' of vm a: ", tree,
          ": /bus@0/serial@3100000 lists clock 378, reset 101, "
          "which the profile doesn't give: the guest's driver may be refused; the profile gives "
          "reset 100, which ",
          tree,
          ": /bus@0/serial@3100000 doesn't list; the tree's own "
          "profile: bpmpctl profile from-dtb ",
          tree, " /bus@0/serial@3100000")));
  EXPECT_EQ(board.drifted, 1u) << "one device, whoever has it";
  EXPECT_THAT(board.notes, ElementsAre(AllOf(HasSubstr("for devices that no VM has: i2c1;"))));
}

TEST_F(BoardTest, WhatOnlyTheProfileGivesIsANote) {
  UseTree("bus@0 { serial@3100000 { clocks = <&bpmp 155>; }; };");
  Give("a", {"uarta"});
  const Board board = Load();
  EXPECT_THAT(board.warnings, IsEmpty());
  EXPECT_THAT(board.notes, ElementsAre(HasSubstr("device 'uarta' of vm a: the profile gives reset "
                                                 "100, which ")));
}

TEST_F(BoardTest, ADeviceWithoutANodeIsAWarning) {
  UseTree(kUarta);
  Give("a", {"mgbe0", "no-such-device"});
  const Board board = Load();
  EXPECT_THAT(board.warnings, ElementsAre(AllOf(HasSubstr("device 'mgbe0' of vm a: "),
                                                HasSubstr("has no such node (mgbe0, "))));
  EXPECT_EQ(board.drifted, 1u);
}

// --- Trees that don't fit
// -------------------------------------------------------------------------

TEST_F(BoardTest, AnotherSocsTreeLeavesTheBuiltInProfileOut) {
  config_.set_device_tree(Write(
      "xavier.dtb",
      devicetree::Compile("/dts-v1/; / { compatible = \"nvidia,p2972-0000\", \"nvidia,tegra194\";"
                          " b: bpmp { compatible = \"nvidia,tegra194-bpmp\"; #clock-cells = <1>; };"
                          " serial@3100000 { clocks = <&b 155>; }; };")));
  const Board board = Load();
  EXPECT_EQ(board.profile.FindDevice("mgbe0"), nullptr);
  EXPECT_NE(board.profile.FindDevice("serial@3100000"), nullptr);
  EXPECT_THAT(board.notes, ElementsAre(AllOf(HasSubstr("the built-in profile of tegra234 isn't"),
                                             HasSubstr("is of tegra194"))));
}

TEST_F(BoardTest, OneBadNodeDoesntSpoilTheRest) {
  UseTree(absl::StrCat(kUarta, "bad { clocks = <99 1>; }; large { resets = <&bpmp 1024>; };"));
  const Board board = Load();
  EXPECT_THAT(board.warnings, ElementsAre(HasSubstr("/bad: clocks: phandle 0x63"),
                                          HasSubstr("/large: has ids that no board has")));
  EXPECT_EQ(board.profile.FindDevice("large"), nullptr);
}

TEST_F(BoardTest, ATreeThatTheConfigurationNamesMustBeOne) {
  config_.set_device_tree(root_ + "/none.dtb");
  EXPECT_THAT(Error(), HasSubstr("can't read " + root_ + "/none.dtb"));
  config_.set_device_tree(Write("x.dtb", "not a tree at all, but long enough to be one"));
  EXPECT_THAT(Error(), HasSubstr("x.dtb: is no compiled device tree"));
  config_.set_device_tree(Write("x.dtb", devicetree::Compile("/dts-v1/; / { };")));
  EXPECT_THAT(Error(), HasSubstr("x.dtb: has no BPMP"));
}

TEST_F(BoardTest, TheLiveTreeIsForTheRealBackend) {
  config_.set_device_tree("auto");
  Write("live.dtb", "not a tree at all, but long enough to be one");
  EXPECT_THAT(Load().warnings, IsEmpty()) << "the simulator's board isn't this machine";
  config_.mutable_backend()->set_kind(v1::BackendConfig::KERNEL);
  Board board = Load();
  EXPECT_THAT(board.warnings, ElementsAre(AllOf(HasSubstr("device tree isn't used"),
                                                HasSubstr("live.dtb: is no compiled"))));
  EXPECT_NE(board.profile.FindDevice("uarta"), nullptr);

  std::filesystem::remove(root_ + "/live.dtb");
  board = Load();
  EXPECT_THAT(board.warnings, IsEmpty());
  EXPECT_THAT(board.notes, ElementsAre(HasSubstr("can't read"))) << "a host without one";

  Write("live.dtb", devicetree::Compile(devicetree::BoardSource("foo@1 { clocks = <&bpmp 7>; };")));
  EXPECT_NE(Load().profile.FindDevice("foo@1"), nullptr);
}

// --- The whole of AGX Orin
// ------------------------------------------------------------------------

TEST_F(BoardTest, TheBuiltInProfileAgreesWithAllNodesOfTheTree) {
  config_.set_device_tree(Write("t234.dtb", devicetree::Compile(devicetree::T234Source())));
  for (const facts::Node& node : facts::kNodes)
    Give(absl::StrCat("vm-of-", node.path), {node.path});
  const Board board = Load();
  EXPECT_THAT(board.warnings, IsEmpty()) << absl::StrJoin(board.warnings, "\n");
  EXPECT_EQ(board.profile.devices().size(), LoadProfiles({})->devices().size());
  std::vector<std::string> more;
  for (const std::string& note : board.notes) {
    more.push_back(note.substr(0, note.find(" of vm")));
  }
  EXPECT_THAT(more, testing::UnorderedElementsAre("device 'host1x'", "device 'mgbe0'"))
      << "which have more on real boards: " << absl::StrJoin(board.notes, "\n");
}

TEST_F(BoardTest, TheTreeAloneHasAllItsNodes) {
  std::string text = devicetree::T234Source();
  // As if it were another SoC's, for which there is no profile.
  text.replace(text.find("nvidia,tegra234\""), 15, "nvidia,tegra999");
  config_.set_device_tree(Write("t999.dtb", devicetree::Compile(text)));
  const Board board = Load();
  ASSERT_EQ(board.profile.devices().size(), std::size(facts::kNodes));
  for (const facts::Node& node : facts::kNodes) {
    SCOPED_TRACE(node.path);
    const core::Device* const device = board.profile.FindDevice(node.path);
    ASSERT_NE(device, nullptr);
    std::set<std::string> words;
    for (const ClockId id : device->clocks) words.insert(absl::StrCat("c", id.value()));
    for (const ResetId id : device->resets) words.insert(absl::StrCat("r", id.value()));
    for (const DomainId id : device->domains) words.insert(absl::StrCat("p", id.value()));
    std::set<std::string> expected;
    const auto add = [&](const char* what, const char* ids) {
      std::istringstream stream(ids);
      for (std::string id; stream >> id;) expected.insert(what + id);
    };
    add("c", node.clocks);
    add("r", node.resets);
    add("p", node.domains);
    EXPECT_EQ(words, expected);
  }
}

}  // namespace
}  // namespace bpmp::daemon
