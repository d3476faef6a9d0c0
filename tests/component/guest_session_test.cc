// SPDX-License-Identifier: Apache-2.0
// The Session stream: its messages, its order, its limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/base/clock.h"
#include "broker/mrq/codec.h"
#include "tests/component/guest_requests.h"
#include "tests/lib/guest_client.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kOneVm[] = R"(vms { name: "a" devices { device: "uarta" } })";
backend::sim::Fault Hang(const char* text) {
  auto fault = backend::sim::ParseFault(text);
  EXPECT_TRUE(fault.ok()) << fault.status();
  return *fault;
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
    v1::SessionRequest message = ToMessage(room + 1, Ping(21));
    message.mutable_request()->set_rx_size(room);
    guest.Send(message);
    const auto response = guest.Receive();
    ASSERT_TRUE(response.has_value());
    std::string expected(120, '\0');
    expected[0] = 42;
    EXPECT_EQ(response->response().rx(), expected.substr(0, room));
  }
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

TEST(GuestSessionTest, AVmOverItsRateIsSlowedAndNeverRefused) {
  TestBroker broker(absl::StrCat(kOneVm, "limits { requests_per_second: 2000 burst: 10 }"));
  GuestClient guest(broker.socket("a"));
  constexpr uint32_t kRequests = 100;
  const absl::Time start = MonotonicClock().Now();
  uint32_t sent = 0;
  for (; sent < 60; ++sent) guest.Send(Ping(sent));
  for (uint32_t received = 0; received < kRequests; ++received) {
    const auto response = guest.Receive();
    ASSERT_TRUE(response.has_value()) << guest.Finish().error_message();
    EXPECT_EQ(response->response().error(), 0);
    if (sent < kRequests) guest.Send(Ping(sent++));
  }
  // 90 requests over the burst at 2000/s.
  EXPECT_GE(MonotonicClock().Now() - start, absl::Milliseconds(40));
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
