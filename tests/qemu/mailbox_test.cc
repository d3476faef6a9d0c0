// SPDX-License-Identifier: Apache-2.0
// The mailbox, as a guest with Linux' own drivers finds it.
#include "tests/qemu/mailbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "broker/base/endian.h"
#include "broker/mrq/codec.h"
#include "tests/component/guest_requests.h"
#include "tests/qemu/qemu_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

class MailboxTest : public QemuTest {
 protected:
  // A machine whose guest has opened its channels.
  std::unique_ptr<QemuProcess> Boot(const std::string& vm, const std::string& more = "") {
    auto qemu = StartWith({"-device", MailboxDevice(vm, more)});
    if (!qemu->Started()) {
      ADD_FAILURE() << qemu->Output();
      return nullptr;
    }
    Mailbox(qemu.get()).Open();
    return qemu;
  }
  // The rate that an answer tells.
  static int64_t RateIn(const MailboxAnswer& answer) {
    return static_cast<int64_t>(LoadLe<uint64_t>(answer.rx, 0));
  }
  int64_t UartaRate() {
    return broker_.sim().WithModel([](auto& model) { return model.Rate(kUarta); });
  }
};

TEST_P(MailboxTest, HasTheRegistersThatLinuxTouches) {
  const auto qemu = StartWith({"-device", MailboxDevice("a")});
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  EXPECT_EQ(qemu->Read(mailbox::kDimensioning, 4), 0x00087228U);
  EXPECT_EQ(qemu->Read(mailbox::kTriggerEnable, 4), 1U << 17);
  EXPECT_EQ(qemu->Read(mailbox::kTrigger, 4), 0U);
  EXPECT_EQ(qemu->Read(mailbox::kPending, 4), 0U);
  EXPECT_EQ(qemu->Read(mailbox::kEnable, 4), 0U);
  qemu->Write(mailbox::kEnable, mailbox::kBpmp | 1, 4);
  EXPECT_EQ(qemu->Read(mailbox::kEnable, 4), mailbox::kBpmp | 1);
  EXPECT_EQ(qemu->Read(mailbox::kChipId, 4), 0x00012347U);
  // Others are of no use, and no harm.
  qemu->Write(mailbox::kHsp + 0x10000, ~0U, 4);
  EXPECT_EQ(qemu->Read(mailbox::kHsp + 0x10000, 4), 0U);
  for (const int size : {1, 2, 8}) {
    qemu->Write(mailbox::kEnable, 0, size);
    EXPECT_EQ(qemu->Read(mailbox::kEnable, size), 0U);
    EXPECT_EQ(qemu->Read(mailbox::kEnable, 4), mailbox::kBpmp | 1);
  }
  qemu->Write(mailbox::kTriggerEnable, 0, 4);
  EXPECT_EQ(qemu->Read(mailbox::kTriggerEnable, 4), 1U << 17);
}

TEST_P(MailboxTest, EveryChannelAnswers) {
  const auto qemu = Boot("a");
  ASSERT_NE(qemu, nullptr);
  Mailbox mailbox(qemu.get());
  mailbox.Open();
  for (const int channel : {0, 1, 2, mailbox::kAtomic}) {
    const MailboxAnswer answer = mailbox.Ask(GetRate(kUarta), channel);
    EXPECT_EQ(answer.error, 0);
    EXPECT_EQ(RateIn(answer), UartaRate());
    // Only who waits for it is rung.
    EXPECT_EQ(mailbox.Interrupted(), channel != mailbox::kAtomic);
    mailbox.Acknowledge();
    EXPECT_FALSE(mailbox.Interrupted());
  }
  // The broker's refusal is the firmware's error, and there is nothing beside it.
  const MailboxAnswer refused = mailbox.Ask(Enable(kVic));
  EXPECT_EQ(refused.error, -13);
  EXPECT_THAT(refused.rx, Each(0));
}

TEST_P(MailboxTest, AMaskedInterruptWaits) {
  const auto qemu = Boot("a");
  ASSERT_NE(qemu, nullptr);
  Mailbox mailbox(qemu.get());
  mailbox.Open();
  qemu->Write(mailbox::kEnable, 0, 4);
  mailbox.Ask(GetRate(kUarta));
  EXPECT_FALSE(mailbox.Interrupted());
  qemu->Write(mailbox::kEnable, mailbox::kBpmp, 4);
  EXPECT_TRUE(mailbox.Interrupted());
}

TEST_P(MailboxTest, WhatNobodyWantsAnsweredIsDoneAllTheSame) {
  const auto qemu = Boot("a");
  ASSERT_NE(qemu, nullptr);
  Mailbox mailbox(qemu.get());
  mailbox.Open();
  const mrq::EncodedRequest enable = mrq::EncodeRequest(Enable(kUarta));
  mailbox.Post(1, enable.mrq, {enable.data.begin(), enable.data.begin() + enable.size}, 0);
  mailbox.Ring();
  while (qemu->Read(Mailbox::FromGuest(1, mailbox::kRead), 4) != 1) {
  }
  EXPECT_TRUE(broker_.Holds("a", kUarta));
  EXPECT_FALSE(mailbox.HasAnswer(1));
}

TEST_P(MailboxTest, RequestsAreOutTogetherAndNoneWaitsForAnother) {
  const auto qemu = Boot("a");
  ASSERT_NE(qemu, nullptr);
  Mailbox mailbox(qemu.get());
  mailbox.Open();
  AddFault("CLK ENABLE 155 hang count=1");
  // Comes after what the client sends of its own accord when the machine starts.
  EXPECT_EQ(mailbox.Ask(Ping(1)).error, 0);
  const uint64_t before = Requests("a");
  mailbox.Post(0, Enable(kUarta));
  for (int i = 0; i < 100; ++i) mailbox.Ring();
  for (const int channel : {1, 2, mailbox::kAtomic}) {
    EXPECT_EQ(mailbox.Ask(Ping(7), channel).error, 0);
    EXPECT_FALSE(mailbox.HasAnswer(0));
  }
  // However often it was found in the memory meanwhile, it was sent once.
  EXPECT_EQ(Requests("a") - before, 4U);
  broker_.sim().WaitUntilHanging(1);
  broker_.sim().ReleaseHangs();
  EXPECT_EQ(mailbox.Take(0).error, 0);
  EXPECT_TRUE(broker_.Holds("a", kUarta));
}

TEST_P(MailboxTest, AFirmwareThatHangsIsATimeOut) {
  const auto qemu = Boot("a", ",timeout-ms=700");
  ASSERT_NE(qemu, nullptr);
  Mailbox mailbox(qemu.get());
  mailbox.Open();
  AddFault("CLK ENABLE 155 hang count=1");
  EXPECT_EQ(mailbox.Ask(Enable(kUarta)).error, -23);
  broker_.sim().ClearFaults();
  broker_.sim().ReleaseHangs();
  EXPECT_EQ(mailbox.Ask(GetRate(kUarta)).error, 0);
}

TEST_P(MailboxTest, NothingIsAskedBeforeTheHandshake) {
  const auto qemu = StartWith({"-device", MailboxDevice("a")});
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  Mailbox mailbox(qemu.get());
  mailbox.Post(0, Enable(kUarta));
  mailbox.Ring();
  mailbox.Open(1);
  EXPECT_EQ(mailbox.Ask(GetRate(kUarta), 1).error, 0);
  EXPECT_FALSE(broker_.Holds("a", kUarta));
  EXPECT_EQ(qemu->Read(Mailbox::FromGuest(0, mailbox::kRead), 4), 0U);
}

TEST_P(MailboxTest, AResetForgetsWhatIsOut) {
  const auto qemu = Boot("a");
  ASSERT_NE(qemu, nullptr);
  Mailbox before(qemu.get());
  before.Open();
  ASSERT_EQ(before.Ask(Enable(kUarta)).error, 0);
  AddFault("CLK SET_RATE 155 hang count=1");
  before.Post(0, Clk(mrq::ClkCmd::kSetRate, kUarta, 51'000'000));
  before.Post(2, GetRate(kUarta));
  before.Ring();
  before.Take(2);
  broker_.sim().WaitUntilHanging(1);
  before.Post(1, GetRate(kUarta));  // not rung for
  EXPECT_THAT(qemu->Qmp(R"({"execute": "system_reset"})"), HasSubstr("return"));
  qemu->WaitForEvent("RESET");
  for (int channel = 0; channel < 4; ++channel) {
    for (uint64_t at = 0; at < mailbox::kChannelSize; at += 8) {
      ASSERT_EQ(qemu->Read(Mailbox::FromGuest(channel, at), 8), 0U);
      ASSERT_EQ(qemu->Read(Mailbox::ToGuest(channel, at), 8), 0U);
    }
  }
  EXPECT_EQ(qemu->Read(mailbox::kEnable, 4), 0U);
  EXPECT_EQ(qemu->Read(mailbox::kPending, 4), 0U);
  Mailbox after(qemu.get());
  after.Open();
  broker_.sim().ReleaseHangs();
  // The late answer isn't this one's, in the same channel.
  const MailboxAnswer answer = after.Ask(GetRate(kUarta), 0);
  EXPECT_EQ(answer.error, 0);
  EXPECT_EQ(RateIn(answer), UartaRate());
  EXPECT_FALSE(broker_.Holds("a", kUarta));
  EXPECT_TRUE(broker_.sessions().Find(broker_.vm("a"))->connected);
}

TEST_P(MailboxTest, AHandshakeForgetsWhatIsOut) {
  const auto qemu = Boot("a");
  ASSERT_NE(qemu, nullptr);
  Mailbox mailbox(qemu.get());
  mailbox.Open();
  AddFault("CLK ENABLE 155 hang count=1");
  mailbox.Post(0, Enable(kUarta));
  mailbox.Ring();
  broker_.sim().WaitUntilHanging(1);
  mailbox.Open(0);
  mailbox.Post(0, GetRate(kUarta));
  mailbox.Ring();
  EXPECT_FALSE(mailbox.HasAnswer(0));
  broker_.sim().ReleaseHangs();
  EXPECT_EQ(RateIn(mailbox.Take(0)), UartaRate());
  EXPECT_TRUE(broker_.Holds("a", kUarta));
}

TEST_P(MailboxTest, CountsThatNobodyHasStopTheirChannelOnly) {
  const TemporaryDirectory directory;
  const std::string log = directory.path() + "/log";
  const auto qemu = StartWith({"-device", MailboxDevice("a"), "-d", "guest_errors", "-D", log});
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  Mailbox mailbox(qemu.get());
  mailbox.Open();
  for (const uint32_t count : {2U, 0x80000000U, 0xffffffffU}) {
    qemu->Write(Mailbox::FromGuest(0, mailbox::kWritten), count, 4);
    for (int i = 0; i < 20; ++i) {
      mailbox.Ring();
      EXPECT_EQ(mailbox.Ask(GetRate(kUarta), 1).error, 0);
    }
    EXPECT_EQ(qemu->Read(Mailbox::FromGuest(0, mailbox::kRead), 4), 0U);
  }
  // Nor may it have taken more answers than there were.
  mailbox.Open(0);
  qemu->Write(Mailbox::ToGuest(0, mailbox::kRead), 5, 4);
  mailbox.Post(0, GetRate(kUarta));
  mailbox.Ring();
  EXPECT_EQ(mailbox.Ask(GetRate(kUarta), 1).error, 0);
  EXPECT_FALSE(mailbox.HasAnswer(0));
  mailbox.Open(0);
  EXPECT_EQ(mailbox.Ask(GetRate(kUarta), 0).error, 0);
  // It is said, and not for ever.
  qemu->Qmp(R"({"execute": "quit"})");
  EXPECT_EQ(qemu->WaitForEnd(), 0);
  std::ifstream file(log);
  const std::string said{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(said, HasSubstr("the guest has counts that can't be, in channel 0x0"));
  EXPECT_THAT(said, HasSubstr("no more will be said"));
  const std::vector<std::string> lines = absl::StrSplit(said, '\n', absl::SkipEmpty());
  EXPECT_EQ(lines.size(), 16U);
}

TEST_P(MailboxTest, WhoRingsForNothingWaitsThenForAMoment) {
  const auto qemu = Boot("a");
  ASSERT_NE(qemu, nullptr);
  Mailbox mailbox(qemu.get());
  mailbox.Open();
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(mailbox.Ask(GetRate(kUarta)).error, 0);
    // Each is looked for before the next: the main loop takes one command at a time.
    for (int i = 0; i < 100; ++i) mailbox.Ring();
    mailbox.Post(1, GetRate(kUarta));
    mailbox.Ring();
    // The machine's time stands, and it would have been answered long since.
    for (int i = 0; i < 1000; ++i) ASSERT_FALSE(mailbox.HasAnswer(1));
    mailbox.Step();
    EXPECT_EQ(mailbox.Take(1).error, 0);
  }
}

TEST_P(MailboxTest, WhatCantBeIsAnErrorAtTheStart) {
  const auto why = [&](const std::vector<std::string>& arguments) {
    const auto qemu = StartWith(arguments);
    EXPECT_FALSE(qemu->Started());
    EXPECT_EQ(qemu->WaitForEnd(), 1);
    return qemu->Output();
  };
  EXPECT_THAT(why({"-device", MailboxDevice("a", ",addr=0x9000000")}),
              HasSubstr("the machine has something else at 0x9000000; set addr= to 0xb0000 free"));
  EXPECT_THAT(why({"-device", MailboxDevice("a", ",shmem-addr=0x40000000")}),
              HasSubstr("something else at 0x40000000; set shmem-addr= to 0x10000 free"));
  EXPECT_THAT(why({"-device", MailboxDevice("a", ",shmem-addr=0xb101000")}),
              HasSubstr("shmem-addr=0xb101000 is no multiple of 0x10000"));
  EXPECT_THAT(why({"-device", MailboxDevice("a", ",shmem-addr=0xb090000")}), HasSubstr("overlap"));
  EXPECT_THAT(why({"-device", MailboxDevice("a", ",spi=1")}),
              HasSubstr("spi=1: the machine's free interrupts are 176 to"));
  EXPECT_THAT(why({"-device", MailboxDevice("a", ",spi=5000")}), HasSubstr("spi=5000"));
  EXPECT_THAT(why({"-device", MailboxDevice("a"), "-device", Device("b")}),
              HasSubstr("at most one"));
  EXPECT_THAT(why({"-device", MailboxDevice("a"), "-device", MailboxDevice("b")}),
              HasSubstr("at most one"));
  EXPECT_THAT(why({"-device", "nvidia-bpmp-mailbox"}), HasSubstr("either broker= or fd="));
}

TEST_P(MailboxTest, ItIsWhereTheUserSays) {
  const auto qemu =
      StartWith({"-device", MailboxDevice("a", ",addr=0xb200000,shmem-addr=0xb300000,spi=201")});
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  EXPECT_EQ(qemu->Read(0x0b200380, 4), 0x00087228U);
  qemu->Write(0x0b301ff8, 0x12345678, 4);
  EXPECT_EQ(qemu->Read(0x0b301ff8, 4), 0x12345678U);
}

BPMP_FOR_EACH_QEMU(MailboxTest);
BPMP_SANITIZED_QEMU(MailboxTest);

}  // namespace
}  // namespace bpmp::testing
