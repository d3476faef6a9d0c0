// SPDX-License-Identifier: Apache-2.0
// What people see, letter by letter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "broker/ctl/clock_tree.h"
#include "broker/ctl/fake_broker.h"
#include "broker/ctl/resource_view.h"
#include "broker/ctl/vm_view.h"
#include "broker/ctl/why.h"
#include "broker/ctl/words.h"
#include "google/protobuf/text_format.h"

namespace bpmp::ctl {
namespace {

using testing::HasSubstr;

constexpr Style kPlain = {false, false};
constexpr Style kUtf8 = {false, true};
constexpr v1::ResourceKind kClock = v1::RESOURCE_KIND_CLOCK;
const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

v1::ResourceState Clock(uint32_t id, const std::string& name, v1::GateState gate, int parent,
                        int64_t rate_hz, const std::vector<std::string>& holders) {
  v1::ResourceState clock = MakeResource(kClock, id, name, gate, holders);
  if (parent > 0) {
    clock.set_parent(static_cast<uint32_t>(parent));
    clock.set_parent_name("clock-" + std::to_string(parent));
  }
  clock.set_rate_hz(rate_hz);
  return clock;
}

// osc -> pllp_out0 -> uarta (held), uartb (off); osc -> clk_m (off); spare (no parent, off).
Resources Board() {
  return {Clock(91, "osc", v1::GATE_STATE_ON, 0, 38'400'000, {}),
          Clock(102, "pllp_out0", v1::GATE_STATE_ON, 91, 408'000'000, {"host", "net-vm"}),
          Clock(155, "uarta", v1::GATE_STATE_ON, 102, 408'000'000, {"net-vm", "gpu-vm"}),
          Clock(156, "uartb", v1::GATE_STATE_OFF, 102, 0, {}),
          Clock(14, "clk_m", v1::GATE_STATE_OFF, 91, 19'200'000, {}),
          Clock(300, "spare", v1::GATE_STATE_OFF, 0, 0, {})};
}

TEST(ClockTable, HasNamesUnitsAndHolders) {
  Resources clocks = Board();
  clocks.resize(3);
  clocks[1].set_pinned(true);
  clocks[1].set_pinned_rate_hz(408'000'000);
  clocks[2].add_exclusive("net-vm");
  clocks[2].set_quarantined_for("gpu-vm");
  EXPECT_EQ(ClockTable(clocks, kPlain),
            "CLOCK       ID  STATE      RATE  PARENT     HELD BY         EXCLUSIVE TO  NOTES\n"
            "osc         91  on     38.4 MHz  -          -               -             -\n"
            "pllp_out0  102  on      408 MHz  clock-91   host, net-vm    -             pinned at "
            "408 MHz\n"
            "uarta      155  on      408 MHz  clock-102  net-vm, gpu-vm  net-vm        quarantined "
            "for gpu-vm\n");
}

TEST(ResetTable, SaysWhatIsKnown) {
  v1::ResourceState reset =
      MakeResource(v1::RESOURCE_KIND_RESET, 100, "uarta", v1::GATE_STATE_UNSPECIFIED, {});
  reset.set_reset(v1::RESET_STATE_UNKNOWN);
  reset.set_shared(true);
  EXPECT_EQ(ResetTable({reset}, kPlain),
            "RESET   ID  STATE         EXCLUSIVE TO  NOTES\n"
            "uarta  100  never driven  -             shared\n");
}

TEST(HolderTable, HasARowForEachHolderWithItsVote) {
  v1::ResourceState uarta = Board()[2];
  v1::RateVote* vote = uarta.add_rate_votes();
  vote->set_vm("gpu-vm");
  vote->set_rate_hz(48'000'000);
  uarta.add_implied("old-vm");
  EXPECT_EQ(HolderTable({uarta}, kPlain),
            "RESOURCE  KIND   HOLDER  RATE VOTE  WHY\n"
            "uarta     clock  net-vm          -  voted\n"
            "uarta     clock  gpu-vm     48 MHz  voted\n"
            "uarta     clock  old-vm          -  relies on the host's pin\n");
}

TEST(ResourceText, ShowsEverythingThatIsSet) {
  v1::ResourceState uarta = Board()[2];
  uarta.set_flags(3);
  uarta.set_rate_policy(v1::RATE_POLICY_FIRST);
  EXPECT_EQ(ResourceText(uarta, kPlain),
            "clock        uarta (155)\n"
            "state        on\n"
            "rate         408 MHz\n"
            "parent       clock-102\n"
            "can          mux, settable rate\n"
            "held by      net-vm, gpu-vm\n"
            "rate policy  first\n");
}

TEST(ClockTree, DrawsWhatIsActive) {
  const Resources clocks = Board();
  EXPECT_EQ(ClockTree(clocks).Render(false, kUtf8),
            "CLOCK         STATE      RATE  HELD BY         NOTES\n"
            "osc           on     38.4 MHz  -               -\n"
            "└─ pllp_out0  on      408 MHz  host, net-vm    -\n"
            "   └─ uarta   on      408 MHz  net-vm, gpu-vm  -\n");
}

TEST(ClockTree, DrawsAllInAscii) {
  const Resources clocks = Board();
  EXPECT_EQ(ClockTree(clocks).Render(true, kPlain),
            "CLOCK         STATE      RATE  HELD BY         NOTES\n"
            "osc           on     38.4 MHz  -               -\n"
            "|- clk_m      off    19.2 MHz  -               -\n"
            "`- pllp_out0  on      408 MHz  host, net-vm    -\n"
            "   |- uarta   on      408 MHz  net-vm, gpu-vm  -\n"
            "   `- uartb   off           -  -               -\n"
            "spare         off           -  -               -\n");
}

TEST(ClockTree, ShowsWhatTheFirmwareKeepsOn) {
  Resources clocks = Board();
  clocks[0].set_gate(v1::GATE_STATE_OFF);
  EXPECT_THAT(ClockTree(clocks).Render(false, kPlain), HasSubstr("osc           (on)   38.4 MHz"));
  EXPECT_TRUE(ClockTree(clocks).Runs(91));
  EXPECT_FALSE(ClockTree(clocks).Runs(14));
  EXPECT_FALSE(ClockTree(clocks).Runs(999));
  EXPECT_THAT(WhyOn(clocks[0], clocks), HasSubstr("clock osc: on for the clocks below it\n"));
}

TEST(ClockTree, DrawsAPartAndNothing) {
  const Resources clocks = Board();
  EXPECT_EQ(ClockTree(clocks).RenderBelow(300, false, kPlain),
            "CLOCK  STATE  RATE  HELD BY  NOTES\nspare  off       -  -        -\n");
  EXPECT_EQ(ClockTree(clocks).RenderBelow(999, false, kPlain), "");
  const Resources none;
  EXPECT_EQ(ClockTree(none).Render(false, kPlain), "no clock is active; --all shows every clock\n");
}

TEST(ClockTree, CutsCyclesOfABrokenBroker) {
  const Resources clocks = {Clock(1, "a", v1::GATE_STATE_ON, 2, 0, {}),
                            Clock(2, "b", v1::GATE_STATE_ON, 1, 0, {}),
                            Clock(3, "self", v1::GATE_STATE_ON, 3, 0, {})};
  EXPECT_EQ(ClockTree(clocks).Render(true, kPlain),
            "CLOCK  STATE  RATE  HELD BY  NOTES\n"
            "a      on        -  -        -\n"
            "`- b   on        -  -        -\n"
            "self   on        -  -        -\n");
}

TEST(WhyOn, NamesHoldersAndWhatRunsBelow) {
  const Resources clocks = Board();
  EXPECT_EQ(WhyOn(clocks[0], clocks),
            "clock osc: on\n"
            "  pllp_out0 runs from it, held by host, net-vm\n"
            "  uarta runs from it, held by net-vm, gpu-vm\n");
  EXPECT_EQ(WhyOn(clocks[3], clocks), "clock uartb: off\n  nothing keeps it on\n");
  v1::ResourceState pinned = clocks[2];
  pinned.set_pinned(true);
  EXPECT_EQ(WhyOn(pinned, clocks),
            "clock uarta: on\n"
            "  net-vm votes for it\n"
            "  gpu-vm votes for it\n"
            "  the host pinned it (bpmpctl unpin ends that)\n");
}

TEST(WhyDenied, SaysTheRuleAndWhoIsInTheWay) {
  EXPECT_EQ(WhyDenied("net-vm", "clk set-rate uarta 48MHz",
                      FromText<v1::ExplainResponse>(
                          "error: -16 error_name: 'EBUSY' reason: 'other-holder' "
                          "text: 'Refused with EBUSY: others hold it. Held by gpu-vm.' "
                          "others: 'gpu-vm' others: 'host'")),
            "net-vm: clk set-rate uarta 48MHz: would be refused with EBUSY\n"
            "  why: others hold it. Held by gpu-vm. [other-holder]\n"
            "  who: gpu-vm, host\n");
  EXPECT_EQ(
      WhyDenied("net-vm", "clk enable uarta",
                FromText<v1::ExplainResponse>("edge: true reason: 'edge' text: 'Allowed: first'")),
      "net-vm: clk enable uarta: would be allowed and would change the hardware\n"
      "  why: first [edge]\n");
}

constexpr char kNetVm[] = R"(
  name: 'net-vm' socket: '/run/bpmp-broker/vms/net-vm.sock' epoch: 2 clock_votes: 3
  power_domain_votes: 1
  session { id: 7 connected: true client: 'qemu 10.0.2' pid: 4711 uid: 64055 requests: 1
            since { seconds: 1699999877 } }
  config { name: 'net-vm' devices { device: 'uarta' } devices { device: 'mgbe0' } })";

TEST(VmTable, ShowsSessionsAndVotes) {
  v1::ListVmsResponse vms;
  *vms.add_vms() = FromText<v1::Vm>(kNetVm);
  *vms.add_vms() = FromText<v1::Vm>("name: 'all' config { all: ACCESS_EXCLUSIVE } releasing: true");
  EXPECT_EQ(
      VmTable(vms, kNow, kPlain),
      "VM      SESSION    FOR        CLIENT        PID  CLOCKS  DOMAINS  WAITING  EPOCH  DEVICES\n"
      "net-vm  connected  2 min 3 s  qemu 10.0.2  4711       3        1        0      2  uarta, "
      "mgbe0\n"
      "all     releasing  -          -               -       0        0        0      0  "
      "everything\n");
  v1::ListVmsResponse single;
  *single.add_vms() =
      FromText<v1::Vm>("name: 'a' config { clocks { name: 'emc' } resets { name: 'vic' } }");
  EXPECT_THAT(VmTable(single, kNow, kPlain), HasSubstr(" 2 single grants\n"));
  single.mutable_vms(0)->mutable_config()->add_devices()->set_device("uarta");
  EXPECT_THAT(VmTable(single, kNow, kPlain), HasSubstr(" uarta, 2 single grants\n"));
  EXPECT_EQ(VmTable({}, kNow, kPlain),
            "no VM is defined; bpmpctl vm add NAME --device DEVICE adds one\n");
}

TEST(VmViews, SayThatAVmIsDrained) {
  auto vms = FromText<v1::ListVmsResponse>(
      "vms { name: 'a' draining: true session { id: 1 connected: true } } "
      "vms { name: 'b' draining: true free: true }");
  EXPECT_THAT(VmTable(vms, kNow, kPlain), HasSubstr("\na   draining"));
  EXPECT_THAT(VmTable(vms, kNow, kPlain), HasSubstr("\nb   drained"));
  const std::string leaving = VmText(vms.vms(0), kNow, kPlain);
  EXPECT_THAT(leaving, HasSubstr("connected, number 1"));
  EXPECT_THAT(leaving, testing::ContainsRegex(
                           "DRAINING +takes no new session; to let it: bpmpctl vm undrain a\n"));
  EXPECT_THAT(VmText(vms.vms(1), kNow, kPlain),
              testing::ContainsRegex("DRAINED +takes no new session and holds nothing; "));
}

TEST(VmText, ShowsWhatItHoldsAndWithWhom) {
  v1::Vm vm = FromText<v1::Vm>(kNetVm);
  *vm.add_holds() = Board()[2];
  EXPECT_EQ(VmText(vm, kNow, kPlain),
            "vm       net-vm\n"
            "session  connected, number 7, qemu 10.0.2, pid 4711 uid 64055, for 2 min 3 s, 1 "
            "request\n"
            "socket   /run/bpmp-broker/vms/net-vm.sock\n"
            "epoch    2\n"
            "holds    3 clocks, 1 power domain\n"
            "devices  uarta, mgbe0\n"
            "\n"
            "HOLDS  KIND   STATE     RATE  WITH    NOTES\n"
            "uarta  clock  on     408 MHz  gpu-vm  -\n");
}

TEST(VmText, ShowsWhatItOptsInTo) {
  const v1::Vm vm = FromText<v1::Vm>(R"(
    name: 'a' config { pcie_controllers: [4, 5] thermal { zones: [0, 8] } emc_latency: true })");
  const std::string text = VmText(vm, kNow, kPlain);
  EXPECT_THAT(text, HasSubstr("PCIe controllers  4, 5\n"));
  EXPECT_THAT(text, HasSubstr("thermal zones     0, 8\n"));
  EXPECT_THAT(text, HasSubstr("memory            its latencies may be read\n"));
  v1::ListVmsResponse vms;
  *vms.add_vms() = vm;
  EXPECT_THAT(VmTable(vms, kNow, kPlain), HasSubstr(" 4 single grants\n"));
}

TEST(StatusText, NamesAPcieControllerOnce) {
  const v1::ResourceState quarantined = FromText<v1::ResourceState>(
      "kind: RESOURCE_KIND_PCIE_CONTROLLER id: 5 name: 'PCIe controller 5' quarantined_for: 'a'");
  EXPECT_THAT(StatusText(FromText<v1::ServerStatus>("quarantined: 1"), {quarantined}, kNow, kPlain),
              HasSubstr("1: PCIe controller 5 (for a)"));
}

TEST(StatusText, IsShort) {
  EXPECT_EQ(StatusText(FromText<v1::ServerStatus>(
                           "version: '0.1.0' backend: 'sim' backend_healthy: true vms: 2 "
                           "sessions: 1 clocks: 435 power_domains: 19 last_event: 42 "
                           "firmware_tag: 'sim-t234' started { seconds: 1699992020 }"),
                       {}, kNow, kPlain),
            "broker         bpmp-broker 0.1.0, up 2 h 13 min\n"
            "backend        sim, healthy\n"
            "firmware       sim-t234\n"
            "board          435 clocks, 19 power domains\n"
            "vms            2 defined, 1 connected\n"
            "transfers      0 running, 0 waiting, 0 overdue\n"
            "quarantined    0\n"
            "last event     42\n"
            "configuration  built-in defaults\n");
}

TEST(Words, ReadResourcesAndAccess) {
  EXPECT_EQ(ParseResourceWord("uarta")->kind, v1::RESOURCE_KIND_UNSPECIFIED);
  EXPECT_EQ(ParseResourceWord("domain:vic")->kind, v1::RESOURCE_KIND_POWER_DOMAIN);
  EXPECT_EQ(ParseResourceWord("domain:vic")->name, "vic");
  EXPECT_EQ(ParseResourceWord("pcie:5")->kind, v1::RESOURCE_KIND_PCIE_CONTROLLER);
  for (const char* bad : {"", "clock:", "clk:vic", ":vic"}) {
    EXPECT_FALSE(ParseResourceWord(bad).ok()) << bad;
  }
  EXPECT_EQ(ParseAccess("vote").value(), v1::ACCESS_VOTE);
  EXPECT_FALSE(ParseAccess("none").ok());
  EXPECT_FALSE(ParseAccess("").ok());
}

TEST(Words, SurviveValuesOfANewerBroker) {
  EXPECT_EQ(GateCell(static_cast<v1::GateState>(99)).text, "value 99");
  EXPECT_EQ(GateCell(v1::GATE_STATE_UNSPECIFIED).text, "");
}

}  // namespace
}  // namespace bpmp::ctl
