// SPDX-License-Identifier: Apache-2.0
// A broker that doesn't know a VM's session any more hears from the client what the guest holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "broker/mrq/codec.h"
#include "tests/component/guest_requests.h"
#include "tests/lib/guest_client.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kConfig[] =
    R"(vms { name: "a" devices { device: "uarta" } devices { device: "vic" } })";

// Counts refusals, as the metrics do.
class Refusals final : public backend::RequestObserver {
 public:
  void OnRequest(const Record& record) override {
    if (record.error == Failed(mrq::Error::kAccess)) count_.fetch_add(1);
  }
  int count() const { return count_; }

 private:
  std::atomic<int> count_{0};
};

class GuestResumeTest : public ::testing::Test {
 protected:
  static v1::SessionRequest Hello(const std::vector<uint32_t>& clocks,
                                  const std::vector<uint32_t>& domains, uint64_t resume = 0) {
    v1::SessionRequest message;
    v1::Hello* const hello = message.mutable_hello();
    hello->set_resume_session_id(resume);
    hello->mutable_enabled_clocks()->Assign(clocks.begin(), clocks.end());
    hello->mutable_powered_domains()->Assign(domains.begin(), domains.end());
    return message;
  }
  static v1::Welcome Open(GuestClient& guest, const v1::SessionRequest& hello) {
    guest.Send(hello);
    const auto answer = guest.Receive();
    EXPECT_TRUE(answer.has_value() && answer->has_welcome());
    return answer.has_value() ? answer->welcome() : v1::Welcome();
  }
  static TestBroker::Options Watched(backend::RequestObserver* observer) {
    TestBroker::Options options;
    options.request_observer = observer;
    return options;
  }
  Refusals refusals_;
  TestBroker broker_{kConfig, Watched(&refusals_)};
};

TEST_F(GuestResumeTest, VotesAreAskedForAgain) {
  GuestClient guest(broker_.socket("a"));
  const v1::Welcome welcome = Open(guest, Hello({155, 167}, {29}, /*resume=*/77));
  EXPECT_FALSE(welcome.resumed());
  EXPECT_TRUE(broker_.Holds("a", kUarta)) << "when the Welcome is there";
  EXPECT_TRUE(broker_.Holds("a", kVic));
  EXPECT_EQ(*mrq::ReadU32(guest.Transfer(Pg(mrq::PgCmd::kGetState, kVicDomain))), 1u);
  EXPECT_EQ(*mrq::ReadU32(guest.Transfer(IsEnabled(kUarta))), 1u);
  EXPECT_TRUE(broker_.sim().WithModel([](auto& model) { return model.IsEnabled(kVic); }));
}

TEST_F(GuestResumeTest, DomainsComeFirst) {
  GuestClient guest(broker_.socket("a"));
  Open(guest, Hello({167}, {29}));
  std::vector<mrq::Request> sent;
  for (const auto& request : broker_.sim().requests()) sent.push_back(request);
  ASSERT_GE(sent.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<mrq::PgRequest>(sent.front()));
}

TEST_F(GuestResumeTest, WhatTheVmMayNotUseIsRefusedQuietly) {
  GuestClient guest(broker_.socket("a"));
  Open(guest, Hello({200, 155, 0xffff'ffff, 4000}, {28, 29, 0xffff'ffff}));
  EXPECT_GE(refusals_.count(), 2);
  EXPECT_TRUE(broker_.Holds("a", kUarta)) << "nothing else is lost";
  EXPECT_FALSE(broker_.Holds("a", ClockId(200)));
  EXPECT_EQ(guest.Transfer(Ping(1)).error, 0);
}

TEST_F(GuestResumeTest, RequestsAfterTheHelloFindTheVotes) {
  GuestClient guest(broker_.socket("a"));
  auto hang = backend::sim::ParseFault("CLK ENABLE 155 hang nth=1");
  ASSERT_TRUE(hang.ok());
  broker_.sim().AddFault(*hang);
  guest.Send(Hello({155}, {}));
  guest.Send(ToMessage(1, IsEnabled(kUarta)));
  broker_.sim().WaitUntilHanging(1);
  broker_.sim().ReleaseHangs();
  const auto welcome = guest.Receive();
  ASSERT_TRUE(welcome.has_value());
  EXPECT_TRUE(welcome->has_welcome());
  const auto answer = guest.Receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(*mrq::ReadU32(FromMessage(answer->response())), 1u);
}

TEST_F(GuestResumeTest, ABrokerThatKnowsTheSessionKnowsBetter) {
  GuestClient first(broker_.socket("a"));
  const uint64_t id = Open(first, Hello({}, {})).session_id();
  GuestClient second(broker_.socket("a"));
  EXPECT_TRUE(Open(second, Hello({155}, {29}, id)).resumed());
  EXPECT_FALSE(broker_.Holds("a", kUarta));
}

TEST_F(GuestResumeTest, TheListsAreBounded) {
  {
    GuestClient guest(broker_.socket("a"));
    Open(guest, Hello(std::vector<uint32_t>(1024, 155), std::vector<uint32_t>(256, 29)));
    EXPECT_TRUE(broker_.Holds("a", kUarta));
  }
  for (const auto& [clocks, domains] : {std::pair(1025, 0), std::pair(0, 257)}) {
    GuestClient guest(broker_.socket("a"));
    guest.Send(Hello(std::vector<uint32_t>(static_cast<size_t>(clocks), 155),
                     std::vector<uint32_t>(static_cast<size_t>(domains), 29)));
    const grpc::Status status = guest.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("at most 1024 and 256"));
  }
}

TEST_F(GuestResumeTest, AStreamMayEndWhileItsVotesAreRenewed) {
  auto hang = backend::sim::ParseFault("CLK ENABLE 155 hang nth=1");
  ASSERT_TRUE(hang.ok());
  broker_.sim().AddFault(*hang);
  {
    GuestClient guest(broker_.socket("a"));
    guest.Send(Hello({155, 167}, {}));
    broker_.sim().WaitUntilHanging(1);
  }
  broker_.WaitFor(service::event_kind::kSessionLost, "a");
  broker_.sim().ReleaseHangs();
  GuestClient again(broker_.socket("a"));
  again.Hello();
  EXPECT_EQ(again.Transfer(Enable(kUarta)).error, 0);
}

TEST_F(GuestResumeTest, AMachineResetReleasesRenewedVotes) {
  GuestClient guest(broker_.socket("a"));
  Open(guest, Hello({155}, {}, /*resume=*/5));
  v1::SessionRequest reset;
  reset.set_sequence(1);
  reset.mutable_machine_reset();
  guest.Send(reset);
  ASSERT_TRUE(guest.Receive().has_value());
  EXPECT_FALSE(broker_.Holds("a", kUarta)) << "the session wasn't resumed, so it is the guest's";
}

}  // namespace
}  // namespace bpmp::testing
