// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/profile_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "broker/daemon/tegra234_facts.h"

namespace bpmp::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using IdSet = std::set<uint32_t>;

std::vector<uint32_t> List(std::string_view text) {
  std::vector<uint32_t> ids;
  for (const std::string& word : std::vector<std::string>(
           absl::StrSplit(absl::string_view(text.data(), text.size()), ' ', absl::SkipEmpty()))) {
    uint32_t id = 0;
    EXPECT_TRUE(absl::SimpleAtoi(word, &id)) << word;
    ids.push_back(id);
  }
  return ids;
}

IdSet Set(std::string_view text) {
  const std::vector<uint32_t> ids = List(text);
  return {ids.begin(), ids.end()};
}

template <typename Id>
IdSet Set(const std::vector<Id>& ids) {
  IdSet set;
  for (const Id id : ids) set.insert(id.value());
  return set;
}

core::Profile Tegra234() {
  auto profile = LoadProfiles({});
  EXPECT_TRUE(profile.ok()) << profile.status();
  return profile.ok() ? *std::move(profile) : core::Profile();
}

IdSet AllClocks(const core::Device& device) {
  IdSet clocks = Set(device.clocks);
  clocks.merge(Set(device.shared_clocks));
  return clocks;
}

std::string NodeName(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

const facts::Row* RowOf(const std::string& node) {
  for (const facts::Row& row : facts::kRows) {
    if (row.node == node) return &row;
  }
  return nullptr;
}

TEST(Tegra234ProfileTest, HasWhatRunsOnRealBoards) {
  const core::Profile profile = Tegra234();
  EXPECT_EQ(profile.name(), "tegra234");
  for (const facts::Row& row : facts::kRows) {
    SCOPED_TRACE(row.name);
    const core::Device* device = profile.FindDevice(row.name);
    ASSERT_NE(device, nullptr);
    EXPECT_EQ(device->name(), row.name);
    EXPECT_EQ(profile.FindDevice(row.node), device) << "one device under both names";
    EXPECT_EQ(Set(device->clocks), Set(row.clocks));
    EXPECT_EQ(Set(device->shared_clocks), Set(row.shared_clocks));
    EXPECT_EQ(Set(device->resets), Set(row.resets));
    EXPECT_EQ(Set(device->domains), Set(row.domains));
  }
}

TEST(Tegra234ProfileTest, HasEveryNodeByNameAndByPath) {
  const core::Profile profile = Tegra234();
  for (const facts::Node& node : facts::kNodes) {
    SCOPED_TRACE(node.path);
    const core::Device* device = profile.FindDevice(node.path);
    ASSERT_NE(device, nullptr);
    EXPECT_EQ(profile.FindDevice(NodeName(node.path)), device);
    IdSet clocks = Set(node.clocks);
    IdSet resets = Set(node.resets);
    if (const facts::Row* row = RowOf(NodeName(node.path)); row != nullptr) {
      clocks.merge(Set(row->clocks));
      clocks.merge(Set(row->shared_clocks));
      resets.merge(Set(row->resets));
    }
    EXPECT_EQ(AllClocks(*device), clocks);
    EXPECT_EQ(Set(device->resets), resets);
    EXPECT_EQ(Set(device->domains), Set(node.domains));
  }
  // And nothing else: what no node names is one of the rows'.
  EXPECT_EQ(std::size(facts::kNodes), 77u);
  EXPECT_EQ(profile.devices().size(), 77u + 5u) << "gpu, nvjpg1, can0, can1, display";
}

TEST(Tegra234ProfileTest, MgbeAndJpegAreTheRightInstances) {
  const core::Profile profile = Tegra234();
  EXPECT_THAT(profile.FindDevice("mgbe0")->domains, ElementsAre(DomainId(18)));
  EXPECT_THAT(profile.FindDevice("nvjpg@15540000")->clocks, ElementsAre(ClockId(20)));
  EXPECT_THAT(profile.FindDevice("nvjpg@15540000")->resets, ElementsAre(ResetId(10)));
  EXPECT_THAT(profile.FindDevice("nvjpg@15540000")->domains, ElementsAre(DomainId(36)));
}

TEST(Tegra234ProfileTest, SharedEnginesClocksAreNobodysOwn) {
  const core::Profile profile = Tegra234();
  for (const uint32_t id : facts::kNeverOwn) {
    SCOPED_TRACE(id);
    EXPECT_GT(profile.UsersOf(ClockId(id)), 1);
    for (const core::Device& device : profile.devices()) {
      EXPECT_EQ(Set(device.clocks).count(id), 0u) << device.name();
    }
  }
}

// How many ids the nodes reference, and how many of those more than once.
std::pair<size_t, size_t> Count(const char* facts::Node::*field, bool once_per_node) {
  std::map<uint32_t, int> users;
  for (const facts::Node& node : facts::kNodes) {
    if (once_per_node) {
      for (const uint32_t id : Set(node.*field)) ++users[id];
    } else {
      for (const uint32_t id : List(node.*field)) ++users[id];
    }
  }
  size_t shared = 0;
  for (const auto& [id, count] : users) shared += count > 1 ? 1 : 0;
  return {users.size(), shared};
}

TEST(Tegra234ProfileTest, TheTablesAreTheWholeDeviceTree) {
  EXPECT_EQ(Count(&facts::Node::clocks, true), std::make_pair(size_t{132}, size_t{14}));
  EXPECT_EQ(Count(&facts::Node::clocks, false), std::make_pair(size_t{132}, size_t{15}))
      << "usb@3610000 lists clk_m twice";
  EXPECT_EQ(Count(&facts::Node::resets, true), std::make_pair(size_t{61}, size_t{10}));
  EXPECT_EQ(Count(&facts::Node::domains, true), std::make_pair(size_t{19}, size_t{8}));
}

TEST(Tegra234ProfileTest, NamesEveryReset) {
  const core::Profile profile = Tegra234();
  EXPECT_EQ(std::size(facts::kResets), 166u);
  for (const facts::Reset& reset : facts::kResets) {
    EXPECT_EQ(profile.NameOf(ResetId(reset.id)), reset.name);
    ResetId found;
    ASSERT_TRUE(profile.FindReset(reset.name, &found)) << reset.name;
    EXPECT_EQ(found, ResetId(reset.id));
  }
  EXPECT_EQ(profile.NameOf(ResetId(86)), "reset 86") << "a hole";
}

// --- Profiles in general ------------------------------------------------------------------------

std::string ErrorOf(std::string_view yaml) {
  const auto profile = ParseProfile(yaml, "p.yaml");
  return profile.ok() ? "parsed" : std::string(profile.status().message());
}

TEST(ProfileLoaderTest, ProblemsHaveTheirPlace) {
  EXPECT_EQ(ErrorOf("devices: [{names: [a], clocks: [1]}]\n"),
            "p.yaml:1:1: a profile needs a 'name'");
  EXPECT_EQ(ErrorOf("name: p\ndevices:\n  - clocks: [1]\n"), "p.yaml:3:5: a device needs 'names'");
  EXPECT_EQ(ErrorOf("name: p\ndevices:\n  - names: [a, b]\n"),
            "p.yaml:3:5: device 'a' has no clock, reset or power domain");
  EXPECT_EQ(ErrorOf("name: p\ndevices:\n  - {names: [a, b], clocks: [1]}\n"
                    "  - {names: [c, b], clocks: [2]}\n"),
            "p.yaml:4:17: 'b' names a second device");
  EXPECT_EQ(ErrorOf("name: p\ndevices:\n  - {names: ['a b', ''], clocks: [1]}\n"),
            "p.yaml:3:14: 'a b' is no name of a device\np.yaml:3:21: '' is no name of a device");
  EXPECT_EQ(ErrorOf("name: p\ndevices:\n  - {names: [a], clocks: [1, 1024], shared_clocks: [1]}\n"),
            "p.yaml:3:30: clocks: id 1024 is over 1023\n"
            "p.yaml:3:53: shared_clocks: id 1 is listed twice");
  EXPECT_EQ(ErrorOf("name: p\ndevices:\n  - {names: [a], power_domains: [256]}\n"),
            "p.yaml:3:34: power_domains: id 256 is over 255");
  EXPECT_EQ(ErrorOf("name: p\nresets: [{id: 1, name: a}, {id: 2, name: a}, {id: 3, name: '3'}]\n"),
            "p.yaml:2:28: 'a' names a second reset\np.yaml:2:46: '3' is no name of a reset");
  EXPECT_EQ(ErrorOf("name: p\nresets: [{id: 1024, name: a}]\n"),
            "p.yaml:2:10: reset id 1024 is over 1023");
}

core::Profile Merged(const std::vector<std::string>& texts) {
  std::vector<v1::DeviceProfile> profiles;
  for (const std::string& text : texts) {
    auto profile = ParseProfile(text, "p.yaml");
    EXPECT_TRUE(profile.ok()) << profile.status();
    if (profile.ok()) profiles.push_back(*std::move(profile));
  }
  return MergeProfiles(profiles);
}

TEST(ProfileLoaderTest, AnEarlierProfileDescribesADeviceAnew) {
  const core::Profile profile =
      Merged({"name: board\ndevices: [{names: [uarta], clocks: [7]}]\n"
              "resets: [{id: 1, name: mine}]\n",
              "name: soc\ndevices:\n  - {names: [uarta, serial@1], clocks: [5]}\n"
              "  - {names: [b], clocks: [5]}\n"
              "resets: [{id: 1, name: a_theirs}, {id: 2, name: second}]\n"});
  EXPECT_EQ(profile.name(), "board+soc");
  ASSERT_EQ(profile.devices().size(), 2u);
  const core::Device* uarta = profile.FindDevice("serial@1");
  ASSERT_NE(uarta, nullptr);
  EXPECT_EQ(uarta, profile.FindDevice("uarta"));
  EXPECT_THAT(uarta->clocks, ElementsAre(ClockId(7)));
  EXPECT_EQ(profile.UsersOf(ClockId(5)), 1) << "the device it replaced no longer counts";
  EXPECT_EQ(profile.NameOf(ResetId(1)), "mine");
  EXPECT_EQ(profile.NameOf(ResetId(2)), "second");
}

TEST(ProfileLoaderTest, AFileThatIsNotThere) {
  EXPECT_THAT(std::string(LoadProfiles({"/nonexistent/p.yaml"}).status().message()),
              HasSubstr("can't read /nonexistent/p.yaml"));
}

}  // namespace
}  // namespace bpmp::daemon
