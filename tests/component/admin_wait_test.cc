// SPDX-License-Identifier: Apache-2.0
// Admin.WaitReleased: what it waits for, and what ends it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/service/wait_released.h"
#include "tests/component/drain_fixture.h"
#include "tests/lib/child_guest.h"

namespace bpmp::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::StartsWith;

class AdminWaitTest : public DrainFixture {
 protected:
  explicit AdminWaitTest(const std::string& more = "") : DrainFixture(more) {}

  std::unique_ptr<ChildGuest> StartGuest() {
    auto guest = std::make_unique<ChildGuest>();
    EXPECT_THAT(guest->Ask("hello " + broker_.socket("serial-vm")), StartsWith("welcome"));
    EXPECT_EQ(guest->Ask("enable 155"), "answer 0");
    return guest;
  }
  // A release begins; nobody waits for its answer here.
  void BeginRelease(const std::string& vm) {
    broker_.engine().Release(broker_.vm(vm), [] {});
  }
};

TEST_F(AdminWaitTest, WhatHoldsNothingIsNotWaitedFor) {
  const auto wait = Wait("serial-vm");
  ASSERT_TRUE(wait->End().ok());
  EXPECT_EQ(wait->response().epoch(), 1u);
  EXPECT_FALSE(wait->response().drained());
  EXPECT_THAT(wait->response().quarantined(), IsEmpty());
}

TEST_F(AdminWaitTest, TheLastVoteEndsIt) {
  Enable("serial-vm", Named("uarta"));
  const auto wait = Wait("serial-vm");
  UntilWaiting(1);
  Disable("serial-vm", Named("uarta"));
  ASSERT_TRUE(wait->End().ok());
  EXPECT_FALSE(Enabled(kUarta));
  EXPECT_EQ(broker_.admin().release_waits(), 0u);
}

TEST_F(AdminWaitTest, OfADrainedVmAlsoTheSessionMustBeOver) {
  auto guest = StartGuest();
  const auto moment = Wait("voter-vm");
  EXPECT_TRUE(moment->End().ok());
  EXPECT_FALSE(Drained("serial-vm").free());
  const auto wait = Wait("serial-vm");
  UntilWaiting(1);
  // It holds nothing for a moment, and could hold something in the next.
  Disable("serial-vm", Named("uarta"));
  EXPECT_FALSE(Get("serial-vm").free());
  EXPECT_EQ(broker_.admin().release_waits(), 1u);
  EXPECT_EQ(guest->Ask("enable 155"), "answer 0");
  guest->Kill();
  ASSERT_TRUE(wait->End().ok());
  EXPECT_TRUE(wait->response().drained());
  EXPECT_EQ(wait->response().epoch(), 2u);
  EXPECT_FALSE(Enabled(kUarta));
}

TEST_F(AdminWaitTest, OfAnyOtherItIsTrueAtTheMoment) {
  GuestClient guest(broker_.socket("serial-vm"));
  guest.Hello();
  const auto wait = Wait("serial-vm");
  ASSERT_TRUE(wait->End().ok());
  EXPECT_FALSE(wait->response().drained());
  guest.KeepAlive();
}

TEST_F(AdminWaitTest, UndrainingLeavesTheMoment) {
  GuestClient guest(broker_.socket("serial-vm"));
  guest.Hello();
  Drained("serial-vm");
  const auto wait = Wait("serial-vm");
  UntilWaiting(1);
  ASSERT_TRUE(Undrain("serial-vm").ok());
  ASSERT_TRUE(wait->End().ok());
  EXPECT_FALSE(wait->response().drained());
}

// A call of the backend that hangs is overdue soon.
class AdminHangTest : public AdminWaitTest {
 protected:
  AdminHangTest() : AdminWaitTest("backend { transfer_timeout_ms: 300 }") {}
};

TEST_F(AdminHangTest, ATransferThatHangsIsWaitedForAlsoAfterTheRelease) {
  Enable("serial-vm", Named("uarta"));
  AddFault("CLK DISABLE uarta hang count=1");
  const auto wait = Wait("serial-vm");
  UntilWaiting(1);
  BeginRelease("serial-vm");
  broker_.sim().WaitUntilHanging(1);
  // The release gives it up. It may have its effect at any time, so that nothing is free.
  broker_.WaitFor("released", "serial-vm");
  EXPECT_FALSE(Get("serial-vm").free());
  EXPECT_EQ(broker_.admin().release_waits(), 1u);
  broker_.sim().ReleaseHangs();
  ASSERT_TRUE(wait->End().ok());
  ASSERT_EQ(wait->response().quarantined_size(), 1);
  EXPECT_EQ(wait->response().quarantined(0).id(), kUarta.value());
  // It is serial-vm's, and nobody else's.
  const auto other = Wait("voter-vm");
  ASSERT_TRUE(other->End().ok());
  EXPECT_THAT(other->response().quarantined(), IsEmpty());
}

TEST_F(AdminWaitTest, AClientThatGoesLeavesNothing) {
  Enable("serial-vm", Named("uarta"));
  const auto wait = Wait("serial-vm");
  UntilWaiting(1);
  wait->Cancel();
  EXPECT_EQ(wait->End().error_code(), grpc::StatusCode::CANCELLED);
  UntilWaiting(0);
  BeginRelease("serial-vm");
  broker_.WaitFor("released", "serial-vm");
}

TEST_F(AdminWaitTest, ADeadlineLeavesNothing) {
  Enable("serial-vm", Named("uarta"));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(20));
  v1::WaitReleasedRequest request;
  request.set_name("serial-vm");
  v1::WaitReleasedResponse response;
  EXPECT_EQ(Admin()->WaitReleased(&context, request, &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  UntilWaiting(0);
}

TEST_F(AdminWaitTest, TheyAreBounded) {
  Enable("serial-vm", Named("uarta"));
  std::vector<std::unique_ptr<Waiting>> waits;
  for (size_t i = 0; i < service::ReleaseWaits::kMax; ++i) waits.push_back(Wait("serial-vm"));
  UntilWaiting(service::ReleaseWaits::kMax);
  const auto one_more = Wait("serial-vm");
  const grpc::Status status = one_more->End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(),
            "64 calls wait for releases already; end some of them, or ask again later");
  BeginRelease("serial-vm");
  for (const auto& wait : waits) EXPECT_TRUE(wait->End().ok());
  EXPECT_TRUE(Wait("serial-vm")->End().ok());
}

TEST_F(AdminWaitTest, DeletingTheVmEndsIt) {
  auto guest = StartGuest();
  Drained("serial-vm");
  const auto wait = Wait("serial-vm");
  UntilWaiting(1);
  EXPECT_TRUE(Delete("serial-vm").ok());
  EXPECT_TRUE(wait->End().ok());
  EXPECT_FALSE(Enabled(kUarta));
  const auto late = Wait("serial-vm");
  EXPECT_EQ(late->End().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(AdminWaitTest, TheEndOfTheBrokerEndsIt) {
  Enable("serial-vm", Named("uarta"));
  const auto wait = Wait("serial-vm");
  UntilWaiting(1);
  broker_.admin().Shutdown(absl::Hours(1));  // which waits for calls that go on
  const grpc::Status status = wait->End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the broker is stopping");
  EXPECT_TRUE(Enabled(kUarta)) << "which releases nothing";
}

TEST_F(AdminWaitTest, AnUnknownVmIsSaid) {
  EXPECT_EQ(Wait("nobody")->End().error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace bpmp::testing
