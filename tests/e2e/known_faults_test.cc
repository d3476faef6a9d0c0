// SPDX-License-Identifier: Apache-2.0
// What was measured of the proxies and the emulator that came before these, each as a test that
// ours passes (docs/testing.md). This is the guest's side; host_test.cc has the host's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/backend/sim/fault.h"
#include "qemu-client/tests/broker_process.h"
#include "tests/e2e/e2e_fixture.h"
#include "tests/e2e/kernel_memory.h"
#include "tests/e2e/old_firmware.h"

namespace bpmp::testing {
namespace {

using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// UARTA, and the BPMP itself for requests as bytes.
constexpr char kNode[] =
    "clocks = <&{/bpmp} 155>, <&{/bpmp} 102>, <&{/bpmp} 14>; resets = <&{/bpmp} 100>; "
    "nvidia,bpmp = <&{/bpmp}>;";
constexpr char kFolder[] = "/sys/bus/platform/devices/consumer";
constexpr char kVm[] = R"(vms { name: "a" devices { device: "uarta" } })";

// Errors of Linux, and of the firmware where they have other numbers.
constexpr int kTimedOut = -110;
constexpr int kInvalid = -22;

class KnownFaultsTest : public E2eTest {
 protected:
  KnownFaultsTest() : E2eTest(kVm) {}

  std::unique_ptr<LinuxGuest> BootWithBytes() {
    return BootConsumer(WithConsumer(Machine("a"), kNode));
  }
  // What the last request as bytes was answered: the error word, and the payload in hexadecimal.
  static std::string Answer(LinuxGuest* guest) {
    return guest->Run(absl::StrCat("cat ", kFolder, "/transfer"));
  }
  uint64_t Requests() { return broker_.sessions().Find(broker_.vm("a"))->requests; }
};

// Of the window alone: a frame of the mailbox has no size.
class WindowFaultsTest : public KnownFaultsTest {};

TEST_P(WindowFaultsTest, AClkRequestWithoutPayloadIsRefused) {
  const auto guest = BootWithBytes();
  ASSERT_NE(guest, nullptr);
  for (const char* const context : {"threaded", "atomic"}) {
    EXPECT_EQ(Consumer(guest.get(), "transfer", absl::StrCat("22 0 8 ", context)), 0);
    EXPECT_EQ(Answer(guest.get()), "-22 0000000000000000");
  }
  EXPECT_EQ(Consumer(guest.get(), "clk_enable", "0"), 0);
}

TEST_P(KnownFaultsTest, SizesOverTheLimitAreRefused) {
  const auto guest = BootWithBytes();
  ASSERT_NE(guest, nullptr);
  const uint64_t before = Requests();
  for (const char* const sizes : {"121 8", "8 121", "512 512", "1025 8", "8 1025", "2048 2048"}) {
    EXPECT_EQ(Consumer(guest.get(), "transfer", absl::StrCat("22 ", sizes, " threaded")), kInvalid)
        << sizes;
  }
  EXPECT_EQ(Requests(), before);
  // At the limit it is a request like others.
  EXPECT_EQ(Consumer(guest.get(), "transfer", "0 120 120 threaded 21"), 0);
  EXPECT_THAT(Answer(guest.get()), StartsWith("0 2a000000"));
  EXPECT_EQ(Requests(), before + 1);
}

// The atomic path gives back its lock, whatever the firmware has.
TEST_P(KnownFaultsTest, AFirmwareWithoutMrq71IsAFirmwareLikeOthers) {
  const OldFirmware old(broker_.socket("a"));
  const auto guest = BootConsumer(WithConsumer(MachineOn(old.socket()), kNode));
  ASSERT_NE(guest, nullptr);
  EXPECT_EQ(old.old_tags(), 1) << guest->Console();
  for (int i = 0; i < 3; ++i) {
    for (const char* const context : {"atomic", "threaded"}) {
      EXPECT_EQ(Consumer(guest.get(), "transfer", absl::StrCat("0 4 4 ", context, " 21")), 0);
      EXPECT_EQ(Answer(guest.get()), "0 2a000000");
    }
  }
  EXPECT_EQ(Consumer(guest.get(), "clk_enable", "0"), 0);
  EXPECT_TRUE(ClockOn(kUartaClock));
  EXPECT_EQ(Consumer(guest.get(), "clk_disable", "0"), 0);
}

// The same firmware below the broker.
class TaglessTest : public E2eTest {
 protected:
  TaglessTest() : E2eTest(kVm, Tagless()) {}

  static TestBroker::Options Tagless() {
    TestBroker::Options options;
    options.prepare = [](backend::sim::SimBackend& sim) {
      sim.AddFault(*backend::sim::ParseFault("QUERY_FW_TAG error=EINVAL"));
    };
    return options;
  }
};

TEST_P(TaglessTest, ABrokerOnAFirmwareWithoutMrq71ServesItsGuests) {
  const auto guest = BootConsumer(WithConsumer(Machine("a"), kNode));
  ASSERT_NE(guest, nullptr);
  EXPECT_THAT(guest->Console(), HasSubstr("firmware: "));
  EXPECT_EQ(Consumer(guest.get(), "clk_enable", "0"), 0);
  EXPECT_TRUE(ClockOn(kUartaClock));
}

// --- Memory -------------------------------------------------------------------------------------

// Sends 10,000 requests of five kinds, every second round atomic.
class LeakTest : public KnownFaultsTest {
 protected:
  static constexpr int kRounds = 2'000;
};

TEST_P(LeakTest, TenThousandRequestsLeaveNoObjectBehind) {
  GuestMachine machine = WithConsumer(Machine("a"), kNode);
  if (absl::StrContains(GetParam().linux, "DEBUG")) machine.memory_mib = 512;
  const auto guest = BootConsumer(machine);
  ASSERT_NE(guest, nullptr);
  // What is made once and kept is there after some.
  ASSERT_EQ(Consumer(guest.get(), "soak", "100"), 0);
  const KernelMemory before = MemoryOf(guest.get());
  const uint64_t requests = Requests();
  // In portions: a kernel that does nothing else for long complains of that.
  for (int round = 0; round < kRounds; round += 100) {
    ASSERT_EQ(Consumer(guest.get(), "soak", "100"), 0);
  }
  const KernelMemory after = MemoryOf(guest.get());
  EXPECT_EQ(Requests() - requests, 5U * kRounds);
  ExpectNoLeak(before, after, 5 * kRounds);
  // Nor in the broker.
  broker_.engine().Read([](const core::Core& core) {
    for (const core::VmStatus& vm : core.Vms()) EXPECT_EQ(vm.waiting, 0U);
  });
}

// --- Failure never reads as success -------------------------------------------------------------

TEST_P(KnownFaultsTest, NobodyBehindItIsNoFirmwareWithoutClocks) {
  const auto guest = BootConsumer(
      WithConsumer(MachineOn("/nonexistent/a.sock", ",wait=off,timeout-ms=100"), kNode));
  ASSERT_NE(guest, nullptr);
  EXPECT_THAT(
      guest->KernelLog(),
      ContainsRegex(HasMailbox() ? "probe (of bpmp|with driver tegra-bpmp) failed with error -22"
                                 : "no BPMP answers at virtual-pa 0x[0-9a-f]*: -107"));
  EXPECT_EQ(guest->Run("ls -d /sys/kernel/debug/clk/*/ | grep -vc clk24mhz"), "0");
  guest->Run(absl::StrCat("ls ", kFolder, "/clk_enable"));
  EXPECT_NE(guest->status(), 0) << "the driver has found its clock";
}

TEST_P(WindowFaultsTest, AWrongAddressIsNoFirmwareWithoutClocks) {
  // The real-time clock's.
  const auto guest = BootConsumer(
      WithConsumer(Machine("a"), absl::StrCat(kNode, "}; bpmp { virtual-pa = <0x0 0x09010000>;")));
  ASSERT_NE(guest, nullptr);
  EXPECT_THAT(guest->KernelLog(), ContainsRegex("no BPMP answers at virtual-pa 0x[0-9a-f]*: -"));
  guest->Run(absl::StrCat("ls ", kFolder, "/clk_enable"));
  EXPECT_NE(guest->status(), 0) << "the driver has found its clock";
}

TEST_P(KnownFaultsTest, AnErrorOfTheFirmwareIsAnError) {
  const auto guest = BootWithBytes();
  ASSERT_NE(guest, nullptr);
  broker_.sim().AddFault(*backend::sim::ParseFault("CLK ENABLE 155 error=EIO"));
  broker_.sim().AddFault(*backend::sim::ParseFault("RESET * 100 error=EIO"));
  EXPECT_EQ(Consumer(guest.get(), "clk_enable", "0"), kInvalid);  // Linux' word for each of them
  EXPECT_EQ(Consumer(guest.get(), "reset", "deassert 0"), kInvalid);
  // As bytes the firmware's own is there, and nothing of what was answered before.
  ASSERT_EQ(Consumer(guest.get(), "transfer", "22 4 120 threaded 0x0e00009b"), 0);
  ASSERT_THAT(Answer(guest.get()), StartsWith("0 "));
  EXPECT_EQ(Consumer(guest.get(), "transfer", "22 4 8 threaded 0x0700009b"), 0);
  EXPECT_EQ(Answer(guest.get()), "-5 0000000000000000");
  EXPECT_FALSE(broker_.Holds("a", ClockId(kUartaClock)));
  EXPECT_FALSE(ClockOn(kUartaClock));
}

TEST_P(KnownFaultsTest, ATransportThatFailsIsAnError) {
  const auto guest = BootWithBytes();
  ASSERT_NE(guest, nullptr);
  for (const char* const how : {"unavailable", "drop"}) {
    broker_.sim().AddFault(*backend::sim::ParseFault(absl::StrCat("CLK ENABLE 155 ", how)));
    broker_.sim().AddFault(*backend::sim::ParseFault(absl::StrCat("RESET * 100 ", how)));
    EXPECT_LT(Consumer(guest.get(), "clk_enable", "0"), 0) << how;
    EXPECT_LT(Consumer(guest.get(), "reset", "deassert 0"), 0) << how;
    EXPECT_FALSE(broker_.Holds("a", ClockId(kUartaClock)));
    EXPECT_FALSE(ClockOn(kUartaClock));
    broker_.sim().ClearFaults();
  }
  EXPECT_EQ(Consumer(guest.get(), "clk_enable", "0"), 0);
}

TEST_P(KnownFaultsTest, ABrokerThatIsGoneOrHangsIsAnError) {
  client::BrokerProcess broker;
  broker.WaitUntilServing();
  const auto guest =
      BootConsumer(WithConsumer(MachineOn(broker.socket(), ",timeout-ms=700"), kNode));
  ASSERT_NE(guest, nullptr);
  // Something that could be taken for the next answer.
  ASSERT_EQ(Consumer(guest.get(), "transfer", "22 4 120 threaded 0x0e00009b"), 0);
  broker.Hang();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Consumer(guest.get(), "clk_enable", "0"), Unanswered());
  EXPECT_EQ(Consumer(guest.get(), "transfer", "22 4 8 atomic 0x0100009b"),
            HasMailbox() ? 0 : kTimedOut);
  EXPECT_THAT(Answer(guest.get()), AnyOf("-23 0000000000000000", "-5 0000000000000000"));
  broker.Resume();
  broker.Kill();
  for (int i = 0; i < 3; ++i) {
    EXPECT_LT(Consumer(guest.get(), "clk_enable", "0"), 0);
  }
  EXPECT_LE(Consumer(guest.get(), "transfer", "22 4 8 threaded 0x0100009b"), 0);
  EXPECT_THAT(Answer(guest.get()), Not(StartsWith("0 ")));
}

constexpr Versions kLeaks[] = {{"6_1", "7_2"},
                               {"6_12", "10_0"},
                               {"6_1_DEBUG", "7_2"},
                               {"6_12_DEBUG", "10_0"},
                               {"6_12_STOCK", "10_0", FrontEnd::kMailbox}};
INSTANTIATE_TEST_SUITE_P(Linux, KnownFaultsTest, ::testing::ValuesIn(kPairs), NameOfTest);
INSTANTIATE_TEST_SUITE_P(Linux, WindowFaultsTest, ::testing::ValuesIn(kWindowPairs), NameOfTest);
INSTANTIATE_TEST_SUITE_P(Linux, TaglessTest, ::testing::ValuesIn(kPairs), NameOfTest);
INSTANTIATE_TEST_SUITE_P(Linux, LeakTest, ::testing::ValuesIn(kLeaks), NameOfTest);

}  // namespace
}  // namespace bpmp::testing
