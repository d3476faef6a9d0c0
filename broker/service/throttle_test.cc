// SPDX-License-Identifier: Apache-2.0
#include "broker/service/throttle.h"

#include <gtest/gtest.h>

#include "broker/base/fake_clock.h"

namespace bpmp::service {
namespace {

TEST(ThrottleTest, LetsABurstPass) {
  FakeClock clock;
  Throttle throttle(&clock, 1000, 10);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(throttle.Take().pause, absl::ZeroDuration()) << i;
  EXPECT_FALSE(throttle.throttled());
  EXPECT_GT(throttle.Take().pause, absl::ZeroDuration());
  EXPECT_TRUE(throttle.throttled());
}

TEST(ThrottleTest, PausesKeepTheRate) {
  FakeClock clock;
  Throttle throttle(&clock, 1000, 10);
  int taken = 0;
  const absl::Time start = clock.Now();
  while (clock.Now() - start < absl::Seconds(10)) {
    clock.Advance(throttle.Take().pause);
    ++taken;
  }
  EXPECT_GE(taken, 10'000);
  EXPECT_LE(taken, 10'000 + 10 + 3);  // the burst, and what the last pause saved up
}

// What comes at once after a pause keeps the other VMs waiting.
TEST(ThrottleTest, PausesSaveUpForFew) {
  FakeClock clock;
  Throttle throttle(&clock, 10'000, 4'096);
  while (throttle.Take().pause == absl::ZeroDuration()) {
  }
  for (int pause = 0; pause < 100; ++pause) {
    clock.Advance(absl::Milliseconds(1));  // as long as the reader may oversleep
    int at_once = 0;
    absl::Duration next;
    while ((next = throttle.Take().pause) == absl::ZeroDuration()) ++at_once;
    EXPECT_LE(at_once, 16);
    clock.Advance(next);
  }
}

TEST(ThrottleTest, NeverRefuses) {
  FakeClock clock;
  Throttle throttle(&clock, 1000, 1);
  absl::Duration last = absl::ZeroDuration();
  // Callers that don't wait go into debt, and the pauses grow with it.
  for (int i = 0; i < 100; ++i) {
    const absl::Duration pause = throttle.Take().pause;
    EXPECT_GE(pause, last);
    last = pause;
  }
  EXPECT_GE(last, absl::Milliseconds(99));
}

TEST(ThrottleTest, SaysOnceThatItBegan) {
  FakeClock clock;
  Throttle throttle(&clock, 1000, 10);
  int began = 0;
  for (int i = 0; i < 100; ++i) began += throttle.Take().began ? 1 : 0;
  EXPECT_EQ(began, 1);
  clock.Advance(absl::Seconds(1));
  EXPECT_FALSE(throttle.throttled());
  for (int i = 0; i < 100; ++i) began += throttle.Take().began ? 1 : 0;
  EXPECT_EQ(began, 2);
}

TEST(ThrottleTest, SavesNoMoreThanTheBurst) {
  FakeClock clock;
  Throttle throttle(&clock, 1000, 10);
  clock.Advance(absl::Hours(1));
  int free = 0;
  while (throttle.Take().pause == absl::ZeroDuration()) ++free;
  EXPECT_EQ(free, 10);
}

}  // namespace
}  // namespace bpmp::service
