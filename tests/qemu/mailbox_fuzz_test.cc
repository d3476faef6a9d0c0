// SPDX-License-Identifier: Apache-2.0
// A guest that writes anything anywhere, at any time, on an emulator with ASan and UBSan. Its next
// boot works.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "tests/component/guest_requests.h"
#include "tests/qemu/mailbox.h"
#include "tests/qemu/qemu_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Of storm_cpus.S, for each CPU.
constexpr uint64_t kRam = 0x41000000;
constexpr uint64_t kCpuSize = 0x40;
constexpr uint64_t kCount = 0x00;
constexpr uint64_t kSeed = 0x08;
constexpr uint64_t kAlive = 0x18;
constexpr uint64_t kFaults = 0x20;
constexpr uint64_t kCpus = 2;

constexpr uint64_t kStores = 1'000'000;
constexpr size_t kBatch = 500;

constexpr char kHotVm[] = R"(vms { name: "a" devices { device: "uarta" }
    thermal { zones: 0 zones: 1 zones: 2 zones: 3 zones: 4 zones: 8 } })";

class MailboxFuzzTest : public QemuTest {
 protected:
  MailboxFuzzTest() : QemuTest(kHotVm) {}

  void SetUp() override {
    QemuTest::SetUp();
    random_.seed(FuzzSeed());
    // An emulator that ends leaves what it has to the system.
    setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
  }
  std::unique_ptr<QemuProcess> Boot(const std::vector<std::string>& more,
                                    const std::string& accelerator) {
    std::vector<std::string> arguments = {"-device", MailboxDevice("a")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto qemu = StartWith(arguments, accelerator);
    EXPECT_TRUE(qemu->Started()) << qemu->Output();
    return qemu;
  }
  uint64_t Below(uint64_t limit) { return random_() % limit; }

  // A store somewhere in the device, mostly near to sense.
  std::string Operation() {
    static constexpr const char* kSuffixes[] = {"b", "w", "l", "q"};
    static constexpr uint64_t kWords[] = {mailbox::kWritten,   mailbox::kState,
                                          mailbox::kRead,      mailbox::kFrame,
                                          mailbox::kFrame + 4, mailbox::kFrame + 8};
    const int channel = static_cast<int>(Below(6) == 0 ? mailbox::kInbound : Below(4));
    uint64_t value = Below(2) == 0 ? Below(4) : random_();
    if (Below(16) == 0) return "clock_step 100000";
    switch (Below(8)) {
      case 0:
      case 1:
        return absl::StrFormat("writel 0x%x 1", mailbox::kTrigger);
      case 2:
        return absl::StrFormat("write%s 0x%x 0x%x", kSuffixes[Below(4)],
                               mailbox::kHsp + Below(mailbox::kRegistersSize - 8), value);
      case 3:
        return absl::StrFormat("write%s 0x%x 0x%x", kSuffixes[Below(4)],
                               mailbox::kToFirmware + Below(0x2000 - 8), value);
      case 4:
        // A frame that the broker may take for something.
        return absl::StrFormat("writeq 0x%x 0x%x",
                               Mailbox::FromGuest(channel, mailbox::kFrame + 8 * Below(2)),
                               Below(2) == 0 ? Below(80) : Below(20) << 24 | Below(480));
      default: {
        const uint64_t word = kWords[Below(6)];
        return absl::StrFormat(
            "writel 0x%x 0x%x",
            Below(3) == 0 ? Mailbox::ToGuest(channel, word) : Mailbox::FromGuest(channel, word),
            value & 0xffffffff);
      }
    }
  }

  // Opens the channels again. What the guest itself wrote where the firmware's state is could be
  // taken for an answer.
  static void Reopen(QemuProcess* qemu) {
    for (const int channel : {0, 1, 2, mailbox::kAtomic, mailbox::kInbound}) {
      qemu->Write(Mailbox::ToGuest(channel, mailbox::kState), mailbox::kEstablished, 4);
    }
    Mailbox(qemu).Open();
  }

  // The machine boots again, and its guest has what it is for.
  void ExpectNextBootWorks(QemuProcess* qemu, Mailbox::Time time) {
    EXPECT_THAT(qemu->Qmp(R"({"execute": "system_reset"})"), HasSubstr("return"));
    qemu->WaitForEvent("RESET");
    Mailbox mailbox(qemu, time);
    mailbox.Open();
    for (const int channel : {0, 1, 2, mailbox::kAtomic}) {
      EXPECT_EQ(mailbox.Ask(GetRate(kUarta), channel).error, 0);
    }
    qemu->Qmp(R"({"execute": "quit"})");
    EXPECT_EQ(qemu->WaitForEnd(), 0);
    EXPECT_THAT(qemu->Output(), Not(HasSubstr("Sanitizer")));
    EXPECT_THAT(qemu->Output(), Not(HasSubstr("runtime error")));
  }

  // Something for the inbound channel, if the guest has left that in working order.
  void Trip() {
    ++trips_;
    broker_.sim().WithModel([&](backend::sim::TegraModel& model) {
      model.thermal().SetTemperature(ThermalZoneId(trips_ % 9), trips_ % 2 == 0 ? 40'000 : 99'000);
    });
  }

  uint32_t trips_ = 0;
  std::mt19937_64 random_;
};

TEST_P(MailboxFuzzTest, NothingComesOfAMillionStores) {
  const auto qemu = Boot({}, "qtest");
  Mailbox(qemu.get()).Open();
  std::vector<std::string> batch(kBatch);
  for (uint64_t done = 0; done < kStores; done += kBatch) {
    for (std::string& operation : batch) operation = Operation();
    qemu->Batch(batch);
    Trip();
    // So that there is something to go on from.
    if (done % (100 * kBatch) == 0) Reopen(qemu.get());
  }
  EXPECT_GT(Requests("a"), 100U);
  EXPECT_GT(trips_, 100U);
  ExpectNextBootWorks(qemu.get(), Mailbox::Time::kStands);
}

TEST_P(MailboxFuzzTest, NothingComesOfSeveralCpusAtOnce) {
  const auto qemu =
      Boot({"-smp", "2", "-cpu", "cortex-a57", "-kernel", BPMP_STORM_CPUS}, "tcg,thread=multi");
  for (uint64_t cpu = 0; cpu < kCpus; ++cpu) {
    while (qemu->Read(kRam + cpu * kCpuSize + kAlive, 8) != 1) {
    }
  }
  Mailbox(qemu.get(), Mailbox::Time::kRuns).Open();
  for (uint64_t cpu = 0; cpu < kCpus; ++cpu) {
    qemu->Write(kRam + cpu * kCpuSize + kSeed, random_() | 1, 8);
    qemu->Write(kRam + cpu * kCpuSize + kCount, 10 * kStores, 8);
  }
  for (uint64_t cpu = 0; cpu < kCpus; ++cpu) {
    while (qemu->Read(kRam + cpu * kCpuSize + kCount, 8) != 0) Trip();
    EXPECT_EQ(qemu->Read(kRam + cpu * kCpuSize + kFaults, 8), 0U);
  }
  ExpectNextBootWorks(qemu.get(), Mailbox::Time::kRuns);
}

INSTANTIATE_TEST_SUITE_P(Qemu, MailboxFuzzTest, ::testing::Values("10_0_SANITIZED", "7_2", "10_0"),
                         [](const auto& version) { return version.param; });

}  // namespace
}  // namespace bpmp::testing
