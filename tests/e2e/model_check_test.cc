// SPDX-License-Identifier: Apache-2.0
// That the check which every test here ends with finds what it is for.
#include "tests/e2e/model_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/component/guest_requests.h"
#include "tests/lib/child_guest.h"
#include "tests/lib/guest_client.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr ResetId kVicReset{113};

mrq::Request Deassert(ResetId reset) { return mrq::ResetRequest{mrq::ResetCmd::kDeassert, reset}; }

class ModelCheckTest : public ::testing::Test {
 protected:
  std::vector<std::string> Complaints() { return ModelComplaints(&broker_, start_, excused_); }
  // The host, or the firmware, does something that the broker doesn't see.
  void BehindItsBack(const mrq::Request& request) {
    broker_.sim().WithModel([&](auto& model) { EXPECT_TRUE(model.HostDoes(request).ok()); });
  }

  TestBroker broker_{R"(vms { name: "a" devices { device: "uarta" } })"};
  const backend::sim::TegraModel start_ =
      broker_.sim().WithModel([](const auto& model) { return model; });
  std::set<core::Resource> excused_;
};

TEST_F(ModelCheckTest, WhatALivingVmHoldsIsWell) {
  ChildGuest guest;
  ASSERT_EQ(guest.Ask("hello " + broker_.socket("a")).rfind("welcome", 0), 0U);
  ASSERT_EQ(guest.Ask("enable 155"), "answer 0");
  EXPECT_THAT(Complaints(), IsEmpty());
}

TEST_F(ModelCheckTest, WhatADeadVmHeldIsWaitedFor) {
  ChildGuest guest;
  ASSERT_EQ(guest.Ask("hello " + broker_.socket("a")).rfind("welcome", 0), 0U);
  ASSERT_EQ(guest.Ask("enable 155"), "answer 0");
  guest.Kill();
  EXPECT_THAT(Complaints(), IsEmpty());
  EXPECT_FALSE(broker_.Holds("a", kUarta));
}

TEST_F(ModelCheckTest, FindsWhatNobodyHolds) {
  BehindItsBack(Enable(kUarta));
  BehindItsBack(Pg(mrq::PgCmd::kSetState, kVicDomain, 1));
  EXPECT_THAT(Complaints(),
              ElementsAre("clock uarta is on, and nobody holds it or what needs it",
                          "power domain vic is on, and nobody holds it or what needs it"));
  excused_ = {core::Resource::Of(kUarta), core::Resource::Of(kVicDomain)};
  EXPECT_THAT(Complaints(), IsEmpty());
}

TEST_F(ModelCheckTest, FindsWhatIsHeldAndOff) {
  ChildGuest guest;
  ASSERT_EQ(guest.Ask("hello " + broker_.socket("a")).rfind("welcome", 0), 0U);
  ASSERT_EQ(guest.Ask("enable 155"), "answer 0");
  BehindItsBack(Disable(kUarta));
  EXPECT_THAT(Complaints(), ElementsAre("clock uarta is held, and is off"));
}

TEST_F(ModelCheckTest, FindsAVoteWithoutAVm) {
  // Without a session nothing ends it.
  grpc::ClientContext context;
  v1::TransferRequest request;
  *request.mutable_request() = ToMessage(Enable(kUarta));
  v1::TransferResponse response;
  const auto stub = v1::Guest::NewStub(ConnectTo(broker_.socket("a")));
  ASSERT_TRUE(stub->Transfer(&context, request, &response).ok());
  ASSERT_EQ(response.response().error(), 0);
  EXPECT_THAT(Complaints(), ElementsAre("clock uarta is held by a, which is dead"));
}

TEST_F(ModelCheckTest, FindsARateThatWasLeft) {
  BehindItsBack(Clk(mrq::ClkCmd::kSetRate, kUarta, 51'000'000));
  EXPECT_THAT(Complaints(),
              ElementsAre("clock uarta was left at 51000000 Hz instead of 102000000"));
}

TEST_F(ModelCheckTest, FindsAResetThatWasLeft) {
  BehindItsBack(Deassert(kUartaReset));
  EXPECT_THAT(Complaints(), ElementsAre("reset 100 was left deasserted"));
}

TEST_F(ModelCheckTest, WhatTheLivingMayChangeIsTheirs) {
  ChildGuest guest;
  ASSERT_EQ(guest.Ask("hello " + broker_.socket("a")).rfind("welcome", 0), 0U);
  BehindItsBack(Clk(mrq::ClkCmd::kSetRate, kUarta, 51'000'000));
  BehindItsBack(Deassert(kUartaReset));
  EXPECT_THAT(Complaints(), IsEmpty());
  // VIC is nobody's, and hangs on another PLL.
  BehindItsBack(Pg(mrq::PgCmd::kSetState, kVicDomain, 1));
  BehindItsBack(Deassert(kVicReset));
  excused_ = {core::Resource::Of(kVicDomain)};
  EXPECT_THAT(Complaints(), ElementsAre("reset 113 was left deasserted"));
}

}  // namespace
}  // namespace bpmp::testing
