// SPDX-License-Identifier: Apache-2.0
// What Compile() refuses, one row a reason, and what it makes of what it takes.
#include "broker/core/policy.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "broker/core/testing/board.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::HasSubstr;

const Where kLine7 = {"b.yaml", 7};
const Where kLine9 = {"b.yaml", 9};

std::string ProblemsOf(const Board& board) {
  return std::string(
      Compile(board.spec, board.profile, board.inventory, nullptr).status().message());
}

VmSpec& Vm(Board* board, VmId vm) { return board->spec.vms[vm.value() - 1]; }

ResourceGrant Grant(const char* resource, Access access) { return {resource, access, kLine7}; }

ClockRule Rule(const char* clock, const Where& where) { return {clock, RatePolicy::kMax, where}; }

PinSpec Pin(ResourceKind kind, const char* resource, const Where& where) {
  return {kind, resource, std::nullopt, where};
}

void Limit(Board* board, const char* clock, int64_t min_hz, int64_t max_hz, const Where& where) {
  Vm(board, kCan0Vm).rate_limits.push_back({clock, min_hz, max_hz, where});
}

void Rename(Board* board, const std::string& name) {
  Vm(board, kUartVm).name = name;
  Vm(board, kUartVm).where = kLine7;
}

// A profile with one device more.
void AddDevice(Board* board, Device device) {
  std::vector<Device> devices = board->profile.devices();
  devices.push_back(std::move(device));
  board->profile =
      Profile("test", std::move(devices), {{"uart", kUartReset}, {"video", kVideoReset}});
}

void Use(Board* board, VmId vm, const char* device) {
  DeviceGrant grant;
  grant.device = device;
  grant.where = kLine7;
  Vm(board, vm).devices.push_back(grant);
}

struct Row {
  const char* what;
  std::function<void(Board*)> change;
  const char* problem;  // "" for none
};

void ExpectRefused(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    Board board = MakeBoard();
    row.change(&board);
    const std::string problems = ProblemsOf(board);
    EXPECT_EQ(problems, row.problem) << row.what;
  }
}

TEST(PolicyTest, TheBoardsOwnIsTaken) { EXPECT_EQ(ProblemsOf(MakeBoard()), ""); }

TEST(PolicyTest, RefusesNamesThatNothingHas) {
  ExpectRefused({
      {"device", [](Board* b) { Use(b, kUartVm, "nope"); },
       "b.yaml:7: vm uart-vm: profile 'test' has no device 'nope'"},
      {"clock", [](Board* b) { Vm(b, kUartVm).clocks = {Grant("uarta", Access::kGet)}; },
       "b.yaml:7: vm uart-vm: no clock 'uarta'; did you mean 'uart'?"},
      {"clock by id, a hole", [](Board* b) { Vm(b, kUartVm).clocks = {Grant("13", Access::kGet)}; },
       "b.yaml:7: vm uart-vm: no clock '13'"},
      {"clock by id, too high",
       [](Board* b) { Vm(b, kUartVm).clocks = {Grant("26", Access::kGet)}; },
       "b.yaml:7: vm uart-vm: no clock '26'"},
      {"reset", [](Board* b) { Vm(b, kUartVm).resets = {Grant("7", Access::kGet)}; },
       "b.yaml:7: vm uart-vm: no reset '7'"},
      {"reset that no profile names",
       [](Board* b) { Vm(b, kUartVm).resets = {Grant("reset 0", Access::kGet)}; },
       "b.yaml:7: vm uart-vm: no reset 'reset 0'"},
      {"domain", [](Board* b) { Vm(b, kUartVm).domains = {Grant("ethernet", Access::kGet)}; },
       "b.yaml:7: vm uart-vm: no power domain 'ethernet'"},
      {"rule", [](Board* b) { b->spec.clock_rules.push_back(Rule("13", kLine7)); },
       "b.yaml:7: clocks: no clock '13'"},
      {"shared reset",
       [](Board* b) { b->spec.shared_resets.push_back(Grant("vide", Access::kNone)); },
       "b.yaml:7: shared_resets: no reset 'vide'; did you mean 'video'?"},
      {"pinned clock",
       [](Board* b) { b->spec.pins = {Pin(ResourceKind::kClock, "eth_tz", kLine7)}; },
       "b.yaml:7: pins: no clock 'eth_tz'; did you mean 'eth_tx'?"},
      {"pinned domain", [](Board* b) { b->spec.pins = {Pin(ResourceKind::kDomain, "4", kLine7)}; },
       "b.yaml:7: pins: no power domain '4'"},
      {"limited clock", [](Board* b) { Limit(b, "13", 1, 2, kLine7); },
       "b.yaml:7: vm can0-vm: no clock '13'"},
  });
}

TEST(PolicyTest, RefusesADeviceThatTheFirmwareLacks) {
  Device ghost;
  ghost.names = {"ghost"};
  ghost.clocks = {kHole};
  ghost.domains = {DomainId(kDomainCount)};
  Board board = MakeBoard();
  AddDevice(&board, ghost);
  Use(&board, kGuestVm, "ghost");
  EXPECT_EQ(ProblemsOf(board),
            "b.yaml:7: vm guest-vm: the firmware has no clock 13 of device 'ghost'\n"
            "b.yaml:7: vm guest-vm: the firmware has no power domain 4 of device 'ghost'");
}

// They may say two things of it.
TEST(PolicyTest, RefusesADeviceTwice) {
  Device device;
  device.names = {"video", "video@1"};
  Board board = MakeBoard();
  AddDevice(&board, device);
  Use(&board, kGuestVm, "video");
  Use(&board, kGuestVm, "video@1");
  EXPECT_EQ(ProblemsOf(board),
            "b.yaml:7: vm guest-vm: 'video@1' is device 'video', which is written already; keep "
            "one of the two entries");
}

TEST(PolicyTest, RefusesTwoOwners) {
  ExpectRefused({
      {"clock", [](Board* b) { Vm(b, kGuestVm).clocks = {Grant("uart", Access::kExclusive)}; },
       "vm guest-vm: vm uart-vm has clock uart exclusively too; give one of them 'vote'"},
      {"domain", [](Board* b) { Vm(b, kGuestVm).domains = {Grant("eth", Access::kExclusive)}; },
       "vm guest-vm: vm eth-vm has power domain eth exclusively too; give one of them 'vote'"},
      {"reset", [](Board* b) { Vm(b, kGuestVm).resets = {Grant("gpu", Access::kExclusive)}; },
       "vm guest-vm: vm gpu-vm has reset gpu too; if both may, list it in shared_resets"},
      {"reset without a name",
       [](Board* b) {
         Vm(b, kUartVm).resets = {Grant("0", Access::kExclusive)};
         Vm(b, kGuestVm).resets = {Grant("0", Access::kExclusive)};
       },
       "vm guest-vm: vm uart-vm has reset 0 too; if both may, list it in shared_resets"},
      {"reset of two devices", [](Board* b) { b->spec.shared_resets.clear(); },
       "vm nvdec-vm: vm vic-vm has reset video too; if both may, list it in shared_resets"},
  });
}

TEST(PolicyTest, RefusesASecondWholeBoard) {
  Board board = MakeBoard();
  board.spec.vms.resize(2);
  for (VmSpec& vm : board.spec.vms) {
    vm.devices.clear();
    vm.all_exclusive = true;
  }
  board.spec.vms[1].where = kLine7;
  const std::string problems = ProblemsOf(board);
  EXPECT_EQ(problems,
            "b.yaml:7: vm spi-vm: vm uart-vm has 'all: exclusive' already; only one VM may")
      << "and not once more for each id of the board";
}

TEST(PolicyTest, RefusesNamesThatAreNoFileNames) {
  constexpr const char* kRule =
      "b.yaml:7: vm %: a name has 1 to 63 characters of a-z, 0-9, '_', '.', '-', begins with a "
      "letter or digit, and isn't 'host'";
  for (const std::string& name :
       {std::string(), std::string("Uart"), std::string("-a"), std::string(".a"),
        std::string("a/b"), std::string("a b"), std::string("host"), std::string(64, 'a')}) {
    Board board = MakeBoard();
    Rename(&board, name);
    std::string expected = kRule;
    expected.replace(expected.find('%'), 1, name);
    EXPECT_EQ(ProblemsOf(board), expected);
  }
  Board board = MakeBoard();
  Rename(&board, std::string(62, 'a') + ".");
  EXPECT_EQ(ProblemsOf(board), "");
  Rename(&board, "spi-vm");
  EXPECT_EQ(ProblemsOf(board), "vm spi-vm: there is another VM of this name");
}

TEST(PolicyTest, RefusesLimitsThatMeanNothing) {
  ExpectRefused({
      {"empty", [](Board* b) { Limit(b, "lane", 3, 2, kLine7); },
       "b.yaml:7: vm can0-vm: the limits of lane are no range: 3 to 2 Hz"},
      {"negative", [](Board* b) { Limit(b, "lane", -1, 2, kLine7); },
       "b.yaml:7: vm can0-vm: the limits of lane are no range: -1 to 2 Hz"},
      {"other policy", [](Board* b) { Limit(b, "bus", 1, 2, kLine7); },
       "b.yaml:7: vm can0-vm: limits of bus have no effect: its rate policy isn't 'range'"},
      {"one rate", [](Board* b) { Limit(b, "lane", 2, 2, kLine7); }, ""},
  });
}

TEST(PolicyTest, RefusesASecondEntryForOneId) {
  ExpectRefused({
      {"rule by id",
       [](Board* b) {
         b->spec.clock_rules = {Rule("bus", kLine7), Rule("22", kLine9)};
       },
       "b.yaml:9: clocks: 'bus' at b.yaml:7 and '22' are one clock; keep one of the two entries"},
      {"rule by name, made at run time",
       [](Board* b) {
         b->spec.clock_rules = {Rule("bus", {}), Rule("bus", {})};
       },
       "clocks: 'bus' and 'bus' are one clock; keep one of the two entries"},
      {"pinned clock",
       [](Board* b) {
         b->spec.pins = {Pin(ResourceKind::kClock, "21", kLine7),
                         Pin(ResourceKind::kClock, "fuse", kLine9)};
       },
       "b.yaml:9: pins: '21' at b.yaml:7 and 'fuse' are one clock; keep one of the two entries"},
      {"pinned domain",
       [](Board* b) {
         b->spec.pins = {Pin(ResourceKind::kDomain, "spare", kLine7),
                         Pin(ResourceKind::kDomain, "3", kLine9)};
       },
       "b.yaml:9: pins: 'spare' at b.yaml:7 and '3' are one power domain; keep one of the two "
       "entries"},
      {"limits",
       [](Board* b) {
         Limit(b, "lane", 1, 2, kLine7);
         Limit(b, "24", 2, 3, kLine9);
       },
       "b.yaml:9: vm can0-vm: 'lane' at b.yaml:7 and '24' are one clock; keep one of the two "
       "entries"},
      {"a clock and a domain of one number",
       [](Board* b) {
         b->spec.pins = {Pin(ResourceKind::kClock, "2", kLine7),
                         Pin(ResourceKind::kDomain, "2", kLine9)};
       },
       ""},
  });
}

TEST(PolicyTest, SaysAllProblemsAtOnce) {
  Board board = MakeBoard();
  Use(&board, kUartVm, "nope");
  board.spec.clock_rules.push_back(Rule("nope", kLine9));
  board.spec.shared_resets.clear();
  const std::string problems = ProblemsOf(board);
  for (const char* problem : {"has no device 'nope'", "no clock 'nope'", "has reset video too"}) {
    EXPECT_THAT(problems, HasSubstr(problem));
  }
}

TEST(PolicyTest, LeavesOutWhatADeviceNeedsNotHave) {
  Device old;
  old.names = {"old"};
  old.clocks = {kFound};
  old.shared_clocks = {kHole, kFuse};
  old.resets = {ResetId(kResetCount), ResetId(0)};
  Board board = MakeBoard();
  AddDevice(&board, old);
  Use(&board, kGuestVm, "old");
  std::vector<Note> notes;
  const auto policy = Compile(board.spec, board.profile, board.inventory, &notes);
  ASSERT_TRUE(policy.ok()) << policy.status();
  const DeviceUse& use = policy->vms.back().devices.back();
  EXPECT_THAT(use.clocks, ::testing::ElementsAre(kFound, kFuse));
  EXPECT_THAT(use.resets, ::testing::ElementsAre(ResetId(0)));
  EXPECT_EQ(policy->vms.back().Of(kFound), Access::kExclusive);
  EXPECT_EQ(policy->vms.back().Of(kFuse), Access::kVote);
  const auto said = [&](const std::string& text) {
    return absl::c_any_of(notes,
                          [&](const Note& note) { return absl::StrContains(note.text, text); });
  };
  EXPECT_TRUE(said("the firmware has no clock 13 of device 'old': it is left out"));
  EXPECT_TRUE(said("the firmware has no reset"));
  EXPECT_TRUE(said("device 'old' gives only 'vote' on fuse: by the profile"));
}

TEST(PolicyTest, TheHighestGrantCounts) {
  Board board = MakeBoard();
  Vm(&board, kUartVm).clocks = {Grant("uart", Access::kGet), Grant("spi", Access::kVote),
                                Grant("9", Access::kGet)};
  const auto policy = Compile(board.spec, board.profile, board.inventory, nullptr);
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->vms[0].Of(kUart), Access::kExclusive);
  EXPECT_EQ(policy->vms[0].Of(kSpi), Access::kVote);
  EXPECT_EQ(policy->vms[0].Of(kI2c), Access::kNone);
  EXPECT_EQ(policy->vms[0].Of(ClockId(kClockCount)), Access::kNone);
}

}  // namespace
}  // namespace bpmp::core::testing
