// SPDX-License-Identifier: Apache-2.0
// The Session stream and what a broken or hostile client may send, or not do.
#include <gmock/gmock.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/mrq/codec.h"
#include "tests/component/guest_requests.h"
#include "tests/lib/guest_client.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

using google::protobuf::Empty;
using ::testing::HasSubstr;

constexpr char kOneVm[] = R"(vms { name: "a" devices { device: "uarta" } })";
constexpr char kTwoVms[] = R"(
  vms { name: "a" devices { device: "uarta" } }
  vms { name: "b" devices { device: "vic" } })";

// A Session stream on which one message is sent that no client of ours would make.
class OneMessage : public grpc::ClientBidiReactor<Empty, Empty> {
 public:
  // The field `number` of the message has these bytes.
  OneMessage(const std::string& socket, int number, const std::string& bytes)
      : stub_(ConnectTo(socket)) {
    stub_.PrepareBidiStreamingCall(&context_, "/bpmp.v1.Guest/Session", grpc::StubOptions(), this);
    request_.GetReflection()->MutableUnknownFields(&request_)->AddLengthDelimited(number, bytes);
    StartWrite(&request_);
    StartRead(&response_);
    StartCall();
  }
  grpc::Status Ended() { return ended_.get_future().get(); }

  void OnDone(const grpc::Status& status) override { ended_.set_value(status); }

 private:
  grpc::TemplatedGenericStub<Empty, Empty> stub_;
  grpc::ClientContext context_;
  Empty request_;
  Empty response_;
  std::promise<grpc::Status> ended_;
};

TEST(GuestHostileTest, WhatIsNoMessageEndsTheStreamWithAReason) {
  TestBroker broker(kOneVm);
  // Field 2 is Hello: a name that isn't UTF-8, and a field that goes on behind the message's end.
  for (const std::string& hello :
       {std::string("\x0a\x02\xff\xfe", 4), std::string("\x0a\x40q", 3)}) {
    OneMessage stream(broker.socket("a"), 2, hello);
    const grpc::Status status = stream.Ended();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("no SessionRequest"));
  }
  EXPECT_FALSE(broker.sessions().Find(broker.vm("a")).has_value()) << "nothing was opened";
}

TEST(GuestHostileTest, BadFramesAreTheGuestsOwnTrouble) {
  TestBroker broker(kOneVm);
  GuestClient guest(broker.socket("a"));
  uint64_t sequence = 0;
  const auto error_of = [&](uint32_t mrq, const std::string& tx, uint32_t rx_size) {
    v1::SessionRequest message;
    message.set_sequence(++sequence);
    message.mutable_request()->set_mrq(mrq);
    message.mutable_request()->set_tx(tx);
    message.mutable_request()->set_rx_size(rx_size);
    guest.Send(message);
    const auto response = guest.Receive();
    EXPECT_TRUE(response.has_value()) << guest.Finish().error_message();
    return response ? response->response().error() : 0;
  };
  const int32_t kInvalid = Failed(mrq::Error::kInval);
  EXPECT_EQ(error_of(22, std::string(121, 'x'), 0), kInvalid) << "longer than a frame";
  EXPECT_EQ(error_of(22, std::string(16, '\0'), 121), kInvalid) << "room for more than a frame";
  EXPECT_EQ(error_of(22, std::string(16, '\0'), 0xffff'ffff), kInvalid);
  EXPECT_EQ(error_of(22, std::string("\x9b\0\0", 3), 0), kInvalid) << "truncated";
  EXPECT_EQ(error_of(22, "", 0), kInvalid) << "empty";
  EXPECT_EQ(error_of(4, std::string(8, 'x'), 0), kInvalid) << "MODULE_LOAD";
  EXPECT_EQ(error_of(0xffff'ffff, "", 120), kInvalid) << "no such MRQ";
  EXPECT_EQ(error_of(0, std::string(4, '\0'), 4), 0) << "the stream lives on";
}

TEST(GuestHostileTest, SaysWhatIsWrongWithAMessage) {
  struct Case {
    const char* name;
    std::vector<v1::SessionRequest> messages;
    const char* text;
  };
  v1::SessionRequest hello;
  hello.mutable_hello();
  v1::SessionRequest second_hello = hello;
  second_hello.set_sequence(1);
  v1::SessionRequest empty;
  empty.set_sequence(1);
  const std::vector<Case> cases = {
      {"no body", {empty}, "without a body"},
      {"Hello again", {hello, second_hello}, "first message"},
      {"sequence 0", {ToMessage(0, Ping(1))}, "must increase"},
      {"sequence again", {ToMessage(7, Ping(1)), ToMessage(7, Ping(1))}, "must increase"},
      {"sequence back", {ToMessage(7, Ping(1)), ToMessage(6, Ping(1))}, "must increase"}};
  TestBroker broker(kOneVm);
  for (const Case& wrong : cases) {
    SCOPED_TRACE(wrong.name);
    GuestClient guest(broker.socket("a"));
    for (const auto& message : wrong.messages) guest.Send(message);
    const grpc::Status status = guest.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr(wrong.text));
  }
}

TEST(GuestHostileTest, AMessageOfFourMegabytesIsRefusedUnread) {
  TestBroker broker(kTwoVms);
  GuestClient other(broker.socket("b"));
  other.Hello();
  GuestClient guest(broker.socket("a"));
  v1::SessionRequest message = ToMessage(1, Ping(1));
  message.mutable_request()->set_tx(std::string(4 << 20, 'x'));
  guest.Send(message);
  const grpc::Status status = guest.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("larger than max"));
  EXPECT_EQ(other.Transfer(Ping(1)).error, 0);
  GuestClient again(broker.socket("a"));
  EXPECT_EQ(again.Transfer(Ping(1)).error, 0);
}

TEST(GuestHostileTest, APeerThatNeverReadsIsNotReadFrom) {
  TestBroker broker(absl::StrCat(
      kTwoVms, "limits { max_outstanding: 8 requests_per_second: 1000000 burst: 1000000 }"));
  GuestClient flooder(broker.socket("a"));
  // Sends until flow control stops it; the test's end cancels it.
  std::thread sender([&] {
    for (uint64_t i = 1; flooder.Send(ToMessage(i, GetRate(kUarta))); ++i) {
    }
  });
  // When the broker no longer takes any, neither its memory nor this number grow.
  GuestClient guest(broker.socket("b"));
  uint64_t seen = 0;
  int still = 0;
  while (still < 2000) {
    EXPECT_EQ(guest.Transfer(Ping(1)).error, 0);
    const auto info = broker.sessions().Find(broker.vm("a"));
    const uint64_t now = info ? info->requests : 0;
    still = now == seen && now > 0 ? still + 1 : 0;
    seen = now;
  }
  // 64 KiB each way hold some thousand answers; without a bound it would go on for ever.
  EXPECT_LT(seen, 20'000u);
  flooder.Cancel();
  sender.join();
}

}  // namespace
}  // namespace bpmp::testing
