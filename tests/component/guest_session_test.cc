// SPDX-License-Identifier: Apache-2.0
// The Session stream: its messages, its order, its limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
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

using ::testing::HasSubstr;

constexpr char kOneVm[] = R"(vms { name: "a" devices { device: "uarta" } })";
constexpr char kTwoVms[] = R"(
  vms { name: "a" devices { device: "uarta" } }
  vms { name: "b" devices { device: "vic" } })";

backend::sim::Fault Hang(const char* text) {
  auto fault = backend::sim::ParseFault(text);
  EXPECT_TRUE(fault.ok()) << fault.status();
  return *fault;
}

v1::SessionRequest Message(uint64_t sequence, const mrq::Request& request) {
  v1::SessionRequest message;
  message.set_sequence(sequence);
  *message.mutable_request() = ToMessage(request);
  return message;
}

TEST(GuestSessionTest, WelcomesWhoSaysHello) {
  TestBroker broker(kOneVm);
  GuestClient guest(broker.socket("a"));
  const v1::Welcome welcome = guest.Hello(0, "qemu 10.0.2");
  EXPECT_EQ(welcome.vm(), "a");
  EXPECT_NE(welcome.session_id(), 0u);
  EXPECT_EQ(welcome.max_outstanding(), 64u);
  EXPECT_FALSE(welcome.resumed());
  const auto info = broker.sessions().Find(broker.vm("a"));
  ASSERT_TRUE(info.has_value());
  EXPECT_TRUE(info->connected);
  EXPECT_EQ(info->id, welcome.session_id());
  EXPECT_EQ(info->client, "qemu 10.0.2");
  EXPECT_EQ(info->pid, getpid());
}

TEST(GuestSessionTest, AnswersWithoutHello) {
  TestBroker broker(kOneVm);
  GuestClient guest(broker.socket("a"));
  const mrq::Response response = guest.Transfer(Ping(21));
  EXPECT_EQ(response.error, 0);
  EXPECT_EQ(*mrq::ReadU32(response), 42u);
  guest.KeepAlive();
  EXPECT_EQ(broker.sessions().Find(broker.vm("a"))->requests, 1u);
}

TEST(GuestSessionTest, DrivesTheHardware) {
  TestBroker broker(kOneVm);
  GuestClient guest(broker.socket("a"));
  EXPECT_EQ(guest.Transfer(Enable(kUarta)).error, 0);
  EXPECT_TRUE(broker.sim().WithModel([](auto& model) { return model.IsEnabled(kUarta); }));
  EXPECT_EQ(*mrq::ReadU32(guest.Transfer(IsEnabled(kUarta))), 1u);
  EXPECT_EQ(guest.Transfer(Disable(kUarta)).error, 0);
  EXPECT_FALSE(broker.sim().WithModel([](auto& model) { return model.IsEnabled(kUarta); }));
}

TEST(GuestSessionTest, CutsAndPadsAnswersToTheRoomThatThereIs) {
  TestBroker broker(kOneVm);
  GuestClient guest(broker.socket("a"));
  for (const uint32_t room : {0u, 2u, 4u, 120u}) {
    v1::SessionRequest message = Message(room + 1, Ping(21));
    message.mutable_request()->set_rx_size(room);
    guest.Send(message);
    const auto response = guest.Receive();
    ASSERT_TRUE(response.has_value());
    std::string expected(120, '\0');
    expected[0] = 42;
    EXPECT_EQ(response->response().rx(), expected.substr(0, room));
  }
}

TEST(GuestSessionTest, BadFramesAreTheGuestsOwnTrouble) {
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

TEST(GuestSessionTest, PipelinedRequestsOvertakeThoseThatWait) {
  TestBroker broker(kOneVm);
  broker.sim().AddFault(Hang("CLK ENABLE 155 hang"));
  GuestClient guest(broker.socket("a"));
  const uint64_t slow = guest.Send(Enable(kUarta));
  broker.sim().WaitUntilHanging(1);
  for (uint32_t i = 0; i < 10; ++i) {
    const uint64_t quick = guest.Send(Ping(i));
    const auto response = guest.Receive();
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->sequence(), quick);
  }
  broker.sim().ReleaseHangs();
  const auto response = guest.Receive();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->sequence(), slow);
  EXPECT_EQ(response->response().error(), 0);
}

TEST(GuestSessionTest, EveryPipelinedRequestIsAnsweredOnce) {
  TestBroker broker(kOneVm);
  GuestClient guest(broker.socket("a"));
  constexpr uint32_t kRounds = 100;
  constexpr uint32_t kDepth = 64;
  std::map<uint64_t, int> answers;
  for (uint32_t round = 0; round < kRounds; ++round) {
    for (uint32_t i = 0; i < kDepth; ++i) {
      switch (i % 4) {
        case 0:
          guest.Send(Ping(i));
          break;
        case 1:
          guest.Send(GetRate(kUarta));
          break;
        case 2:
          guest.Send(Enable(kUarta));
          break;
        default:
          guest.Send(Disable(kUarta));
          break;
      }
    }
    for (uint32_t i = 0; i < kDepth; ++i) {
      const auto response = guest.Receive();
      ASSERT_TRUE(response.has_value());
      EXPECT_EQ(response->response().error(), 0);
      ++answers[response->sequence()];
    }
  }
  ASSERT_EQ(answers.size(), kRounds * kDepth);
  for (const auto& [sequence, count] : answers) EXPECT_EQ(count, 1) << sequence;
}

TEST(GuestSessionTest, TooManyOutstandingEndTheStream) {
  TestBroker broker(
      absl::StrCat(kOneVm, "limits { max_outstanding: 4 request_timeout_ms: 60000 }"));
  broker.sim().AddFault(Hang("CLK ENABLE 155 hang"));
  GuestClient guest(broker.socket("a"));
  EXPECT_EQ(guest.Hello().max_outstanding(), 4u);
  for (int i = 0; i < 5; ++i) guest.Send(Enable(kUarta));
  const grpc::Status status = guest.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("more than 4"));
  broker.sim().ReleaseHangs();
}

TEST(GuestSessionTest, SaysWhatIsWrongWithAMessage) {
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
      {"sequence 0", {Message(0, Ping(1))}, "must increase"},
      {"sequence again", {Message(7, Ping(1)), Message(7, Ping(1))}, "must increase"},
      {"sequence back", {Message(7, Ping(1)), Message(6, Ping(1))}, "must increase"}};
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

TEST(GuestSessionTest, AMessageOfFourMegabytesIsRefusedUnread) {
  TestBroker broker(kTwoVms);
  GuestClient other(broker.socket("b"));
  other.Hello();
  GuestClient guest(broker.socket("a"));
  v1::SessionRequest message = Message(1, Ping(1));
  message.mutable_request()->set_tx(std::string(4 << 20, 'x'));
  guest.Send(message);
  const grpc::Status status = guest.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("larger than max"));
  EXPECT_EQ(other.Transfer(Ping(1)).error, 0);
  GuestClient again(broker.socket("a"));
  EXPECT_EQ(again.Transfer(Ping(1)).error, 0);
}

TEST(GuestSessionTest, WhatWasAskedBeforeTheEndIsAnswered) {
  TestBroker broker(kOneVm);
  broker.sim().AddFault(Hang("CLK ENABLE 155 hang"));
  GuestClient guest(broker.socket("a"));
  guest.Send(Enable(kUarta));
  guest.WritesDone();
  broker.sim().WaitUntilHanging(1);
  broker.sim().ReleaseHangs();
  const auto response = guest.Receive();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->response().error(), 0);
  EXPECT_TRUE(guest.Finish().ok());
}

TEST(GuestSessionTest, APeerThatNeverReadsIsNotReadFrom) {
  TestBroker broker(absl::StrCat(
      kTwoVms, "limits { max_outstanding: 8 requests_per_second: 1000000 burst: 1000000 }"));
  GuestClient flooder(broker.socket("a"));
  // Sends until flow control stops it; the test's end cancels it.
  std::thread sender([&] {
    for (uint64_t i = 1; flooder.Send(Message(i, GetRate(kUarta))); ++i) {
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

TEST(GuestSessionTest, AVmOverItsRateIsSlowedAndNeverRefused) {
  TestBroker broker(absl::StrCat(kOneVm, "limits { requests_per_second: 2000 burst: 10 }"));
  GuestClient guest(broker.socket("a"));
  constexpr uint32_t kRequests = 100;
  const absl::Time start = absl::Now();
  uint32_t sent = 0;
  for (; sent < 60; ++sent) guest.Send(Ping(sent));
  for (uint32_t received = 0; received < kRequests; ++received) {
    const auto response = guest.Receive();
    ASSERT_TRUE(response.has_value()) << guest.Finish().error_message();
    EXPECT_EQ(response->response().error(), 0);
    if (sent < kRequests) guest.Send(Ping(sent++));
  }
  // 90 requests over the burst at 2000/s.
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(40));
  broker.WaitFor(service::event_kind::kThrottled, "a");
}

TEST(GuestSessionTest, ManyVmsAtOnce) {
  constexpr int kVms = 64;
  std::string config;
  for (int i = 0; i < kVms; ++i) absl::StrAppend(&config, "vms { name: \"vm", i, "\" }");
  TestBroker broker(config);
  std::vector<std::unique_ptr<GuestClient>> guests;
  for (int i = 0; i < kVms; ++i) {
    guests.push_back(std::make_unique<GuestClient>(broker.socket(absl::StrCat("vm", i))));
    EXPECT_EQ(guests.back()->Hello().vm(), absl::StrCat("vm", i));
  }
  EXPECT_EQ(broker.sessions().connected(), static_cast<size_t>(kVms));
  for (int round = 0; round < 10; ++round) {
    for (auto& guest : guests) guest->Send(Ping(7));
    for (auto& guest : guests)
      EXPECT_EQ(*mrq::ReadU32(FromMessage(guest->Receive()->response())), 14u);
  }
}

}  // namespace
}  // namespace bpmp::testing
