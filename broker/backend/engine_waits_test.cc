// SPDX-License-Identifier: Apache-2.0
// Who waits for a VM to be free, with real threads on the simulated BPMP.
#include <atomic>
#include <future>
#include <memory>
#include <vector>

#include "broker/backend/engine.h"
#include "broker/backend/engine_fixture.h"
#include "broker/backend/sim/sim_backend.h"
#include "broker/core/switch_request.h"
#include "gtest/gtest.h"

namespace bpmp::backend {
namespace {

constexpr VmId kFirst{1}, kSecond{2};
constexpr core::Resource kUarta = core::Resource::Of(ClockId(155));
constexpr absl::Duration kPatient = absl::Hours(1);

class EngineWaitsTest : public ::testing::Test {
 protected:
  EngineWaitsTest() {
    EngineOptions options;
    options.request_timeout = kPatient;
    options.transfer_timeout = kPatient;
    options.tick = absl::Milliseconds(1);
    engine_ =
        std::make_unique<Engine>(MadeCore(&sim_,
                                          {VmWithClocks("first", {"uarta"}, core::Access::kVote),
                                           VmWithClocks("second", {"uarta"}, core::Access::kVote)},
                                          &observer_),
                                 &sim_, &MonotonicClock(), options, nullptr);
  }
  ~EngineWaitsTest() override {
    sim_.Shutdown();
    engine_.reset();
  }

  mrq::Response Switch(VmId vm, bool on) {
    Answer answer;
    engine_->Submit(vm, core::SwitchRequest(kUarta, on), kPatient, answer.Take());
    return answer.Wait();
  }

  core::Observer observer_;
  sim::SimBackend sim_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineWaitsTest, AFreeVmIsNotWaitedFor) {
  bool done = false;
  engine_->WhenFree(kFirst, [&] { done = true; });
  EXPECT_TRUE(done);
}

TEST_F(EngineWaitsTest, TheLastVoteEndsTheWaitOnce) {
  ASSERT_TRUE(Switch(kFirst, true).ok());
  ASSERT_TRUE(Switch(kSecond, true).ok());
  std::atomic<int> first = 0;
  std::promise<void> second;
  engine_->WhenFree(kFirst, [&] { ++first; });
  engine_->WhenFree(kSecond, [&] { second.set_value(); });
  ASSERT_TRUE(Switch(kSecond, false).ok());
  second.get_future().wait();
  EXPECT_EQ(first, 0);
  std::promise<void> last;
  engine_->WhenFree(kFirst, [&] { last.set_value(); });
  ASSERT_TRUE(Switch(kFirst, false).ok());
  last.get_future().wait();
  EXPECT_EQ(first, 1) << "in the order in which they came";
}

TEST_F(EngineWaitsTest, TheWordThatItIsClosedEndsTheWait) {
  engine_->SetAdmission(kFirst, core::Admission::kLeaving);
  std::promise<void> done;
  engine_->WhenFree(kFirst, [&] { done.set_value(); });
  engine_->SetAdmission(kFirst, core::Admission::kClosed);
  done.get_future().wait();
}

TEST_F(EngineWaitsTest, ACancelledWaitNeverEnds) {
  ASSERT_TRUE(Switch(kFirst, true).ok());
  auto alive = std::make_shared<int>();
  const Engine::WaitId wait = engine_->WhenFree(kFirst, [alive] { ADD_FAILURE() << "cancelled"; });
  EXPECT_EQ(alive.use_count(), 2);
  engine_->CancelWait(wait);
  EXPECT_EQ(alive.use_count(), 1);
  engine_->CancelWait(wait);
  std::promise<void> released;
  engine_->Release(kFirst, [&] { released.set_value(); });
  released.get_future().wait();
}

TEST_F(EngineWaitsTest, AStoppedEngineEndsNoWait) {
  engine_->Stop();
  auto alive = std::make_shared<int>();
  engine_->WhenFree(kFirst, [alive] { ADD_FAILURE() << "stopped"; });
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace bpmp::backend
