// SPDX-License-Identifier: Apache-2.0
// What other devices do to the window on a guest's behalf. They aren't prepared for the big lock to
// be released in the middle of it, so that they may neither ring nor wait.
#include <gtest/gtest.h>

#include <memory>

#include "tests/qemu/qemu_fixture.h"

namespace bpmp::testing {
namespace {

// Of obedient_cpus.S.
constexpr uint64_t kRam = 0x41000000;
constexpr uint64_t kPerCpu = 0x40;
constexpr uint64_t kAddress = 0x08;
constexpr uint64_t kValue = 0x10;
constexpr uint64_t kAlive = 0x18;
constexpr uint64_t kFaults = 0x20;
constexpr uint64_t kStore = 1;

constexpr uint64_t kWindow = 0x090c0000;
// PCI on `virt` without highmem; the slots and places that the test gives its devices.
constexpr uint64_t kEcam = 0x3f000000;
constexpr uint64_t kEdu = 0x10000000;
constexpr uint64_t kE1000 = 0x10100000;
constexpr uint64_t kCommand = 0x04;  // memory space and bus master are bits 1 and 2
constexpr uint64_t kBar0 = 0x10;
constexpr uint64_t kCapabilities = 0x34;
constexpr uint64_t kMsi = 5;

class DeviceAccessTest : public QemuTest {
 protected:
  void Boot() {
    qemu_ = StartWith({"-machine", "highmem=off", "-smp", "2", "-cpu", "cortex-a57", "-kernel",
                       BPMP_OBEDIENT_CPUS, "-device", "edu,addr=4", "-device",
                       "e1000,addr=5,romfile=", "-device", Device("a", ",timeout-ms=10000")},
                      "tcg,thread=multi");
    ASSERT_TRUE(qemu_->Started()) << qemu_->Output();
    for (const uint64_t cpu : {0, 1}) {
      while (qemu_->Read(kRam + cpu * kPerCpu + kAlive, 8) == 0) {
      }
    }
    SetUpPci(4, kEdu);
    SetUpPci(5, kE1000);
    Window window(qemu_.get());
    window.Write(window::kTx, uint64_t{100} << 32 | 2, 8);  // deassert the reset of uarta
    window.Write(window::kTxSize, 8, 8);
    window.Write(window::kRxSize, 0, 8);
  }
  static uint64_t Config(uint64_t slot, uint64_t offset) { return kEcam + (slot << 15) + offset; }
  void SetUpPci(uint64_t slot, uint64_t address) {
    qemu_->Write(Config(slot, kBar0), address, 4);
    qemu_->Write(Config(slot, kCommand), 6, 2);
  }
  // A CPU begins to store.
  void Begin(uint64_t cpu, uint64_t address, uint64_t value) {
    const uint64_t base = kRam + cpu * kPerCpu;
    qemu_->Write(base + kAddress, address, 8);
    qemu_->Write(base + kValue, value, 8);
    qemu_->Write(base, kStore, 8);
  }
  // Blocks until its store is over.
  void WaitFor(uint64_t cpu) {
    while (qemu_->Read(kRam + cpu * kPerCpu, 8) != 0) {
    }
    EXPECT_EQ(qemu_->Read(kRam + cpu * kPerCpu + kFaults, 8), 0U);
  }
  bool IsBusy(uint64_t cpu) { return qemu_->Read(kRam + cpu * kPerCpu, 8) != 0; }

  std::unique_ptr<QemuProcess> qemu_;
};

TEST_P(DeviceAccessTest, AMessageInterruptCantRing) {
  Boot();
  uint64_t at = qemu_->Read(Config(4, kCapabilities), 1);
  while (qemu_->Read(Config(4, at), 1) != kMsi) at = qemu_->Read(Config(4, at + 1), 1);
  const bool wide = (qemu_->Read(Config(4, at + 2), 2) & 0x80) != 0;
  qemu_->Write(Config(4, at + 4), kWindow + window::kMrq, 4);
  if (wide) qemu_->Write(Config(4, at + 8), 0, 4);
  qemu_->Write(Config(4, at + (wide ? 12 : 8)), 20, 2);  // MRQ_RESET
  qemu_->Write(Config(4, at + 2), 1, 2);                 // enabled
  AddFault("RESET DEASSERT 100 hang");
  Begin(0, kEdu + 0x60, 1);  // raise its interrupt
  WaitFor(0);                // or it hangs
  EXPECT_EQ(broker_.sim().hanging(), 0U);
}

TEST_P(DeviceAccessTest, ATransferDoesntWaitForTheWindow) {
  Boot();
  AddFault("RESET DEASSERT 100 hang count=1");
  Begin(0, kWindow + window::kMrq, 20);
  broker_.sim().WaitUntilHanging(1);
  // The network card reads its ring of descriptors from the window.
  qemu_->Write(kE1000 + 0x400, 2, 4);         // transmitter on
  qemu_->Write(kE1000 + 0x3800, kWindow, 4);  // the ring
  qemu_->Write(kE1000 + 0x3804, 0, 4);
  qemu_->Write(kE1000 + 0x3808, 0x80, 4);
  qemu_->Write(kE1000 + 0x3810, 0, 4);
  Begin(1, kE1000 + 0x3818, 1);  // its tail: begin
  WaitFor(1);
  EXPECT_TRUE(IsBusy(0));
  broker_.sim().ReleaseHangs();
  WaitFor(0);
}

BPMP_FOR_EACH_QEMU(DeviceAccessTest);

}  // namespace
}  // namespace bpmp::testing
