// SPDX-License-Identifier: Apache-2.0
// Who waits, and who doesn't, while a request is out: on CPUs that run, with a firmware that hangs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/qemu/qemu_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;

// Of two_cpus.S.
constexpr uint64_t kRam = 0x41000000;
constexpr uint64_t kCounter = kRam + 0x00;
constexpr uint64_t kRing = kRam + 0x08;
constexpr uint64_t kRang = kRam + 0x10;
constexpr uint64_t kRingSaw = kRam + 0x18;
constexpr uint64_t kLook = kRam + 0x20;
constexpr uint64_t kLooked = kRam + 0x28;
constexpr uint64_t kLookSaw = kRam + 0x30;
constexpr uint64_t kFaults = kRam + 0x38;

constexpr uint64_t kResetMrq = 20;
constexpr uint64_t kAssertUarta = uint64_t{100} << 32 | 1;
constexpr uint64_t kDeassertUarta = uint64_t{100} << 32 | 2;

class TwoCpusTest : public QemuTest {
 protected:
  void Boot(const std::string& timeout_ms) {
    qemu_ = StartWith({"-smp", "2", "-cpu", "cortex-a57", "-kernel", BPMP_TWO_CPUS, "-device",
                       Device("a", ",timeout-ms=" + timeout_ms)},
                      "tcg,thread=multi");
    ASSERT_TRUE(qemu_->Started()) << qemu_->Output();
    WaitFor(kCounter, 1);  // both CPUs are there
    window_ = std::make_unique<Window>(qemu_.get());
    window_->Write(window::kTx, kDeassertUarta, 8);
    window_->Write(window::kTxSize, 8, 8);
    window_->Write(window::kRxSize, 0, 8);
    window_->Write(window::kRet, 0x77777777, 4);
  }
  // Blocks until the word in RAM is at least `value`.
  void WaitFor(uint64_t address, uint64_t value) {
    while (qemu_->Read(address, 8) < value) {
    }
  }
  // The first CPU rings, and the firmware hangs over it.
  void RingAndHang(const std::string& fault) {
    AddFault(fault);
    qemu_->Write(kRing, kResetMrq + 1, 8);
    broker_.sim().WaitUntilHanging(1);
  }

  std::unique_ptr<QemuProcess> qemu_;
  std::unique_ptr<Window> window_;
};

TEST_P(TwoCpusTest, OnlyWhoNeedsTheWindowWaits) {
  Boot("10000");
  RingAndHang("RESET DEASSERT 100 hang count=1");
  EXPECT_THAT(qemu_->Qmp(R"({"execute": "query-status"})"), HasSubstr("running"));
  WaitFor(kCounter, qemu_->Read(kCounter, 8) + 1000);
  EXPECT_EQ(qemu_->Read(kRang, 8), 0U);

  qemu_->Write(kLook, 1, 8);
  while (qemu_->Read(kLook, 8) != 0) {
  }
  EXPECT_THAT(qemu_->Qmp(R"({"execute": "query-status"})"), HasSubstr("running"));
  EXPECT_EQ(qemu_->Read(kLooked, 8), 0U);

  broker_.sim().ReleaseHangs();
  WaitFor(kRang, 1);
  WaitFor(kLooked, 1);
  EXPECT_EQ(qemu_->Read(kRingSaw, 8), 0U);
  EXPECT_EQ(qemu_->Read(kLookSaw, 8), 0U);  // the answer, not what was there before
  EXPECT_EQ(qemu_->Read(kFaults, 8), 0U);
}

TEST_P(TwoCpusTest, StopResetAndQuitWaitForTheTimeOutAtMost) {
  Boot("200");
  RingAndHang("RESET DEASSERT 100 hang count=1");
  EXPECT_THAT(qemu_->Qmp(R"({"execute": "stop"})"), HasSubstr("return"));
  EXPECT_THAT(qemu_->Qmp(R"({"execute": "cont"})"), HasSubstr("return"));
  WaitFor(kRang, 1);
  EXPECT_EQ(qemu_->Read(kRingSaw, 8), uint64_t{0xffffff92} << 32 | 0xffffffe9);  // -110, -23
  broker_.sim().ReleaseHangs();

  window_->Write(window::kTx, kAssertUarta, 8);
  RingAndHang("RESET ASSERT 100 hang count=1");
  EXPECT_THAT(qemu_->Qmp(R"({"execute": "system_reset"})"), HasSubstr("return"));
  qemu_->WaitForEvent("RESET");
  broker_.sim().ReleaseHangs();
  EXPECT_THAT(qemu_->Qmp(R"({"execute": "quit"})"), HasSubstr("return"));
  EXPECT_EQ(qemu_->WaitForEnd(), 0) << qemu_->Output();
}

BPMP_FOR_EACH_QEMU(TwoCpusTest);

}  // namespace
}  // namespace bpmp::testing
