// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/kernel/write_link.h"

#include <errno.h>

#include "broker/backend/kernel/kernel_fixture.h"

namespace bpmp::backend::kernel {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

constexpr uint32_t kThreadedPing = 9;

class WriteLinkTest : public KernelFixture, public testing::WithParamInterface<int> {
 protected:
  WriteLinkTest() { Start(static_cast<Proxy>(GetParam())); }
};
INSTANTIATE_TEST_SUITE_P(EachProxy, WriteLinkTest,
                         testing::Values(static_cast<int>(FakeHostDevice::Proxy::kWrite48),
                                         static_cast<int>(FakeHostDevice::Proxy::kWrite56),
                                         static_cast<int>(FakeHostDevice::Proxy::kOldest)));

TEST_P(WriteLinkTest, CarriesARequestAndItsAnswer) {
  for (int i = 0; i < 5; ++i) {
    const Result result = Ask();
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(*result, mrq::OkU32(kThreadedPing));
  }
  EXPECT_THAT(device_->carried(), Each(kThreadedPing));
  EXPECT_EQ(device_->opened(), 1u);
}

TEST_P(WriteLinkTest, WhatTheProxyRefusesIsAnAnswer) {
  device_->Forbid(kThreadedPing);
  EXPECT_EQ(*Ask(), mrq::Fail(mrq::Error::kAccess));
  ASSERT_TRUE(Ask().ok()) << "and not a device that is gone";
  EXPECT_EQ(device_->opened(), 1u);
}

TEST_P(WriteLinkTest, AnAnswerThatTheHostLostIsInDoubt) {
  ASSERT_TRUE(Ask().ok());
  device_->LoseAnswers(true);
  EXPECT_EQ(CodeOf(Ask()), absl::StatusCode::kDeadlineExceeded);
  device_->LoseAnswers(false);
  EXPECT_TRUE(Ask().ok());
}

TEST_P(WriteLinkTest, WithBothSlotsLateTheNextIsRefusedAtOnce) {
  ASSERT_TRUE(Ask().ok());
  device_->Hang();
  for (int i = 0; i < 2; ++i) {
    const Result late = AskUntilLate();
    EXPECT_EQ(CodeOf(late), absl::StatusCode::kDeadlineExceeded);
    EXPECT_THAT(std::string(late.status().message()), HasSubstr("whether it was done is unknown"));
  }
  const Result third = Ask();
  EXPECT_EQ(CodeOf(third), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(mrq::ErrorFromStatus(third.status()), mrq::Error::kAgain);
  EXPECT_EQ(device_->carried().size(), 3u) << "the third was not sent";
}

TEST_P(WriteLinkTest, ASlotThatComesBackIsUsedAgain) {
  ASSERT_TRUE(Ask().ok());
  device_->Hang();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(CodeOf(AskUntilLate()), absl::StatusCode::kDeadlineExceeded);
  }
  device_->LetGo();
  Result result = Ask();
  while (CodeOf(result) == absl::StatusCode::kResourceExhausted) {
    std::this_thread::yield();
    result = Ask();
  }
  EXPECT_TRUE(result.ok()) << result.status();
}

TEST_P(WriteLinkTest, ShutdownDoesntWaitForTheKernel) {
  ASSERT_TRUE(Ask().ok());
  device_->Hang();
  Result late;
  std::thread caller([&] { late = Ask(); });
  device_->WaitUntilHanging(1);
  backend_->Shutdown();
  caller.join();
  EXPECT_EQ(CodeOf(late), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(CodeOf(Ask()), absl::StatusCode::kUnavailable);
  backend_.reset();
  EXPECT_EQ(device_->open_files(), 1u) << "the kernel still has it";
  device_->LetGo();
  while (device_->open_files() > 0) std::this_thread::yield();
}

TEST_P(WriteLinkTest, WhatTheCallsErrorsMean) {
  const struct {
    int error;
    absl::StatusCode code;
  } kCases[] = {
      {EAGAIN, absl::StatusCode::kResourceExhausted},
      {ENOMEM, absl::StatusCode::kResourceExhausted},
      {ETIMEDOUT, absl::StatusCode::kDeadlineExceeded},
      {EFAULT, absl::StatusCode::kDeadlineExceeded},
      {EIO, absl::StatusCode::kDeadlineExceeded},
      {ENODEV, absl::StatusCode::kUnavailable},
  };
  for (const auto& c : kCases) {
    device_->FailCalls(0);
    clock_.Advance(absl::Seconds(1));
    ASSERT_TRUE(Ask().ok());
    device_->FailCalls(c.error);
    EXPECT_EQ(CodeOf(Ask()), c.code) << c.error;
  }
}

TEST_P(WriteLinkTest, HasNoHolds) {
  const auto holds = backend_->AdoptHolds(Later());
  ASSERT_TRUE(holds.ok()) << holds.status();
  EXPECT_FALSE(holds->has_value());
}

}  // namespace
}  // namespace bpmp::backend::kernel
