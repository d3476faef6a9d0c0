// SPDX-License-Identifier: Apache-2.0
// A Linux guest boots on the whole model, through a session.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <variant>

#include "broker/mrq/codec.h"
#include "tests/component/guest_requests.h"
#include "tests/lib/guest_client.h"
#include "tests/lib/linux_boot.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

using ::testing::IsEmpty;

struct Guest {
  const char* name;
  const char* config;  // of VM "a"
  bool honours_denials;
  // Of its boot. Another number means that the view changed, or LinuxBoot.
  size_t messages;
  friend void PrintTo(const Guest& guest, std::ostream* out) { *out << guest.name; }
};

std::string NameOf(const ::testing::TestParamInfo<Guest>& info) { return info.param.name; }

class GuestBootTest : public ::testing::TestWithParam<Guest> {
 protected:
  uint64_t Edges() {
    return broker_.sim().WithModel([](auto& model) { return model.counters().Total(); });
  }

  TestBroker broker_{GetParam().config};
};

TEST_P(GuestBootTest, LivesAndDisturbsNothing) {
  GuestClient guest(broker_.socket("a"));
  guest.Hello();
  LinuxBoot boot([&](const mrq::Request& request) { return guest.Transfer(request); },
                 {GetParam().honours_denials});
  const uint64_t edges = Edges();
  boot.Run();
  EXPECT_THAT(boot.crashes(), IsEmpty());
  EXPECT_EQ(boot.clocks(), 435u);
  EXPECT_EQ(boot.domains(), 31u);
  EXPECT_EQ(boot.messages(), GetParam().messages);
  EXPECT_EQ(boot.turned_off(), 0u) << "a guest sees as on only what it turned on itself";
  EXPECT_EQ(Edges(), edges) << "the hardware is as it was";
}

TEST_P(GuestBootTest, AndAgainAfterAMachineReset) {
  GuestClient guest(broker_.socket("a"));
  const uint32_t epoch = guest.Hello().epoch();
  const auto transfer = [&](const mrq::Request& request) { return guest.Transfer(request); };
  EXPECT_EQ(guest.Transfer(Enable(kUarta)).error, 0);
  EXPECT_EQ(guest.MachineReset(), epoch + 1);
  const uint64_t edges = Edges();
  LinuxBoot boot(transfer, {GetParam().honours_denials});
  boot.Run();
  EXPECT_THAT(boot.crashes(), IsEmpty());
  EXPECT_EQ(boot.turned_off(), 0u);
  EXPECT_EQ(Edges(), edges);
}

TEST_P(GuestBootTest, TheFirmwareIsAskedNothingThatItSaidAtTheStart) {
  GuestClient guest(broker_.socket("a"));
  guest.Hello();
  broker_.sim().ForgetRequests();
  LinuxBoot([&](const mrq::Request& request) { return guest.Transfer(request); },
            {GetParam().honours_denials})
      .Run();
  for (const mrq::Request& request : broker_.sim().requests()) {
    const auto* clk = std::get_if<mrq::ClkRequest>(&request);
    ASSERT_NE(clk, nullptr) << mrq::Describe(request);
    EXPECT_TRUE(clk->cmd == mrq::ClkCmd::kGetRate || clk->cmd == mrq::ClkCmd::kGetParent)
        << mrq::Describe(request);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Guests, GuestBootTest,
    ::testing::Values(
        Guest{"OneDevice", R"(vms { name: "a" devices { device: "uarta" } })", true, 1424},
        Guest{"OneDeviceOnOldLinux", R"(vms { name: "a" devices { device: "uarta" } })", false,
              1424},
        Guest{"ManyDevices",
              R"(vms { name: "a" devices { device: "uarta" } devices { device: "mgbe0" }
                       devices { device: "gpu" } devices { device: "vic" } }
                 vms { name: "b" devices { device: "nvdec" } })",
              true, 1429},
        Guest{"BesidePins",
              R"(vms { name: "a" devices { device: "uarta" } }
                 pins { clock: "pllp_out0" } pins { power_domain: "18" })",
              true, 1423},
        Guest{"StandsForAHost", R"(vms { name: "a" all: ACCESS_EXCLUSIVE })", true, 1544},
        Guest{"StandsForAHostOnOldLinux", R"(vms { name: "a" all: ACCESS_EXCLUSIVE })", false,
              1544}),
    NameOf);

TEST(GuestBootTest, WhatOthersHoldStaysOn) {
  TestBroker broker(R"(vms { name: "a" devices { device: "uarta" } }
                       vms { name: "b" devices { device: "vic" } devices { device: "i2c@3160000" } })");
  GuestClient b(broker.socket("b"));
  EXPECT_EQ(b.Transfer(Pg(mrq::PgCmd::kSetState, kVicDomain, 1)).error, 0);
  EXPECT_EQ(b.Transfer(Enable(kVic)).error, 0);
  EXPECT_EQ(b.Transfer(Enable(kPllpOut0)).error, 0);
  const uint64_t edges =
      broker.sim().WithModel([](auto& model) { return model.counters().Total(); });
  GuestClient a(broker.socket("a"));
  LinuxBoot boot([&](const mrq::Request& request) { return a.Transfer(request); }, {false});
  boot.Run();
  EXPECT_THAT(boot.crashes(), IsEmpty());
  EXPECT_EQ(broker.sim().WithModel([](auto& model) { return model.counters().Total(); }), edges);
  EXPECT_TRUE(broker.sim().WithModel([](auto& model) { return model.IsRunning(kVic); }));
}

}  // namespace
}  // namespace bpmp::testing
