// SPDX-License-Identifier: Apache-2.0
#include "broker/base/clock.h"

#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "broker/base/fake_clock.h"
#include "gtest/gtest.h"

namespace bpmp {
namespace {

TEST(FakeClockTest, MovesOnlyWhenTold) {
  FakeClock clock;
  const absl::Time start = clock.Now();
  EXPECT_EQ(clock.Now(), start);
  clock.Advance(absl::Milliseconds(1500));
  EXPECT_EQ(clock.Now() - start, absl::Milliseconds(1500));
  clock.Advance(absl::ZeroDuration());
  EXPECT_EQ(clock.Now() - start, absl::Milliseconds(1500));
}

// Code that subtracts a timeout from the first reading must not meet the beginning of time.
TEST(FakeClockTest, StartsAwayFromTheEpoch) {
  EXPECT_GT(FakeClock().Now() - absl::Minutes(30), absl::UnixEpoch());
}

TEST(FakeClockTest, IsAdvancedByManyThreads) {
  FakeClock clock;
  const absl::Time start = clock.Now();
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&clock] {
      for (int i = 0; i < 1000; ++i) {
        clock.Advance(absl::Microseconds(1));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(clock.Now() - start, absl::Milliseconds(4));
}

TEST(MonotonicClockTest, NeverGoesBackAndIsOneForAll) {
  const Clock& clock = MonotonicClock();
  EXPECT_EQ(&clock, &MonotonicClock());
  absl::Time before = clock.Now();
  for (int i = 0; i < 1000; ++i) {
    const absl::Time now = clock.Now();
    ASSERT_GE(now, before);
    before = now;
  }
}

TEST(MonotonicClockTest, Moves) {
  const Clock& clock = MonotonicClock();
  const absl::Time start = clock.Now();
  while (clock.Now() == start) {
  }
  EXPECT_GT(clock.Now(), start);
}

}  // namespace
}  // namespace bpmp
