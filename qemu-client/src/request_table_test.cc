// SPDX-License-Identifier: Apache-2.0
#include "qemu-client/src/request_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "qemu-client/src/request_table_fixture.h"

namespace bpmp::client {
namespace {

class RequestTableTest : public RequestTableFixture {};

// --- Requests -----------------------------------------------------------------------------------

TEST_F(RequestTableTest, ARequestIsSentAndAnswered) {
  table_.Connected(64, At(0));
  Result result;
  ASSERT_EQ(Submit(&result), 0);
  const auto out = Take();
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->kind, Outgoing::Kind::kRequest);
  EXPECT_EQ(out->mrq, 22u);
  EXPECT_EQ(out->rx_size, 4u);
  EXPECT_EQ(out->tx_size, 4u);
  EXPECT_EQ(out->tx[3], 4);
  EXPECT_FALSE(Take().has_value());
  EXPECT_EQ(result.times, 0);
  Answer(*out, 1, 0, {7, 8});
  EXPECT_EQ(result.times, 1);
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.rx, std::string("\7\10\0\0", 4)) << "filled up with zeroes";
  Answer(*out, 2);
  EXPECT_EQ(result.times, 1) << "once";
}

TEST_F(RequestTableTest, ABpmpErrorHasNoBytes) {
  table_.Connected(64, At(0));
  Result result;
  ASSERT_EQ(Submit(&result), 0);
  Answer(*Take(), 1, -13, {1, 2, 3, 4});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.error, -13);
  EXPECT_EQ(result.rx, "");
}

TEST_F(RequestTableTest, RequestsWaitForTheConnectionAndKeepTheirOrder) {
  Result results[3];
  for (uint8_t i = 0; i < 3; ++i) ASSERT_EQ(Submit(&results[i], 0, {i}), 0);
  EXPECT_FALSE(Take().has_value());
  table_.Connected(64, At(5));
  uint64_t last = 0;
  for (uint8_t i = 0; i < 3; ++i) {
    const auto out = Take();
    ASSERT_TRUE(out.has_value());
    EXPECT_EQ(out->tx[0], i);
    EXPECT_GT(out->sequence, last);
    last = out->sequence;
  }
}

TEST_F(RequestTableTest, PlacesAreLimited) {
  std::vector<Result> results(kMaxWaiting);
  for (Result& result : results) ASSERT_EQ(Submit(&result), 0);
  Result more;
  EXPECT_EQ(Submit(&more), -EBUSY);
  EXPECT_EQ(Reset(&more), 0) << "a reset takes no place";
  table_.Tick(At(1000));
  for (const Result& result : results) EXPECT_EQ(result.times, 1);
}

TEST_F(RequestTableTest, NoMoreIsSentThanTheBrokerAllows) {
  table_.Connected(2, At(0));
  Result results[3];
  for (Result& result : results) ASSERT_EQ(Submit(&result), 0);
  const auto first = Take();
  ASSERT_TRUE(Take().has_value());
  EXPECT_FALSE(Take().has_value());
  // What timed out is still outstanding for the broker.
  table_.Tick(At(1000));
  Result later;
  table_.OnKeepAlive(0, At(1001));
  ASSERT_EQ(Submit(&later, 1001), 0);
  ASSERT_TRUE(Take().has_value());
  EXPECT_FALSE(Take().has_value());
  Answer(*first, 1002);
  table_.Probe();
  EXPECT_TRUE(Take().has_value());
}

TEST_F(RequestTableTest, ALostConnectionEndsWhatWasSent) {
  table_.Connected(64, At(0));
  Result sent;
  Result unsent;
  ASSERT_EQ(Submit(&sent), 0);
  const auto out = Take();
  ASSERT_EQ(Submit(&unsent), 0);
  table_.Disconnected(0);
  EXPECT_EQ(sent.status, -ECONNRESET);
  EXPECT_EQ(unsent.times, 0);
  table_.Connected(64, At(10));
  Answer(*out, 11);
  const auto again = Take();
  ASSERT_TRUE(again.has_value());
  Answer(*again, 12);
  EXPECT_EQ(unsent.status, 0);
  EXPECT_EQ(sent.times, 1);
}

TEST_F(RequestTableTest, ARefusalEndsEverything) {
  Result waiting;
  Result reset;
  ASSERT_EQ(Submit(&waiting), 0);
  ASSERT_EQ(Reset(&reset), 0);
  table_.Disconnected(-EACCES);
  EXPECT_EQ(waiting.status, -EACCES);
  EXPECT_EQ(reset.status, -EACCES);
  Result later;
  EXPECT_EQ(Submit(&later), 0);
  EXPECT_EQ(later.status, -EACCES);
  table_.Connected(64, At(1));
  Result now;
  EXPECT_EQ(Submit(&now), 0);
  EXPECT_EQ(now.times, 0);
}

TEST_F(RequestTableTest, CloseEndsEverything) {
  Result waiting;
  Result reset;
  ASSERT_EQ(Submit(&waiting), 0);
  ASSERT_EQ(Reset(&reset), 0);
  table_.Close();
  EXPECT_EQ(waiting.status, -ESHUTDOWN);
  EXPECT_EQ(reset.status, -ESHUTDOWN);
  Result later;
  EXPECT_EQ(Submit(&later), -ESHUTDOWN);
  EXPECT_EQ(Reset(&later), -ESHUTDOWN);
  EXPECT_EQ(later.times, 0);
}

TEST_F(RequestTableTest, AWaiterMaySubmit) {
  struct Again {
    RequestTable* table;
    Result second;
  } again{&table_, {}};
  Call call;
  call.timeout = kTimeout;
  call.waiter = {[](void* opaque, int, int32_t, const void*, size_t) {
                   auto* const self = static_cast<Again*>(opaque);
                   Call next;
                   next.timeout = kTimeout;
                   next.waiter = self->second.waiter();
                   bool wake = false;
                   EXPECT_EQ(self->table->Submit(next, At(1), &wake), 0);
                 },
                 &again};
  table_.Connected(64, At(0));
  ASSERT_EQ(table_.Submit(call, At(0), &wake_), 0);
  Answer(*Take(), 1);
  Answer(*Take(), 2);
  EXPECT_EQ(again.second.status, 0);
}

// --- Time ---------------------------------------------------------------------------------------

TEST_F(RequestTableTest, AskedForAWakeOnlyWhenSomethingIsEarlier) {
  Result results[3];
  ASSERT_EQ(Submit(&results[0], 0), 0);
  EXPECT_TRUE(wake_) << "nobody was waited for";
  EXPECT_EQ(table_.NextTick(), At(500)) << "half of its time";
  ASSERT_EQ(Submit(&results[1], 100), 0);
  EXPECT_FALSE(wake_);
  table_.Tick(At(500));
  EXPECT_EQ(table_.NextTick(), At(600));
  table_.Tick(At(600));
  EXPECT_EQ(table_.NextTick(), At(1000));
}

TEST_F(RequestTableTest, WithoutAConnectionADeadlineBlocks) {
  Result first;
  Result second;
  ASSERT_EQ(Submit(&first, 0), 0);
  EXPECT_FALSE(table_.Tick(At(999)).blocked);
  EXPECT_EQ(first.times, 0);
  EXPECT_TRUE(table_.Tick(At(1000)).blocked);
  EXPECT_EQ(first.status, -ENOTCONN);
  ASSERT_EQ(Submit(&second, 1001), 0);
  EXPECT_EQ(second.status, -ENOTCONN) << "at once";
  table_.Connected(64, At(1002));
  Result third;
  ASSERT_EQ(Submit(&third, 1003), 0);
  EXPECT_EQ(third.times, 0);
}

TEST_F(RequestTableTest, ASilentBrokerIsAskedForASignOfLifeThenBlocks) {
  table_.Connected(64, At(0));
  Result first;
  ASSERT_EQ(Submit(&first, 1), 0);
  Take();
  EXPECT_FALSE(table_.Tick(At(500)).write);
  EXPECT_TRUE(table_.Tick(At(501)).write);
  const auto probe = Take();
  ASSERT_TRUE(probe.has_value());
  EXPECT_EQ(probe->kind, Outgoing::Kind::kKeepAlive);
  EXPECT_FALSE(Take().has_value()) << "one at a time";
  EXPECT_TRUE(table_.Tick(At(1001)).blocked);
  EXPECT_EQ(first.status, -ETIMEDOUT);
  Result second;
  ASSERT_EQ(Submit(&second, 1002), 0);
  EXPECT_EQ(second.status, -ETIMEDOUT) << "at once";
  table_.OnKeepAlive(probe->sequence, At(1003));
  Result third;
  ASSERT_EQ(Submit(&third, 1004), 0);
  EXPECT_EQ(third.times, 0);
}

TEST_F(RequestTableTest, ASlowAnswerOfALivingBrokerBlocksNobody) {
  table_.Connected(64, At(0));
  Result slow;
  ASSERT_EQ(Submit(&slow, 1), 0);
  Take();
  table_.Tick(At(501));
  table_.OnKeepAlive(Take()->sequence, At(502));
  EXPECT_FALSE(table_.Tick(At(1001)).blocked);
  EXPECT_EQ(slow.status, -ETIMEDOUT);
  Result next;
  ASSERT_EQ(Submit(&next, 1002), 0);
  EXPECT_EQ(next.times, 0);
}

TEST_F(RequestTableTest, ASilentBrokerThatGoesAwayStaysBlockedUntilItIsBack) {
  table_.Connected(64, At(0));
  Result first;
  ASSERT_EQ(Submit(&first, 1), 0);
  table_.Tick(At(501));
  table_.Tick(At(1001));
  table_.Disconnected(0);
  Result second;
  ASSERT_EQ(Submit(&second, 1002), 0);
  EXPECT_EQ(second.status, -ENOTCONN);
}

// --- Threads ------------------------------------------------------------------------------------

// Several callers, a stream that sends and answers, one that comes and goes, a clock: every request
// ends exactly once.
TEST(RequestTableThreadsTest, EveryRequestEndsOnce) {
  constexpr int kCallers = 4;
  constexpr int kEach = 3000;
  RequestTable table;
  std::atomic<int> ended{0};
  std::atomic<int> taken{0};
  std::atomic<bool> over{false};
  const Waiter waiter = {[](void* opaque, int, int32_t, const void*, size_t) {
                           static_cast<std::atomic<int>*>(opaque)->fetch_add(1);
                         },
                         &ended};
  std::vector<std::thread> threads;
  for (int i = 0; i < kCallers; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) {
        Call call;
        call.timeout = absl::Milliseconds(n % 3);
        call.waiter = waiter;
        bool wake = false;
        while (table.Submit(call, absl::Now(), &wake) == -EBUSY) std::this_thread::yield();
        taken.fetch_add(1);
        if (n % 100 == 0 && table.Reset(waiter, kTimeout, absl::Now(), &wake) == 0) {
          taken.fetch_add(1);
        }
      }
    });
  }
  std::thread stream([&] {
    for (int n = 0; !over; ++n) {
      table.Connected(8, absl::Now());
      Outgoing out;
      for (int i = 0; i < 50 && table.Take(&out); ++i) {
        if (out.kind == Outgoing::Kind::kReset) {
          table.OnResetDone(out.sequence, absl::Now());
        } else if (out.kind == Outgoing::Kind::kKeepAlive) {
          table.OnKeepAlive(out.sequence, absl::Now());
        } else {
          table.OnResponse(out.sequence, 0, {}, absl::Now());
        }
      }
      table.Disconnected(n % 7 == 0 ? -EACCES : 0);
    }
  });
  std::thread clock([&] {
    while (!over) {
      table.Tick(absl::Now());
      table.NextTick();
      table.Probe();
    }
  });
  for (std::thread& thread : threads) thread.join();
  over = true;
  stream.join();
  clock.join();
  table.Close();
  EXPECT_EQ(ended, taken);
}

}  // namespace
}  // namespace bpmp::client
