// SPDX-License-Identifier: Apache-2.0
// What the firmware says unasked, in the guest's inbound channel.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

#include "tests/component/guest_requests.h"
#include "tests/qemu/mailbox.h"
#include "tests/qemu/qemu_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kMrqThermal = 27;
constexpr uint32_t kTripReached = 100;

class MailboxInboundTest : public QemuTest {
 protected:
  MailboxInboundTest()
      : QemuTest(R"(vms { name: "a" devices { device: "uarta" } thermal { zones: 0 zones: 8 } })") {
  }

  void SetUp() override {
    QemuTest::SetUp();
    if (IsSkipped()) return;
    qemu_ = StartWith({"-device", MailboxDevice("a")});
    ASSERT_TRUE(qemu_->Started()) << qemu_->Output();
    mailbox_ = std::make_unique<Mailbox>(qemu_.get());
    mailbox_->Open();
  }
  // The zone crosses the trip of its host, to where it hasn't been.
  void Cross(uint32_t zone) {
    broker_.sim().WithModel([&](backend::sim::TegraModel& model) {
      model.thermal().SetTemperature(ThermalZoneId(zone), crossed_ ? 40'000 : 99'000);
    });
    crossed_ = !crossed_;
  }
  uint32_t Word(uint64_t at) {
    return static_cast<uint32_t>(qemu_->Read(Mailbox::ToGuest(mailbox::kInbound, at), 4));
  }
  bool HasMessage(uint32_t count) { return Word(mailbox::kWritten) == count; }
  void ExpectMessage(uint32_t count, uint32_t zone) {
    while (!HasMessage(count)) mailbox_->Step();
    EXPECT_EQ(Word(mailbox::kFrame), kMrqThermal);
    EXPECT_EQ(Word(mailbox::kFrame + 4), mailbox::kWantsAnswer | mailbox::kWantsRing);
    EXPECT_EQ(Word(mailbox::kFrame + 8), kTripReached);
    EXPECT_EQ(Word(mailbox::kFrame + 12), zone);
  }
  // The same, and the guest is rung for it.
  void ExpectTrip(uint32_t count, uint32_t zone) {
    ExpectMessage(count, zone);
    EXPECT_TRUE(mailbox_->Interrupted());
    mailbox_->Acknowledge();
  }
  // As Linux does: takes the message, then says what came of it.
  void Answer(uint32_t count, int32_t error = 0) {
    qemu_->Write(Mailbox::ToGuest(mailbox::kInbound, mailbox::kRead), count, 4);
    mailbox_->Ring();
    mailbox_->Post(mailbox::kInbound, static_cast<uint32_t>(error), {}, 0);
    mailbox_->Ring();
  }
  // Whatever was said before has been looked at once this is done. Twice, because an answer may go
  // before a trip, two may not.
  void Settle() {
    for (int i = 0; i < 2; ++i) EXPECT_EQ(mailbox_->Ask(Ping(1)).error, 0);
  }

  std::unique_ptr<QemuProcess> qemu_;
  std::unique_ptr<Mailbox> mailbox_;
  bool crossed_ = false;
};

TEST_P(MailboxInboundTest, ATripArrives) {
  Cross(8);
  ExpectTrip(1, 8);
  Answer(1);
  Cross(8);
  ExpectTrip(2, 8);
}

TEST_P(MailboxInboundTest, TheNextOneWaitsForTheAnswer) {
  Cross(8);
  ExpectTrip(1, 8);
  crossed_ = false;
  Cross(0);
  Settle();
  // Taken, and not answered yet.
  qemu_->Write(Mailbox::ToGuest(mailbox::kInbound, mailbox::kRead), 1, 4);
  mailbox_->Ring();
  Settle();
  EXPECT_TRUE(HasMessage(1));
  mailbox_->Post(mailbox::kInbound, 0, {}, 0);
  mailbox_->Ring();
  ExpectTrip(2, 0);
  // The frame of the answer is the guest's again.
  EXPECT_EQ(qemu_->Read(Mailbox::FromGuest(mailbox::kInbound, mailbox::kRead), 4), 1U);
}

TEST_P(MailboxInboundTest, AGuestThatDoesNotKnowItDoesNoHarm) {
  Cross(8);
  ExpectTrip(1, 8);
  Answer(1, -22);
  Cross(8);
  ExpectTrip(2, 8);
}

TEST_P(MailboxInboundTest, WhatAHandshakeCutOffComesAgain) {
  Cross(8);
  ExpectTrip(1, 8);  // and isn't answered
  crossed_ = false;
  // Of another zone: the same one again may come to the device when the first is on its way once
  // more, and is one then.
  Cross(0);
  mailbox_->Open(mailbox::kInbound);
  ExpectMessage(1, 8);
  Answer(1);
  ExpectTrip(2, 0);  // what came meanwhile
}

TEST_P(MailboxInboundTest, WhatWasForAGuestOfBeforeIsGone) {
  Cross(8);
  ExpectTrip(1, 8);
  crossed_ = false;
  Cross(0);
  Settle();
  EXPECT_THAT(qemu_->Qmp(R"({"execute": "system_reset"})"), HasSubstr("return"));
  qemu_->WaitForEvent("RESET");
  mailbox_ = std::make_unique<Mailbox>(qemu_.get());
  mailbox_->Open();
  Settle();
  EXPECT_TRUE(HasMessage(0));
  Cross(8);
  ExpectTrip(1, 8);
}

BPMP_FOR_EACH_QEMU(MailboxInboundTest);
BPMP_SANITIZED_QEMU(MailboxInboundTest);

}  // namespace
}  // namespace bpmp::testing
