// SPDX-License-Identifier: Apache-2.0
// A guest that boots with the device tree that `bpmpctl guest-dt` makes, by the commands of
// docs/bpmpctl.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/devicetree/compile_for_test.h"
#include "tests/e2e/e2e_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The table that the board's tree is made of has no registers, so that Linux calls it by its node.
constexpr char kSerial[] = "/sys/bus/platform/devices/serial@3100000/";

class GuestDtTest : public E2eTest {
 protected:
  GuestDtTest() : E2eTest(R"(vms { name: "net-vm" devices { device: "uarta" } })") {}

  void Shell(const std::string& command) {
    ASSERT_EQ(std::system(absl::StrCat("cd ", files_.path(), " && ", command).c_str()), 0)
        << command;
  }
  // What the serial port's node makes the consumer's driver do.
  static std::string Ask(LinuxGuest* guest, const std::string& file, const std::string& text) {
    return guest->Run(
        absl::StrCat("echo ", text, " > ", kSerial, file, "; cat ", kSerial, "result"));
  }

  const TemporaryDirectory files_;
};

TEST_P(GuestDtTest, AGuestBootsWithIt) {
  std::ofstream(files_.path() + "/host.dtb", std::ios::binary)
      << devicetree::Compile(devicetree::T234Source());
  GuestMachine machine = Machine("net-vm");
  DumpDeviceTree(machine, files_.path() + "/virt.dtb");
  Shell(absl::StrCat(BPMPCTL, " --socket ", broker_.admin_socket(),
                     " guest-dt net-vm --host-dtb host.dtb > vm.dts"));
  // There is no such device in this machine, but somebody who uses its clocks and its reset.
  Shell("sed -i 's/compatible = .*/compatible = \"bpmp-broker,test-consumer\";/' vm.dts");
  Shell("dtc -q -@ -I dts -O dtb -o vm.dtbo vm.dts");
  Shell("fdtput -p -t s virt.dtb /__symbols__ bpmp /bpmp");
  Shell("fdtoverlay -i virt.dtb -o guest.dtb vm.dtbo");
  machine.device_tree = files_.path() + "/guest.dtb";

  const auto guest = BootConsumer(machine);
  ASSERT_NE(guest, nullptr);
  EXPECT_THAT(guest->Run(absl::StrCat("ls ", kSerial)), HasSubstr("clk_enable"));
  EXPECT_EQ(Ask(guest.get(), "clk_enable", "0"), "0");
  EXPECT_TRUE(ClockOn(kUartaClock));
  EXPECT_TRUE(broker_.Holds("net-vm", ClockId(kUartaClock)));
  EXPECT_EQ(Ask(guest.get(), "clk_rate", "0 51000000"), "0");
  EXPECT_THAT(guest->Run(absl::StrCat("cat ", kSerial, "clk_rate")), StartsWith("0 51000000 1"));
  EXPECT_EQ(Ask(guest.get(), "reset", "assert 0"), "0");
  EXPECT_TRUE(ResetAsserted(kUartaReset));
  EXPECT_EQ(Ask(guest.get(), "reset", "deassert 0"), "0");
  EXPECT_FALSE(ResetAsserted(kUartaReset));
  EXPECT_EQ(Ask(guest.get(), "clk_disable", "0"), "0");
  EXPECT_FALSE(ClockOn(kUartaClock));
}

INSTANTIATE_TEST_SUITE_P(Linux, GuestDtTest, ::testing::ValuesIn(kPairs), NameOfTest);

}  // namespace
}  // namespace bpmp::testing
