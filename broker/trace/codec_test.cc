// SPDX-License-Identifier: Apache-2.0
#include "broker/trace/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "broker/trace/trace_in_test.h"

namespace bpmp::trace {
namespace {

using ::testing::HasSubstr;

absl::Span<const uint8_t> Bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string Encoded(const Record& record) {
  std::string bytes;
  Encode(record, &bytes);
  return bytes;
}

std::vector<Record> Samples() {
  Transfer lost = TransferInTest(7, mrq::PingRequest{false, 5});
  lost.status = absl::DeadlineExceededError("no answer");
  Transfer refused =
      TransferInTest(0, ClkInTest(mrq::ClkCmd::kEnable, 155), mrq::Fail(mrq::Error::kAccess));
  Transfer odd;
  odd.mrq = 0xffff'ffff;
  odd.vm = VmId(0xffff'ffff);
  odd.at = absl::Nanoseconds(std::numeric_limits<int64_t>::max());
  odd.tx = std::string(mrq::kPayloadSize, '\xff');
  odd.response = mrq::FromBytes(std::numeric_limits<int32_t>::min(), Bytes(odd.tx));
  Start on_hardware = StartInTest();
  on_hardware.host_counts_apart = true;
  on_hardware.wall = absl::FromUnixNanos(-1);
  return {StartInTest(),
          on_hardware,
          VmName{VmId(300), "net-vm"},
          TransferInTest(1, ClkInTest(mrq::ClkCmd::kGetRate, 155), mrq::OkRate(408'000'000)),
          lost,
          refused,
          odd,
          Dropped{~uint64_t{0}},
          End{End::Why::kStopped},
          End{End::Why::kFull}};
}

TEST(TraceCodecTest, WhatIsWrittenIsRead) {
  for (const Record& record : Samples()) {
    const std::string bytes = Encoded(record);
    const auto decoded = DecodeFront(Bytes(bytes + "more"));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    ASSERT_TRUE(*decoded);
    EXPECT_EQ((*decoded)->size, bytes.size());
    EXPECT_TRUE((*decoded)->record == record) << record.index();
  }
}

TEST(TraceCodecTest, NoBeginningOfARecordIsOne) {
  for (const Record& record : Samples()) {
    const std::string bytes = Encoded(record);
    for (size_t size = 0; size < bytes.size(); ++size) {
      const auto decoded = DecodeFront(Bytes(bytes).first(size));
      ASSERT_TRUE(decoded.ok()) << decoded.status();
      EXPECT_FALSE(decoded->has_value());
    }
  }
}

TEST(TraceCodecTest, ARequestTakesAFewDozenBytes) {
  EXPECT_LE(Encoded(TransferInTest(1, ClkInTest(mrq::ClkCmd::kEnable, 155))).size(), 40u);
}

TEST(TraceCodecTest, LongTextsAreCut) {
  Transfer transfer = TransferInTest(1, mrq::PingRequest{});
  transfer.response = {};
  transfer.status = absl::UnavailableError(std::string(1000, 'x'));
  const std::string bytes = Encoded(transfer);
  const auto decoded = DecodeFront(Bytes(bytes));
  ASSERT_TRUE(decoded.ok() && *decoded);
  EXPECT_EQ(std::get<Transfer>((*decoded)->record).status.message().size(), kMaxText);
}

TEST(TraceCodecTest, WhatCantBeARecordIsSaid) {
  const struct {
    std::string bytes;
    const char* why;
  } kBad[] = {
      {std::string("\0\0", 2), "there is no kind 0 of record"},
      {std::string("\x09\0", 2), "there is no kind 9 of record"},
      {std::string("\x04\xff\x7f", 3), "longer than any record"},
      {std::string("\x04\x81\0\x05", 4), "length is written too long"},
      {std::string("\x04\x02\x80\0", 4), "a number is longer than it needs to be"},
      {std::string("\x04\x01\x80", 3), "a field is missing"},
      {std::string("\x04\x02\x01\x01", 4), "longer than what it says"},
      {std::string("\x04\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 12),
       "a number is too large"},
      {std::string("\x04\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01", 13), "a number is too"},
      {std::string("\x05\x01\x03", 3), "it ends for no reason"},
      {std::string("\x02\x02\x01\x05", 4), "a text is too long"},
      {std::string("\x03\x07\x01\x01\x01\x16\0\x11\0", 9), "unknown status"},
      {std::string("\x03\x05\x01\x01\x01\x16\x79", 7), "a text is too long"},
      {std::string("\x01\x04\x02\x02\0\0", 6), "unknown flags"},
  };
  for (const auto& bad : kBad) {
    const auto decoded = DecodeFront(Bytes(bad.bytes));
    EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument) << bad.why;
    EXPECT_THAT(std::string(decoded.status().message()), HasSubstr(bad.why));
  }
}

TEST(TraceRecordTest, DescribesAlsoWhatNoVmMaySend) {
  EXPECT_EQ(Describe(MakeTransfer(ClkInTest(mrq::ClkCmd::kEnable, 155))), "CLK ENABLE clock 155");
  Transfer transfer;
  transfer.mrq = 75;
  transfer.tx = "\x01\x02";
  EXPECT_EQ(Describe(transfer), "DEBUG (mrq 75) hex:0102");
  EXPECT_EQ(CommandOf(transfer), "DEBUG");
  EXPECT_FALSE(IsRead(transfer));
}

TEST(TraceRecordTest, KnowsReadsFromChanges) {
  const auto read = [](const mrq::Request& request) { return IsRead(MakeTransfer(request)); };
  EXPECT_TRUE(read(ClkInTest(mrq::ClkCmd::kRoundRate, 1)));
  EXPECT_FALSE(read(ClkInTest(mrq::ClkCmd::kSetRate, 1)));
  EXPECT_TRUE(read(mrq::PingRequest()));
  EXPECT_TRUE(read(mrq::PgRequest{mrq::PgCmd::kGetState, DomainId(1), 0}));
  EXPECT_FALSE(read(mrq::PgRequest{mrq::PgCmd::kSetState, DomainId(1), 0}));
  EXPECT_FALSE(read(mrq::ResetRequest{mrq::ResetCmd::kModule, ResetId(1)}));
  EXPECT_EQ(CommandOf(MakeTransfer(ClkInTest(mrq::ClkCmd::kSetRate, 1))), "CLK SET_RATE");
  EXPECT_EQ(CommandOf(MakeTransfer(mrq::PingRequest())), "PING");
}

}  // namespace
}  // namespace bpmp::trace
