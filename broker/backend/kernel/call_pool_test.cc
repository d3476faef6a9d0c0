// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/kernel/call_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "broker/base/fake_clock.h"

namespace bpmp::backend::kernel {
namespace {

using End = CallPool::End;

// What the kernel does with a call until the test lets it go. Shared: calls outlive tests' waits.
class Gate {
 public:
  void Pass() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    ++inside_;
    changed_.SignalAll();
    while (!open_) changed_.Wait(&mutex_);
    --inside_;
    changed_.SignalAll();
  }
  void Open() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    open_ = true;
    changed_.SignalAll();
  }
  void WaitForInside(int count) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    while (inside_ != count) changed_.Wait(&mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int inside_ ABSL_GUARDED_BY(mutex_) = 0;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
};

class CallPoolTest : public testing::Test {
 protected:
  ~CallPoolTest() override {
    gate_->Open();
    pool_->Stop();
  }
  CallPool::Call Hanging() {
    return [gate = gate_] { gate->Pass(); };
  }
  absl::Time Soon() const { return clock_.Now() + absl::Milliseconds(1); }
  // Fills a slot with a call whose caller has gone.
  void Occupy() { ASSERT_EQ(pool_->Run(Hanging(), clock_.Now()), End::kLate); }

  FakeClock clock_;
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  const std::shared_ptr<CallPool> pool_ = CallPool::Create(&clock_, 2);
};

TEST_F(CallPoolTest, ACallThatReturnsIsDone) {
  int calls = 0;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(pool_->Run([&calls] { ++calls; }, clock_.Now() + absl::Hours(1)), End::kDone);
  }
  EXPECT_EQ(calls, 10);
  EXPECT_EQ(pool_->occupied(), 0u);
}

TEST_F(CallPoolTest, WhoAskedGoesAtItsDeadlineAndTheCallStays) {
  End end = End::kDone;
  std::thread caller([&] { end = pool_->Run(Hanging(), Soon()); });
  gate_->WaitForInside(1);
  clock_.Advance(absl::Milliseconds(1));
  caller.join();
  EXPECT_EQ(end, End::kLate);
  EXPECT_EQ(pool_->occupied(), 1u);
}

TEST_F(CallPoolTest, WithAllSlotsTakenACallIsRefusedAtOnce) {
  Occupy();
  EXPECT_EQ(pool_->Run([] {}, clock_.Now() + absl::Hours(1)), End::kDone);
  Occupy();
  EXPECT_EQ(pool_->Run([] { FAIL(); }, absl::InfiniteFuture()), End::kBusy);
  EXPECT_EQ(pool_->occupied(), 2u);
}

TEST_F(CallPoolTest, ASlotIsFreeOnceItsCallHasReturned) {
  Occupy();
  Occupy();
  gate_->WaitForInside(2);
  gate_->Open();
  while (pool_->occupied() > 0) std::this_thread::yield();
  EXPECT_EQ(pool_->Run([] {}, absl::InfiniteFuture()), End::kDone);
}

TEST_F(CallPoolTest, StoppingEndsEveryWaitAndTakesNoMore) {
  End end = End::kDone;
  std::thread caller([&] { end = pool_->Run(Hanging(), absl::InfiniteFuture()); });
  gate_->WaitForInside(1);
  pool_->Stop();
  caller.join();
  EXPECT_EQ(end, End::kLate);
  EXPECT_EQ(pool_->Run([] { FAIL(); }, absl::InfiniteFuture()), End::kStopped);
  pool_->Stop();
}

TEST_F(CallPoolTest, WhatACallOwnsLivesUntilItReturns) {
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> seen = owned;
  ASSERT_EQ(pool_->Run([gate = gate_, owned = std::move(owned)] { gate->Pass(); }, clock_.Now()),
            End::kLate);
  gate_->WaitForInside(1);
  pool_->Stop();
  EXPECT_FALSE(seen.expired());
  gate_->Open();
  while (!seen.expired()) std::this_thread::yield();
}

TEST_F(CallPoolTest, ManyCallersGetTheirOwnEnds) {
  std::atomic<int> made = 0;
  std::atomic<int> done = 0;
  std::atomic<int> busy = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int call = 0; call < 500; ++call) {
        const End end = pool_->Run([&made] { ++made; }, absl::InfiniteFuture());
        ++(end == End::kDone ? done : busy);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(done + busy, 2000);
  EXPECT_EQ(made, done);
}

}  // namespace
}  // namespace bpmp::backend::kernel
