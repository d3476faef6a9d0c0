// SPDX-License-Identifier: Apache-2.0
// Under TSan these also show that the wrappers are seen as locks.
#include "broker/base/mutex.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp {
namespace {

class Counter {
 public:
  void Add() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    ++value_;
  }
  int Get() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return value_;
  }

 private:
  mutable Mutex mutex_;
  int value_ ABSL_GUARDED_BY(mutex_) = 0;
};

// One slot between a producer and a consumer, so that every item is two waits.
class Slot {
 public:
  void Put(int item) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    while (full_) {
      changed_.Wait(&mutex_);
    }
    item_ = item;
    full_ = true;
    changed_.SignalAll();
  }
  int Take() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    while (!full_) {
      changed_.Wait(&mutex_);
    }
    full_ = false;
    changed_.SignalAll();
    return item_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool full_ ABSL_GUARDED_BY(mutex_) = false;
  int item_ ABSL_GUARDED_BY(mutex_) = 0;
};

bool IsFreeForOthers(Mutex* mutex) {
  bool locked = false;
  std::thread([mutex, &locked] {
    if (mutex->TryLock()) {
      locked = true;
      mutex->Unlock();
    }
  }).join();
  return locked;
}

TEST(MutexTest, ExcludesOtherThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 5'000;
  Counter counter;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&counter] {
      for (int i = 0; i < kRounds; ++i) {
        counter.Add();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(counter.Get(), kThreads * kRounds);
}

TEST(MutexTest, TryLockFailsWhileAnotherThreadHolds) {
  Mutex mutex;
  {
    MutexLock lock(&mutex);
    EXPECT_FALSE(IsFreeForOthers(&mutex));
  }
  EXPECT_TRUE(IsFreeForOthers(&mutex));
}

TEST(CondVarTest, HandsItemsOverInOrder) {
  constexpr int kItems = 2'000;
  Slot slot;
  std::vector<int> taken;
  std::thread consumer([&slot, &taken] {
    for (int i = 0; i < kItems; ++i) {
      taken.push_back(slot.Take());
    }
  });
  for (int i = 0; i < kItems; ++i) {
    slot.Put(i);
  }
  consumer.join();
  ASSERT_EQ(taken.size(), static_cast<size_t>(kItems));
  EXPECT_TRUE(std::is_sorted(taken.begin(), taken.end()));
}

TEST(CondVarTest, SignalWakesOneWaiter) {
  Mutex mutex;
  CondVar condition;
  bool ready = false;
  std::thread waiter([&] {
    MutexLock lock(&mutex);
    while (!ready) {
      condition.Wait(&mutex);
    }
  });
  {
    MutexLock lock(&mutex);
    ready = true;
  }
  condition.Signal();
  waiter.join();  // hangs if the wake is lost
}

TEST(CondVarTest, WaitForEndsWithoutAWakeAndHoldsTheMutexAgain) {
  Mutex mutex;
  CondVar condition;
  MutexLock lock(&mutex);
  // A wake may be spurious, so wait until one wait has timed out.
  while (condition.WaitFor(&mutex, absl::Microseconds(100))) {
  }
  EXPECT_FALSE(IsFreeForOthers(&mutex));
}

TEST(CondVarTest, WaitForSeesAWake) {
  Mutex mutex;
  CondVar condition;
  bool ready = false;
  std::thread waker([&] {
    MutexLock lock(&mutex);
    ready = true;
    condition.SignalAll();
  });
  {
    MutexLock lock(&mutex);
    while (!ready) {
      condition.WaitFor(&mutex, absl::Hours(1));
    }
  }
  waker.join();
  EXPECT_TRUE(ready);
}

TEST(CondVarTest, AnEndlessWaitLetsOthersIn) {
  Mutex mutex;
  CondVar condition;
  bool ready = false;
  MutexLock lock(&mutex);
  std::thread waker([&] {
    MutexLock in(&mutex);
    ready = true;
    condition.SignalAll();
  });
  while (!ready) {
    condition.WaitFor(&mutex, absl::InfiniteDuration());
  }
  waker.join();
}

}  // namespace
}  // namespace bpmp
