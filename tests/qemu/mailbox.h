// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_QEMU_MAILBOX_H_
#define TESTS_QEMU_MAILBOX_H_

#include <array>
#include <cstdint>
#include <vector>

#include "broker/mrq/types.h"
#include "tests/qemu/qemu_process.h"

namespace bpmp::testing {

// Where things are; docs/specs/nvidia-bpmp-mailbox.rst in QEMU's tree.
namespace mailbox {
inline constexpr uint64_t kHsp = 0x0b000000;
inline constexpr uint64_t kDimensioning = kHsp + 0x380;
inline constexpr uint64_t kEnable = kHsp + 0x90104;   // of the doorbell that rings the guest
inline constexpr uint64_t kPending = kHsp + 0x9010c;  //
inline constexpr uint64_t kTrigger = kHsp + 0x90300;  // of the doorbell that the guest rings
inline constexpr uint64_t kTriggerEnable = kHsp + 0x90304;
inline constexpr uint64_t kChipId = kHsp + 0xa0004;
inline constexpr uint64_t kRegistersSize = 0xb0000;
inline constexpr uint32_t kBpmp = 1U << 19;

inline constexpr uint64_t kToFirmware = 0x0b100000;
inline constexpr uint64_t kToGuest = 0x0b101000;
inline constexpr uint64_t kChannelSize = 0x100;
inline constexpr uint64_t kWritten = 0x00;
inline constexpr uint64_t kState = 0x04;
inline constexpr uint64_t kRead = 0x40;
inline constexpr uint64_t kFrame = 0x80;
inline constexpr int kAtomic = 3;
inline constexpr int kInbound = 13;

inline constexpr uint32_t kEstablished = 0;
inline constexpr uint32_t kSync = 1;
inline constexpr uint32_t kAck = 2;

inline constexpr uint32_t kWantsAnswer = 1;
inline constexpr uint32_t kWantsRing = 2;
}  // namespace mailbox

struct MailboxAnswer {
  int32_t error = 0;
  std::vector<uint8_t> rx;  // all 120 bytes
};

// The guest's end of the mailbox, as Linux' drivers play it, over qtest. What waits does so by
// reading the memory again, and lets the machine's time go on where no CPU does; the test's timeout
// ends it.
class Mailbox {
 public:
  enum class Time { kStands, kRuns };  // of a machine whose CPUs don't run, and do

  explicit Mailbox(QemuProcess* qemu, Time time = Time::kStands) : qemu_(qemu), time_(time) {}

  // Lets itself be interrupted, and opens channels 0 to 3 and 13.
  void Open();
  // One channel's handshake.
  void Open(int channel);
  void Ring() { qemu_->Write(mailbox::kTrigger, 1, 4); }

  // Threaded callers want to be rung, atomic ones look for themselves.
  MailboxAnswer Ask(const mrq::Request& request, int channel = 0);
  MailboxAnswer Ask(uint32_t mrq, const std::vector<uint8_t>& tx, int channel = 0);
  // The parts of Ask(): a frame is there, the doorbell isn't rung yet.
  void Post(int channel, uint32_t mrq, const std::vector<uint8_t>& tx,
            uint32_t flags = mailbox::kWantsAnswer | mailbox::kWantsRing);
  void Post(int channel, const mrq::Request& request);
  bool HasAnswer(int channel);
  // A tenth of a millisecond, in a machine whose time stands.
  void Step();
  // Waits for it, and takes it.
  MailboxAnswer Take(int channel);

  bool Interrupted() { return (qemu_->Read(mailbox::kPending, 4) & mailbox::kBpmp) != 0; }
  void Acknowledge() { qemu_->Write(mailbox::kPending, mailbox::kBpmp, 4); }

  // One word of a channel in the page that goes to the firmware, or to the guest.
  static uint64_t FromGuest(int channel, uint64_t at) {
    return mailbox::kToFirmware + static_cast<uint64_t>(channel) * mailbox::kChannelSize + at;
  }
  static uint64_t ToGuest(int channel, uint64_t at) {
    return mailbox::kToGuest + static_cast<uint64_t>(channel) * mailbox::kChannelSize + at;
  }

 private:
  QemuProcess* const qemu_;
  const Time time_;
  std::array<uint32_t, 14> written_{};
  std::array<uint32_t, 14> read_{};
};

}  // namespace bpmp::testing

#endif  // TESTS_QEMU_MAILBOX_H_
