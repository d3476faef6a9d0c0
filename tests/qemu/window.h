// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_QEMU_WINDOW_H_
#define TESTS_QEMU_WINDOW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "broker/mrq/types.h"
#include "tests/qemu/qemu_process.h"

namespace bpmp::testing {

// Registers of the guest's window; docs/specs/nvidia-bpmp-guest.rst in QEMU's tree.
namespace window {
inline constexpr uint64_t kTx = 0x000;
inline constexpr uint64_t kRx = 0x200;
inline constexpr uint64_t kTxSize = 0x400;
inline constexpr uint64_t kRxSize = 0x408;
inline constexpr uint64_t kRet = 0x410;
inline constexpr uint64_t kTstat = 0x414;
inline constexpr uint64_t kId = 0x418;
inline constexpr uint64_t kAnswered = 0x41c;
inline constexpr uint64_t kMrq = 0x500;
inline constexpr uint64_t kEnd = 0x600;
inline constexpr uint32_t kMagic = 0x324d5042;
}  // namespace window

// What a request left in the window.
struct WindowAnswer {
  int32_t ret = 0;
  int32_t tstat = 0;
  uint32_t answered = 0;
  std::vector<uint8_t> rx;  // all 0x200 bytes
};

// The guest's side of the window, played over qtest by a machine whose CPUs don't run.
class Window {
 public:
  explicit Window(QemuProcess* qemu, uint64_t address = 0x090c0000)
      : qemu_(qemu), address_(address) {}

  void Write(uint64_t offset, uint64_t value, int size) {
    qemu_->Write(address_ + offset, value, size);
  }
  uint64_t Read(uint64_t offset, int size) { return qemu_->Read(address_ + offset, size); }
  uint64_t address() const { return address_; }

  // Payload only, as our guest proxy does.
  WindowAnswer Ask(const mrq::Request& request);
  WindowAnswer Ask(uint32_t mrq, const std::vector<uint8_t>& tx, uint64_t rx_size);
  // Rings with what is in the window.
  WindowAnswer Ring(uint32_t mrq, int size = 4);
  WindowAnswer Answer();

  // As the known guest proxy: 192 ascending stores of 8 bytes over the whole window, the doorbell
  // among them, then 192 loads. Returns the window as loaded.
  std::vector<uint8_t> CopyWhole(const mrq::Request& request, size_t rx_size);

 private:
  QemuProcess* const qemu_;
  const uint64_t address_;
};

}  // namespace bpmp::testing

#endif  // TESTS_QEMU_WINDOW_H_
