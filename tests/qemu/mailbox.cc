// SPDX-License-Identifier: Apache-2.0
#include "tests/qemu/mailbox.h"

#include <string>

#include "absl/strings/str_format.h"
#include "broker/mrq/codec.h"

namespace bpmp::testing {

void Mailbox::Open() {
  qemu_->Write(mailbox::kEnable, mailbox::kBpmp, 4);
  // In the order of Linux' driver.
  for (const int channel : {mailbox::kAtomic, mailbox::kInbound, 0, 1, 2}) Open(channel);
}

void Mailbox::Open(int channel) {
  qemu_->Write(FromGuest(channel, mailbox::kState), mailbox::kSync, 4);
  Ring();
  while (qemu_->Read(ToGuest(channel, mailbox::kState), 4) != mailbox::kAck) Step();
  written_[channel] = 0;
  read_[channel] = 0;
  qemu_->Write(FromGuest(channel, mailbox::kWritten), 0, 4);
  qemu_->Write(ToGuest(channel, mailbox::kRead), 0, 4);
  qemu_->Write(FromGuest(channel, mailbox::kState), mailbox::kEstablished, 4);
  Ring();
  while (qemu_->Read(ToGuest(channel, mailbox::kState), 4) != mailbox::kEstablished) Step();
  Acknowledge();
}

void Mailbox::Post(int channel, uint32_t mrq, const std::vector<uint8_t>& tx, uint32_t flags) {
  std::vector<std::string> commands;
  commands.push_back(absl::StrFormat("writel 0x%x 0x%x", FromGuest(channel, mailbox::kFrame), mrq));
  commands.push_back(
      absl::StrFormat("writel 0x%x 0x%x", FromGuest(channel, mailbox::kFrame + 4), flags));
  for (size_t i = 0; i < tx.size(); ++i) {
    commands.push_back(
        absl::StrFormat("writeb 0x%x 0x%x", FromGuest(channel, mailbox::kFrame + 8 + i), tx[i]));
  }
  commands.push_back(absl::StrFormat("writel 0x%x 0x%x", FromGuest(channel, mailbox::kWritten),
                                     ++written_[channel]));
  qemu_->Batch(commands);
}

void Mailbox::Post(int channel, const mrq::Request& request) {
  const mrq::EncodedRequest encoded = mrq::EncodeRequest(request);
  Post(channel, encoded.mrq, {encoded.data.begin(), encoded.data.begin() + encoded.size});
}

bool Mailbox::HasAnswer(int channel) {
  return qemu_->Read(ToGuest(channel, mailbox::kWritten), 4) == read_[channel] + 1;
}

void Mailbox::Step() {
  if (time_ == Time::kStands) qemu_->Batch({"clock_step 100000"});
}

MailboxAnswer Mailbox::Take(int channel) {
  while (!HasAnswer(channel)) Step();
  MailboxAnswer answer;
  answer.error = static_cast<int32_t>(qemu_->Read(ToGuest(channel, mailbox::kFrame), 4));
  for (uint64_t at = 0; at < mrq::kPayloadSize; at += 8) {
    const uint64_t word = qemu_->Read(ToGuest(channel, mailbox::kFrame + 8 + at), 8);
    for (int i = 0; i < 8; ++i) answer.rx.push_back(static_cast<uint8_t>(word >> (8 * i)));
  }
  qemu_->Write(ToGuest(channel, mailbox::kRead), ++read_[channel], 4);
  Ring();
  return answer;
}

MailboxAnswer Mailbox::Ask(uint32_t mrq, const std::vector<uint8_t>& tx, int channel) {
  const uint32_t ring = channel == mailbox::kAtomic ? 0 : mailbox::kWantsRing;
  Post(channel, mrq, tx, mailbox::kWantsAnswer | ring);
  Ring();
  return Take(channel);
}

MailboxAnswer Mailbox::Ask(const mrq::Request& request, int channel) {
  const mrq::EncodedRequest encoded = mrq::EncodeRequest(request);
  return Ask(encoded.mrq, {encoded.data.begin(), encoded.data.begin() + encoded.size}, channel);
}

}  // namespace bpmp::testing
