// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/kernel/flat_link.h"

#include <errno.h>

#include "broker/backend/kernel/kernel_fixture.h"

namespace bpmp::backend::kernel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint32_t kThreadedPing = 9;

class FlatLinkTest : public KernelFixture {
 protected:
  FlatLinkTest() { Start(Proxy::kFlat); }
};

TEST_F(FlatLinkTest, CarriesARequestAndItsAnswer) {
  const Result result = Ask();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(*result, mrq::OkU32(kThreadedPing));
  EXPECT_THAT(device_->carried(), ElementsAre(kThreadedPing));
}

TEST_F(FlatLinkTest, ARefusalOfTheFirmwareIsAnAnswer) {
  Start(Proxy::kFlat, Abi::kAuto,
        [](uint32_t, absl::Span<const uint8_t>) { return mrq::Fail(mrq::Error::kNotSup); });
  EXPECT_EQ(*Ask(), mrq::Fail(mrq::Error::kNotSup));
  device_->Forbid(kThreadedPing);
  EXPECT_EQ(*Ask(), mrq::Fail(mrq::Error::kAccess));
}

TEST_F(FlatLinkTest, TheKernelGetsTheTimeThatIsLeft) {
  const mrq::PingRequest ping{true, 7};
  ASSERT_TRUE(backend_->Transfer(ping, clock_.Now() + absl::Milliseconds(250)).ok());
  EXPECT_EQ(device_->last_timeout_ms(), 250u);
  ASSERT_TRUE(backend_->Transfer(ping, clock_.Now() + absl::Microseconds(1500)).ok());
  EXPECT_EQ(device_->last_timeout_ms(), 2u);
  ASSERT_TRUE(backend_->Transfer(ping, clock_.Now()).ok());
  EXPECT_EQ(device_->last_timeout_ms(), 1u);
  ASSERT_TRUE(backend_->Transfer(ping, absl::InfiniteFuture()).ok());
  EXPECT_EQ(device_->last_timeout_ms(), 60'000u);
}

TEST_F(FlatLinkTest, ALateTransferIsInDoubtAndKeepsTheKernelsSlot) {
  device_->Hang();
  std::vector<Result> results(2);
  std::vector<std::thread> callers;
  for (Result& result : results) callers.emplace_back([&] { result = Ask(); });
  device_->WaitUntilHanging(2);
  const Result third = Ask();
  EXPECT_EQ(CodeOf(third), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(third.status().message()), HasSubstr("nothing was sent; try again"));
  device_->TimeOut();
  for (std::thread& caller : callers) caller.join();
  for (const Result& result : results) {
    EXPECT_EQ(CodeOf(result), absl::StatusCode::kDeadlineExceeded);
  }
  EXPECT_EQ(CodeOf(Ask()), absl::StatusCode::kResourceExhausted);
  device_->LetGo();
  EXPECT_TRUE(Ask().ok());
}

TEST_F(FlatLinkTest, AnAnswerThatTheHostLostIsInDoubt) {
  device_->LoseAnswers(true);
  EXPECT_EQ(CodeOf(Ask()), absl::StatusCode::kDeadlineExceeded);
  device_->LoseAnswers(false);
  EXPECT_TRUE(Ask().ok());
}

TEST_F(FlatLinkTest, WhatTheCallsOwnErrorsMean) {
  const struct {
    int error;
    absl::StatusCode code;
  } kCases[] = {
      {EAGAIN, absl::StatusCode::kResourceExhausted},
      {ENOBUFS, absl::StatusCode::kResourceExhausted},
      {EINTR, absl::StatusCode::kDeadlineExceeded},
      {ETIMEDOUT, absl::StatusCode::kDeadlineExceeded},
      {ENODEV, absl::StatusCode::kUnavailable},
      {EIO, absl::StatusCode::kUnavailable},
      {ENOMEM, absl::StatusCode::kInternal},
  };
  ASSERT_TRUE(Ask().ok());
  for (const auto& c : kCases) {
    device_->FailCalls(c.error);
    EXPECT_EQ(CodeOf(Ask()), c.code) << c.error;
    clock_.Advance(absl::Seconds(1));
  }
  device_->FailCalls(EOPNOTSUPP);
  EXPECT_EQ(*Ask(), mrq::Fail(mrq::Error::kNotSup));
  device_->FailCalls(EINVAL);
  EXPECT_EQ(*Ask(), mrq::Fail(mrq::Error::kInval));
}

TEST_F(FlatLinkTest, TakesOverWhatIsHeld) {
  std::vector<bpmp_host_hold> holds;
  for (uint32_t id = 0; id < 150; ++id) {
    holds.push_back({BPMP_HOST_CLOCK, id, id < 10 ? BPMP_HOST_HOLD_ORPHAN : 0, 0});
  }
  holds.push_back({BPMP_HOST_POWER_DOMAIN, 18, BPMP_HOST_HOLD_ORPHAN, 0});
  device_->set_holds(holds);
  const auto found = backend_->AdoptHolds(Later());
  ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
  EXPECT_EQ((*found)->clocks, 150u);
  EXPECT_EQ((*found)->domains, 1u);
  EXPECT_EQ((*found)->orphans, 11u);
  EXPECT_EQ(device_->adopted(), 1);
  EXPECT_EQ(ToString(**found),
            "150 clocks and 1 power domains are on for its users (11 left by an earlier one)");
}

TEST_F(FlatLinkTest, WhoOnlyLooksAdoptsNothing) {
  ASSERT_TRUE(backend_->Open(Later()).ok());
  ASSERT_TRUE(Ask().ok());
  EXPECT_EQ(device_->adopted(), 0);
}

TEST_F(FlatLinkTest, AdoptsAgainWhenTheDeviceIsBack) {
  ASSERT_TRUE(backend_->AdoptHolds(Later()).ok());
  device_->Vanish();
  device_->ComeBack(Proxy::kFlat);
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(Ask().ok());
  EXPECT_EQ(device_->adopted(), 2);
  EXPECT_THAT(notices_.back(), HasSubstr("0 clocks and 0 power domains are on for its users"));
}

}  // namespace
}  // namespace bpmp::backend::kernel
