// SPDX-License-Identifier: Apache-2.0
// Guests and brokers that end, in all the ways there are, with a device in use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/backend/sim/fault.h"
#include "broker/service/event_log.h"
#include "qemu-client/tests/broker_process.h"
#include "tests/e2e/e2e_fixture.h"
#include "tests/e2e/kernel_memory.h"
#include "tests/e2e/process_check.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class LinuxLivesTest : public E2eTest {
 protected:
  LinuxLivesTest() : E2eTest(R"(vms { name: "a" devices { device: "uarta" } })") {}

  // A guest whose device is in use.
  std::unique_ptr<LinuxGuest> Busy() {
    auto guest = BootConsumer(WithConsumer(Machine("a"), kUartaNode));
    if (guest == nullptr) return nullptr;
    EXPECT_EQ(Consumer(guest.get(), "reset", "deassert 0"), 0);
    EXPECT_EQ(Consumer(guest.get(), "clk_enable", "0"), 0);
    EXPECT_TRUE(ClockOn(kUartaClock));
    since_ = broker_.events().last() + 1;
    return guest;
  }
  void ExpectReleased() {
    broker_.WaitFor("released", "a", since_);
    EXPECT_FALSE(broker_.Holds("a", ClockId(kUartaClock)));
    EXPECT_FALSE(ClockOn(kUartaClock));
    EXPECT_TRUE(ResetAsserted(kUartaReset));
  }
  // The machine was reset: it boots again, and finds a device that it can use.
  void ExpectNewLife(LinuxGuest* guest) {
    ASSERT_TRUE(guest->Ready()) << guest->Console();
    guest->Run("insmod /lib/bpmp-consumer.ko");
    EXPECT_EQ(Consumer(guest, "reset", "deassert 0"), 0);
    EXPECT_EQ(Consumer(guest, "clk_enable", "0"), 0);
    EXPECT_TRUE(ClockOn(kUartaClock));
  }

  uint64_t since_ = 1;
};

TEST_P(LinuxLivesTest, AKilledEmulator) {
  const auto guest = Busy();
  ASSERT_NE(guest, nullptr);
  guest->qemu().Kill();
  ExpectReleased();
}

TEST_P(LinuxLivesTest, APowerOff) {
  const auto guest = Busy();
  ASSERT_NE(guest, nullptr);
  guest->Send("poweroff -f");
  EXPECT_EQ(guest->qemu().WaitForEnd(), 0);
  ExpectReleased();
}

TEST_P(LinuxLivesTest, AReboot) {
  const auto guest = Busy();
  ASSERT_NE(guest, nullptr);
  guest->Send("reboot -f");
  EXPECT_TRUE(guest->WaitFor("Booting Linux"));
  ExpectReleased();
  ExpectNewLife(guest.get());
}

TEST_P(LinuxLivesTest, ARebootWithARequestInFlight) {
  const auto guest = Busy();
  ASSERT_NE(guest, nullptr);
  broker_.sim().AddFault(*backend::sim::ParseFault("CLK SET_RATE 155 hang count=1"));
  guest->Run("echo 0 51000000 > /sys/bus/platform/devices/consumer/clk_rate &");
  broker_.sim().WaitUntilHanging(1);
  guest->Send("reboot -f");
  // The firmware answers once the machine has been reset: to a guest that hasn't asked.
  broker_.WaitFor("release-started", "a", since_);
  broker_.sim().ReleaseHangs();
  EXPECT_TRUE(guest->WaitFor("Booting Linux"));
  ExpectReleased();
  ExpectNewLife(guest.get());
}

TEST_P(LinuxLivesTest, APanic) {
  const auto guest = Busy();
  ASSERT_NE(guest, nullptr);
  guest->Send("echo c > /proc/sysrq-trigger");
  // Read to there, or the console is full and the machine waits for us.
  EXPECT_TRUE(guest->WaitFor("Kernel panic") && guest->WaitFor("Booting Linux"));
  ExpectReleased();
  ExpectNewLife(guest.get());
}

// The broker in a process of its own: what the hardware does is seen through the guest, and through
// what the broker says of it.
class BrokerLivesTest : public E2eTest {
 protected:
  BrokerLivesTest() : E2eTest("") {}

  std::unique_ptr<LinuxGuest> Busy() {
    process_.WaitUntilServing();
    before_ = ResourcesOf(process_);
    auto guest = BootConsumer(WithConsumer(MachineOn(process_.socket()), kUartaNode));
    if (guest != nullptr) {
      EXPECT_EQ(Consumer(guest.get(), "clk_enable", "0"), 0);
    }
    return guest;
  }
  void ExpectWorksAgain(LinuxGuest* guest) {
    UntilConsumerCan(guest, "reset", "deassert 0");
    EXPECT_EQ(Consumer(guest, "clk_rate", "0 51000000"), 0);
    EXPECT_THAT(guest->Run("cat /sys/bus/platform/devices/consumer/clk_rate"),
                HasSubstr("0 51000000 1"));
    EXPECT_THAT(Complaints(guest->KernelLog()), IsEmpty());
    // The clock is still on.
    EXPECT_GT(VmOf(process_).clock_votes(), 0U);
    EXPECT_THAT(Leftovers(process_, guest, before_), IsEmpty());
  }

  client::BrokerProcess process_;  // runs
  v1::ListResourcesResponse before_;
};

TEST_P(BrokerLivesTest, AKilledBrokerComesBack) {
  const auto guest = Busy();
  ASSERT_NE(guest, nullptr);
  process_.Kill();
  EXPECT_NE(Consumer(guest.get(), "reset", "assert 0"), 0) << "nobody is there";
  process_.Start();
  ExpectWorksAgain(guest.get());
}

TEST_P(BrokerLivesTest, AStoppedBrokerComesBack) {
  const auto guest = Busy();
  ASSERT_NE(guest, nullptr);
  process_.Stop();
  process_.Start();
  ExpectWorksAgain(guest.get());
}

TEST_P(BrokerLivesTest, ABrokerThatHangs) {
  const auto guest = Busy();
  ASSERT_NE(guest, nullptr);
  process_.Hang();
  // The first waits for its time, those after it fail at once: ten take no ten time-outs.
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Consumer(guest.get(), "reset", "assert 0"), Unanswered());
  }
  process_.Resume();
  ExpectWorksAgain(guest.get());
}

// Ten seconds of a guest's requests, by its own clock, while nobody answers.
TEST_P(BrokerLivesTest, ABrokerThatHangsForTenSeconds) {
  const auto guest = Busy();
  ASSERT_NE(guest, nullptr);
  const v1::Vm vm = VmOf(process_);
  const KernelMemory before = MemoryOf(guest.get());
  process_.Hang();
  const std::string counts = guest->Run(absl::StrCat(
      "now() { cut -d. -f1 /proc/uptime; }; end=$(($(now) + 10)); timeouts=0; others=0; "
      "cd /sys/bus/platform/devices/consumer; "
      "while [ $(now) -lt $end ]; do echo assert 0 > reset; read result < result; "
      "if [ $result = ",
      Unanswered(),
      " ]; then timeouts=$((timeouts + 1)); else others=$((others + 1)); fi; "
      "done; cd /; echo others $others timeouts $timeouts"));
  process_.Resume();
  int timeouts = 0;
  ASSERT_THAT(counts, StartsWith("others 0 timeouts "));
  ASSERT_TRUE(absl::SimpleAtoi(counts.substr(counts.rfind(' ') + 1), &timeouts));
  // After the first they cost no time-out of a second each.
  EXPECT_GT(timeouts, 20);
  UntilConsumerCan(guest.get(), "reset", "deassert 0");
  ExpectNoLeak(before, MemoryOf(guest.get()), timeouts);
  const v1::Vm after = VmOf(process_);
  EXPECT_EQ(after.session().id(), vm.session().id());
  EXPECT_EQ(after.epoch(), vm.epoch());
  EXPECT_EQ(after.waiting(), 0U);
  EXPECT_EQ(after.clock_votes(), vm.clock_votes());
  ExpectWorksAgain(guest.get());
}

INSTANTIATE_TEST_SUITE_P(Linux, LinuxLivesTest, ::testing::ValuesIn(kPairs), NameOfTest);
INSTANTIATE_TEST_SUITE_P(Linux, BrokerLivesTest, ::testing::ValuesIn(kPairs), NameOfTest);

}  // namespace
}  // namespace bpmp::testing
