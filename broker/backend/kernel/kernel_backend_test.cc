// SPDX-License-Identifier: Apache-2.0
// The device that vanishes and comes back.
#include "broker/backend/kernel/kernel_backend.h"

#include <errno.h>

#include "broker/backend/kernel/kernel_fixture.h"

namespace bpmp::backend::kernel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

class KernelBackendTest : public KernelFixture {};

TEST_F(KernelBackendTest, OpensTheDeviceWithTheFirstTransfer) {
  Start(Proxy::kFlat);
  EXPECT_EQ(device_->opened(), 0u);
  EXPECT_TRUE(Ask().ok());
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(device_->opened(), 1u);
  EXPECT_THAT(notices_, ElementsAre("+/dev/fake-bpmp-host: flat ABI, version 1, 2 transfers at a "
                                    "time"));
}

TEST_F(KernelBackendTest, ADeviceThatWasReplacedWhileNobodyAskedIsNoFailure) {
  for (const Proxy proxy : {Proxy::kFlat, Proxy::kWrite48}) {
    Start(proxy);
    ASSERT_TRUE(Ask().ok());
    device_->Vanish();
    device_->ComeBack(proxy);
    clock_.Advance(absl::Seconds(1));
    EXPECT_TRUE(Ask().ok());
    EXPECT_EQ(device_->opened(), 2u);
    EXPECT_EQ(device_->open_files(), 1u) << "the dead one is closed";
  }
}

TEST_F(KernelBackendTest, ADeviceThatIsGoneIsSaidOnceAndLookedForNowAndThen) {
  Start(Proxy::kWrite56);
  ASSERT_TRUE(Ask().ok());
  clock_.Advance(absl::Seconds(1));
  device_->Vanish();
  for (int i = 0; i < 10; ++i) {
    const Result result = Ask();
    EXPECT_FALSE(result.ok());
    EXPECT_FALSE(absl::IsDeadlineExceeded(result.status())) << "it had no effect";
    clock_.Advance(absl::Milliseconds(50));
  }
  ASSERT_THAT(notices_, SizeIs(2));
  EXPECT_THAT(notices_[1], StartsWith("-/dev/fake-bpmp-host is gone (ENODEV, No such device); "));
  EXPECT_EQ(device_->open_files(), 0u);
  device_->ComeBack(Proxy::kWrite56);
  clock_.Advance(absl::Milliseconds(100));
  EXPECT_TRUE(Ask().ok());
  ASSERT_THAT(notices_, SizeIs(3));
  EXPECT_THAT(notices_[2], HasSubstr("+/dev/fake-bpmp-host: write() of 56 bytes"));
}

TEST_F(KernelBackendTest, IsLookedForAtMostOnceInAnInterval) {
  Start(Proxy::kFlat);
  ASSERT_TRUE(Ask().ok());
  device_->Vanish();
  EXPECT_FALSE(Ask().ok());
  device_->ComeBack(Proxy::kFlat);
  EXPECT_FALSE(Ask().ok()) << "it was opened less than 100 ms ago";
  clock_.Advance(absl::Milliseconds(99));
  EXPECT_FALSE(Ask().ok());
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(device_->opened(), 2u);
}

TEST_F(KernelBackendTest, MayComeBackAsAnotherProxy) {
  Start(Proxy::kWrite48);
  ASSERT_TRUE(Ask().ok());
  device_->Vanish();
  device_->ComeBack(Proxy::kFlat);
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(Ask().ok());
  EXPECT_THAT(notices_.back(), HasSubstr("flat ABI"));
}

TEST_F(KernelBackendTest, WhoHangsInADeviceThatVanishesDoesntKeepTheOthersFromTheNew) {
  Start(Proxy::kWrite56);
  ASSERT_TRUE(Ask().ok());
  device_->Hang();
  EXPECT_EQ(CodeOf(AskUntilLate()), absl::StatusCode::kDeadlineExceeded);
  device_->Vanish();
  device_->ComeBack(Proxy::kFlat);
  clock_.Advance(absl::Seconds(1));
  Result result;
  std::thread caller([&] { result = Ask(); });
  device_->WaitUntilHanging(2);
  EXPECT_EQ(device_->open_files(), 2u) << "the kernel still has the old one";
  device_->LetGo();
  caller.join();
  EXPECT_TRUE(result.ok()) << result.status();
  while (device_->open_files() > 1) std::this_thread::yield();
}

TEST_F(KernelBackendTest, OneThreadOpensAndTheOthersWaitForIt) {
  Start(Proxy::kWrite56);
  device_->Hang();
  std::vector<Result> results(4);
  std::vector<std::thread> callers;
  callers.emplace_back([&] { results[0] = Ask(); });
  device_->WaitUntilHanging(1);  // the PING
  for (size_t i = 1; i < results.size(); ++i) {
    callers.emplace_back([&, i] { results[i] = Ask(); });
  }
  EXPECT_EQ(CodeOf(backend_->Transfer(mrq::PingRequest{}, clock_.Now())),
            absl::StatusCode::kUnavailable)
      << "has no time to wait";
  device_->LetGo();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(device_->opened(), 1u);
  for (const Result& result : results) {
    EXPECT_TRUE(result.ok() || absl::IsResourceExhausted(result.status())) << result.status();
  }
}

TEST_F(KernelBackendTest, AfterShutdownNothingIsSent) {
  Start(Proxy::kFlat);
  ASSERT_TRUE(Ask().ok());
  backend_->Shutdown();
  EXPECT_EQ(CodeOf(Ask()), absl::StatusCode::kUnavailable);
  EXPECT_THAT(device_->carried(), SizeIs(1));
}

}  // namespace
}  // namespace bpmp::backend::kernel
