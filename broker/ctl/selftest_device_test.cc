// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/selftest_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/ctl/fake_broker.h"
#include "google/protobuf/text_format.h"

namespace bpmp::ctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Property;

constexpr v1::ResourceKind kClock = v1::RESOURCE_KIND_CLOCK;
constexpr v1::ResourceKind kDomain = v1::RESOURCE_KIND_POWER_DOMAIN;

v1::Device Device(const std::string& text) {
  v1::Device device;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &device)) << text;
  return device;
}

v1::Device Vic() {
  return Device(R"(name: "vic" clocks { id: 167 name: "vic" } resets { id: 113 name: "vic" }
                   shared_clocks { id: 102 name: "pllp" } power_domains { id: 29 name: "vic" })");
}

// pllp, which others run from, is on; vic is off; uarta runs from pllp.
Resources Board(v1::GateState vic, const std::vector<std::string>& holders) {
  Resources all = {MakeResource(kClock, 102, "pllp", v1::GATE_STATE_ON, {"host"}),
                   MakeResource(kClock, 155, "uarta", v1::GATE_STATE_OFF, {}),
                   MakeResource(kClock, 167, "vic", vic, holders),
                   MakeResource(kDomain, 29, "vic", vic, holders)};
  all[1].set_parent(102);
  all[2].set_parent(102);
  return all;
}

TEST(CheckIdle, ADeviceThatIsOffIs) {
  EXPECT_TRUE(CheckIdle(Vic(), Board(v1::GATE_STATE_OFF, {})).ok());
}

TEST(CheckIdle, NotOneThatAVmHas) {
  v1::Device device = Vic();
  device.add_vms("video-vm");
  const absl::Status status = CheckIdle(device, Board(v1::GATE_STATE_OFF, {}));
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(status.message(), HasSubstr("vic is video-vm's; nothing was changed."));
}

TEST(CheckIdle, NotOneThatTheHostRuns) {
  EXPECT_THAT(CheckIdle(Vic(), Board(v1::GATE_STATE_ON, {"host"})).message(),
              HasSubstr("vic is in use: clock vic is on, held by host; nothing was changed."));
  Resources board = Board(v1::GATE_STATE_OFF, {});
  board[3].set_gate(v1::GATE_STATE_ON);
  EXPECT_THAT(CheckIdle(Vic(), board).message(), HasSubstr("power domain vic is on;"));
}

TEST(CheckIdle, NotOneInQuarantine) {
  Resources board = Board(v1::GATE_STATE_OFF, {});
  board[2].set_quarantined_for("video-vm");
  EXPECT_FALSE(CheckIdle(Vic(), board).ok());
}

TEST(CheckHolders, EachIsOnAndTheVmsToo) {
  EXPECT_EQ(CheckHolders(Board(v1::GATE_STATE_ON, {"host", "me"}), "host").passed(), false)
      << "uarta is off";
  Resources on = Board(v1::GATE_STATE_ON, {"me"});
  on.erase(on.begin(), on.begin() + 2);
  EXPECT_EQ(CheckHolders(on, "me").detail(), "me is among those of all 2");
  EXPECT_EQ(CheckHolders(on, "you").detail(),
            "you is no holder of clock vic, you is no holder of power domain vic");
  on[0].set_gate(v1::GATE_STATE_OFF);
  EXPECT_EQ(CheckHolders(on, "me").detail(), "clock vic is off");
}

TEST(CheckReleased, NothingIsLeft) {
  const Resources off = Board(v1::GATE_STATE_OFF, {});
  v1::Vm vm;
  vm.set_name("me");
  EXPECT_TRUE(CheckReleased(vm, off, off).passed());
  // What has got another holder since, is that one's.
  EXPECT_TRUE(CheckReleased(vm, off, Board(v1::GATE_STATE_ON, {"you"})).passed());
  EXPECT_THAT(CheckReleased(vm, off, Board(v1::GATE_STATE_ON, {})).detail(),
              HasSubstr("clock vic is on, power domain vic is on"));
  EXPECT_FALSE(CheckReleased(vm, off, Board(v1::GATE_STATE_UNKNOWN, {})).passed());
  Resources quarantined = off;
  quarantined[2].set_quarantined_for("me");
  EXPECT_EQ(CheckReleased(vm, off, quarantined).detail(), "clock vic is in quarantine");
  *vm.add_holds() = off[2];
  EXPECT_EQ(CheckReleased(vm, off, off).detail(), "me still holds clock vic");
}

TEST(ForeignClocks, AreOtherDevicesOwnAndIdleLeaves) {
  v1::ListDevicesResponse devices;
  *devices.add_devices() = Vic();
  *devices.add_devices() = Device(R"(name: "uarta" clocks { id: 155 name: "uarta" }
                                     clocks { id: 102 name: "pllp" })");
  Resources board = Board(v1::GATE_STATE_OFF, {});
  const auto id = [](uint32_t value) { return Property(&v1::ResourceState::id, value); };
  EXPECT_THAT(ForeignClocks(Vic(), devices, board), ElementsAre(id(155)));
  EXPECT_THAT(ForeignClocks(devices.devices(1), devices, board), ElementsAre(id(167)));
  board[1].add_holders("net-vm");
  EXPECT_THAT(ForeignClocks(Vic(), devices, board), ElementsAre());
}

}  // namespace
}  // namespace bpmp::ctl
