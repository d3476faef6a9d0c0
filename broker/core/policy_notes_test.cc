// SPDX-License-Identifier: Apache-2.0
// What Compile() takes but says, and which clocks of a device it gives only with `vote`.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "broker/core/findings.h"
#include "broker/core/policy.h"
#include "broker/core/testing/board.h"
#include "broker/mrq/types.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// A specification of its own, on the board's firmware.
class PolicyNotes : public ::testing::Test {
 protected:
  PolicyNotes() {
    board_.spec = {};
    board_.spec.vms.resize(2);
    board_.spec.vms[0].name = "a";
    board_.spec.vms[1].name = "b";
    for (int i = 0; i < 2; ++i) board_.spec.vms[i].where = {"b.yaml", i + 1};
  }

  // A device of these clocks is the first VM's.
  void GiveDevice(std::vector<ClockId> clocks) {
    Device device;
    device.names = {"device"};
    device.clocks = std::move(clocks);
    board_.profile = Profile("test", {device}, {});
    DeviceGrant grant;
    grant.device = "device";
    grant.where = {"b.yaml", 5};
    board_.spec.vms[0].devices = {grant};
  }
  void Compile() {
    std::vector<Note> notes;
    auto policy = core::Compile(board_.spec, board_.profile, board_.inventory, &notes);
    ASSERT_TRUE(policy.ok()) << policy.status();
    policy_ = *std::move(policy);
    notes_.clear();
    for (const Note& note : notes) notes_.push_back(ToString(note.where) + note.text);
  }
  Access Given(ClockId clock) const { return policy_.vms[0].Of(clock); }

  Board board_ = MakeBoard();
  Policy policy_;
  std::vector<std::string> notes_;
};

TEST_F(PolicyNotes, NothingIsSaidOfWhatIsPlain) {
  GiveDevice({kUart, kEthTx});
  Compile();
  EXPECT_THAT(notes_, IsEmpty());
  EXPECT_EQ(Given(kUart), Access::kExclusive);
}

// --- Clocks that a device doesn't get alone ---

TEST_F(PolicyNotes, AClockOfTwoDevicesIsVotedOn) {
  Device first;
  first.names = {"device"};
  first.clocks = {kFuse};
  Device second = first;
  second.names = {"other"};
  GiveDevice({});
  board_.profile = Profile("test", {first, second}, {});
  Compile();
  EXPECT_EQ(Given(kFuse), Access::kVote);
  EXPECT_THAT(notes_, UnorderedElementsAre("b.yaml:5: vm a: device 'device' gives only 'vote' on "
                                           "fuse: other devices of the board use it"));
}

TEST_F(PolicyNotes, ARootIsVotedOn) {
  board_.inventory.clocks[kFuse.value()].flags = mrq::clk_flag::kIsVarRoot;
  GiveDevice({kClkM, kFuse});
  Compile();
  EXPECT_EQ(Given(kClkM), Access::kVote);
  EXPECT_EQ(Given(kFuse), Access::kVote);
  EXPECT_THAT(notes_, UnorderedElementsAre("b.yaml:5: vm a: device 'device' gives only 'vote' on "
                                           "clk_m: it is an input or a fixed root",
                                           "b.yaml:5: vm a: device 'device' gives only 'vote' on "
                                           "fuse: it is an input or a fixed root"));
}

TEST_F(PolicyNotes, APllIsVotedOnWhateverIsBelow) {
  board_.inventory.clocks[kFound.value()].name = "spare_pll";
  GiveDevice({kFound});
  Compile();
  EXPECT_EQ(Given(kFound), Access::kVote);
  EXPECT_THAT(notes_, UnorderedElementsAre("b.yaml:5: vm a: device 'device' gives only 'vote' on "
                                           "spare_pll: it is a PLL"));
}

// bus ── link ── lane
class PolicyChain : public PolicyNotes {
 protected:
  PolicyChain() {
    board_.inventory.clocks[kLink.value()].parent = kBus;
    board_.inventory.clocks[kLink.value()].parents = {kBus};
    board_.inventory.clocks[kLane.value()].parent = kLink;
    board_.inventory.clocks[kLane.value()].parents = {kLink};
  }
};

TEST_F(PolicyChain, WhatFeedsAnOutsiderThroughItsOwnClocksIsVotedOn) {
  GiveDevice({kBus, kLink});
  Compile();
  EXPECT_EQ(Given(kBus), Access::kVote);
  EXPECT_EQ(Given(kLink), Access::kVote);
  EXPECT_THAT(notes_, UnorderedElementsAre("b.yaml:5: vm a: device 'device' gives only 'vote' on "
                                           "bus: it feeds lane, outside the device",
                                           "b.yaml:5: vm a: device 'device' gives only 'vote' on "
                                           "link: it feeds lane, outside the device"));
}

TEST_F(PolicyChain, WhatFeedsOnlyItsOwnIsExclusive) {
  GiveDevice({kBus, kLink, kLane});
  Compile();
  for (const ClockId clock : {kBus, kLink, kLane}) EXPECT_EQ(Given(clock), Access::kExclusive);
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(PolicyChain, WhatAMuxCouldBeSwitchedToIsExclusive) {
  board_.inventory.clocks[kUart.value()].parents.push_back(kLane);
  GiveDevice({kLane});
  Compile();
  EXPECT_EQ(Given(kLane), Access::kExclusive);
}

// --- Single grants ---

TEST_F(PolicyNotes, AGrantThatTakesNothingAwayIsSaidAtItsLine) {
  GiveDevice({kUart});
  board_.spec.vms[0].clocks = {{"uart", Access::kNone, {"b.yaml", 7}}};
  board_.spec.vms[0].domains = {{"video", Access::kVote, {"b.yaml", 8}},
                                {"video", Access::kGet, {"b.yaml", 9}}};
  Compile();
  EXPECT_EQ(Given(kUart), Access::kExclusive);
  EXPECT_THAT(notes_, UnorderedElementsAre(
                          "b.yaml:7: vm a: 'none' on clock uart takes nothing away: the entry "
                          "gives 'exclusive' elsewhere, and the highest counts",
                          "b.yaml:9: vm a: 'get' on power domain video takes nothing away: the "
                          "entry gives 'vote' elsewhere, and the highest counts"));
}

TEST_F(PolicyNotes, AGrantOfAResetThatAllowsNothingIsSaid) {
  board_.spec.vms[0].resets = {{"uart", Access::kVote, {"b.yaml", 7}},
                               {"spi", Access::kExclusive, {"b.yaml", 8}}};
  Compile();
  EXPECT_THAT(notes_, UnorderedElementsAre("b.yaml:7: vm a: 'vote' on reset uart allows nothing: a "
                                           "reset takes 'exclusive'"));
}

TEST_F(PolicyNotes, ASingleGrantOfWhatOthersRunFromIsSaid) {
  board_.spec.vms[0].clocks = {{"plla", Access::kExclusive, {"b.yaml", 7}},
                               {"osc", Access::kExclusive, {"b.yaml", 8}},
                               {"uart", Access::kExclusive, {"b.yaml", 9}},
                               {"pllb", Access::kVote, {"b.yaml", 10}}};
  board_.inventory.clocks[kLink.value()].parent = kBus;
  board_.inventory.clocks[kLink.value()].parents = {kBus};
  board_.spec.vms[1].clocks = {{"bus", Access::kExclusive, {"b.yaml", 11}}};
  Compile();
  EXPECT_THAT(notes_,
              UnorderedElementsAre(
                  "b.yaml:7: vm a: 'exclusive' on clock plla lets it change what others run from: "
                  "it is a PLL",
                  "b.yaml:8: vm a: 'exclusive' on clock osc lets it change what others run from: "
                  "it is an input or a fixed root",
                  "b.yaml:11: vm b: 'exclusive' on clock bus lets it change what others run from: "
                  "it feeds link"));
}

TEST_F(PolicyNotes, ASingleGrantOfAWholeBranchIsTheVmsOwn) {
  board_.inventory.clocks[kLink.value()].parent = kBus;
  board_.inventory.clocks[kLink.value()].parents = {kBus};
  board_.spec.vms[1].clocks = {{"bus", Access::kExclusive, {}}, {"link", Access::kExclusive, {}}};
  Compile();
  EXPECT_THAT(notes_, IsEmpty());
}

// --- What one VM may because of another ---

TEST_F(PolicyNotes, AWholeBoardIsSaid) {
  board_.spec.vms[1].all_exclusive = true;
  Compile();
  EXPECT_THAT(notes_, UnorderedElementsAre(
                          "b.yaml:2: vm b: 'all: exclusive' lets it change every clock, reset and "
                          "power domain of the board, also those that the host runs on"));
  EXPECT_EQ(policy_.vms[1].Of(kOsc), Access::kExclusive);
  EXPECT_EQ(policy_.vms[1].Of(kSpareDomain), Access::kExclusive);
  EXPECT_EQ(policy_.vms[1].Of(ResetId(0)), Access::kExclusive);
}

TEST_F(PolicyNotes, AVoteOnAnothersOwnClockIsSaid) {
  board_.spec.vms[0].clocks = {{"uart", Access::kVote, {}}, {"spi", Access::kGet, {}}};
  board_.spec.vms[1].clocks = {{"uart", Access::kExclusive, {}}, {"spi", Access::kExclusive, {}}};
  Compile();
  EXPECT_THAT(notes_,
              UnorderedElementsAre("b.yaml:2: vm b: clock uart is exclusive to it, and others vote "
                                   "on it: vm a"));
}

TEST_F(PolicyNotes, ASharedDomainIsSaid) {
  board_.spec.vms[0].domains = {{"video", Access::kVote, {}}, {"eth", Access::kGet, {}}};
  board_.spec.vms[1].domains = {{"video", Access::kExclusive, {}}, {"eth", Access::kVote, {}}};
  Compile();
  EXPECT_THAT(notes_, UnorderedElementsAre("b.yaml:2: vm b: it shares power domain video with vm "
                                           "a: neither can power-cycle it alone"));
}

TEST_F(PolicyNotes, WhatManyShareIsOneLine) {
  const VmSpec vm = board_.spec.vms[1];
  for (int i = 3; i <= 300; ++i) {
    board_.spec.vms.push_back(vm);
    board_.spec.vms.back().name = absl::StrFormat("vm%03d", i);
    board_.spec.vms.back().where.line = i;
  }
  for (VmSpec& spec : board_.spec.vms) {
    spec.domains = {{"video", Access::kVote, {}}};
    spec.clocks = {{"uart", Access::kVote, {}}};
  }
  board_.spec.vms[7].clocks = {{"uart", Access::kExclusive, {}}};
  Compile();
  EXPECT_THAT(notes_,
              UnorderedElementsAre("b.yaml:8: vm vm008: clock uart is exclusive to it, and others "
                                   "vote on it: vm a, vm b, vm vm003 and 296 more",
                                   "b.yaml:300: vm vm300: it shares power domain video with vm a, "
                                   "vm b, vm vm003 and 296 more: none of them can power-cycle it "
                                   "alone"));
}

TEST_F(PolicyNotes, NoMoreIsSaidThanSomebodyReads) {
  for (int i = 0; i < 21000; ++i) {
    board_.spec.vms[0].resets.push_back({"gpu", Access::kGet, {"b.yaml", i}});
    board_.spec.vms[0].domains.push_back({"nope", Access::kVote, {"b.yaml", i}});
  }
  std::vector<Note> notes;
  const auto policy = core::Compile(board_.spec, board_.profile, board_.inventory, &notes);
  ASSERT_EQ(notes.size(), Findings::kMaxNotes + 1);
  EXPECT_EQ(notes.back().text, "and 1000 more");
  const std::vector<std::string> lines = absl::StrSplit(policy.status().message(), '\n');
  ASSERT_EQ(lines.size(), Findings::kMaxProblems + 1);
  EXPECT_EQ(lines.back(), "and 20900 more");
}

TEST_F(PolicyNotes, ADomainOfTwoDevicesIsVotedOn) {
  board_.profile = MakeBoard().profile;
  board_.spec = MakeBoard().spec;
  Compile();
  EXPECT_EQ(policy_.vms[kVicVm.value() - 1].Of(kVideoDomain), Access::kVote);
  EXPECT_EQ(policy_.vms[kEthVm.value() - 1].Of(kEthDomain), Access::kExclusive);
  EXPECT_THAT(notes_, Contains("vm vic-vm: it shares power domain video with vm nvdec-vm: neither "
                               "can power-cycle it alone"));
}

// Notes come with a refusal too: what is wrong may be what they say.
TEST_F(PolicyNotes, AreGivenWithProblems) {
  board_.spec.vms[1].all_exclusive = true;
  board_.spec.vms[0].name = "B";
  std::vector<Note> notes;
  EXPECT_FALSE(core::Compile(board_.spec, board_.profile, board_.inventory, &notes).ok());
  EXPECT_EQ(notes.size(), 1u);
}

TEST(WhereTest, SaysWhatIsKnown) {
  EXPECT_EQ(ToString(Where{}), "");
  EXPECT_EQ(ToString(Where{"b.yaml", 0}), "b.yaml: ");
  EXPECT_EQ(ToString(Where{"b.yaml", 12}), "b.yaml:12: ");
}

}  // namespace
}  // namespace bpmp::core::testing
