// SPDX-License-Identifier: Apache-2.0
#include "broker/service/event_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace bpmp::service {
namespace {

absl::Time Noon() { return absl::FromUnixSeconds(43'200); }

core::Event Vote(uint32_t vm, int64_t value) {
  core::Event event;
  event.kind = core::EventKind::kVote;
  event.vm = VmId(vm);
  event.resource = core::Resource::Of(ClockId(7));
  event.value = value;
  return event;
}

TEST(EventLogTest, NumbersAndDatesWhatHappens) {
  EventLog log(4, &Noon);
  EXPECT_EQ(log.last(), 0u);
  EXPECT_FALSE(log.Read(1).has_value());

  log.OnEvent(Vote(3, 1));
  log.Add(event_kind::kSessionOpened, VmId(3), "hello");

  EXPECT_EQ(log.last(), 2u);
  const auto first = log.Read(1);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->number, 1u);
  EXPECT_EQ(first->time, Noon());
  EXPECT_EQ(first->kind, "vote");
  EXPECT_TRUE(first->from_core);
  EXPECT_EQ(first->event.vm, VmId(3));
  EXPECT_EQ(first->event.resource, core::Resource::Of(ClockId(7)));
  EXPECT_EQ(first->event.value, 1);
  const auto second = log.Read(2);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->kind, "session-opened");
  EXPECT_FALSE(second->from_core);
  EXPECT_EQ(second->event.vm, VmId(3));
  EXPECT_EQ(second->text, "hello");
  EXPECT_FALSE(log.Read(3).has_value());
}

TEST(EventLogTest, ASlotThatIsUsedAgainKeepsNothingOfItsPast) {
  EventLog log(1);
  log.Add(event_kind::kThrottled, VmId(1), "slow");
  log.OnEvent(Vote(2, 1));
  EXPECT_TRUE(log.Read(2)->text.empty());
  log.Add(event_kind::kThrottled, VmId(1), "slow");
  EXPECT_EQ(log.Read(3)->event.resource, core::Resource{});
  EXPECT_FALSE(log.Read(3)->from_core);
}

TEST(EventLogTest, ForgetsTheOldestFirst) {
  EventLog log(4);
  for (int i = 1; i <= 10; ++i) log.OnEvent(Vote(1, i));
  // 7 to 10 are left: who wants 1 gets 7, and sees by its number that 6 are gone.
  EXPECT_EQ(log.Read(1)->number, 7u);
  EXPECT_EQ(log.Read(1)->event.value, 7);
  EXPECT_EQ(log.Read(8)->number, 8u);
  EXPECT_EQ(log.Read(10)->event.value, 10);
  EXPECT_FALSE(log.Read(11).has_value());
}

TEST(EventLogTest, WakesWhoWaitsForAnEvent) {
  EventLog log;
  std::promise<void> woken;
  log.WhenReached(1, [&] { woken.set_value(); });
  log.OnEvent(Vote(1, 1));
  woken.get_future().wait();
}

TEST(EventLogTest, WakesAtOnceForWhatHasHappened) {
  EventLog log;
  log.OnEvent(Vote(1, 1));
  std::promise<void> woken;
  log.WhenReached(1, [&] { woken.set_value(); });
  woken.get_future().wait();
}

TEST(EventLogTest, DoesNotWakeForEarlierEvents) {
  EventLog log;
  std::atomic<bool> early{false};
  std::promise<void> first;
  std::promise<void> second;
  log.WhenReached(2, [&] {
    early = log.last() < 2;
    second.set_value();
  });
  log.WhenReached(1, [&] { first.set_value(); });
  log.OnEvent(Vote(1, 1));
  first.get_future().wait();
  log.OnEvent(Vote(1, 1));
  second.get_future().wait();
  EXPECT_FALSE(early);
}

TEST(EventLogTest, ACancelledWaitNeverRuns) {
  EventLog log;
  std::atomic<bool> ran{false};
  const EventLog::WaitId id = log.WhenReached(1, [&] { ran = true; });
  EXPECT_TRUE(log.Cancel(id));
  EXPECT_FALSE(log.Cancel(id));
  std::promise<void> other;
  log.WhenReached(1, [&] { other.set_value(); });
  log.OnEvent(Vote(1, 1));
  other.get_future().wait();
  EXPECT_FALSE(ran);
}

TEST(EventLogTest, AWaitThatRanCannotBeCancelled) {
  EventLog log;
  std::promise<void> woken;
  const EventLog::WaitId id = log.WhenReached(1, [&] { woken.set_value(); });
  log.OnEvent(Vote(1, 1));
  woken.get_future().wait();
  EXPECT_FALSE(log.Cancel(id));
}

TEST(EventLogTest, ClosingSendsEverybodyHome) {
  EventLog log;
  log.OnEvent(Vote(1, 1));
  std::promise<void> before;
  std::promise<void> after;
  log.WhenReached(100, [&] { before.set_value(); });
  EXPECT_FALSE(log.closed());
  log.Close();
  before.get_future().wait();
  EXPECT_TRUE(log.closed());
  log.WhenReached(100, [&] { after.set_value(); });
  after.get_future().wait();
  EXPECT_TRUE(log.Read(1).has_value());
}

TEST(EventLogTest, ManyWritersAndReadersSeeOneOrder) {
  constexpr int kWriters = 4;
  constexpr int kEach = 2000;
  EventLog log(64);
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      for (int i = 1; i <= kEach; ++i) {
        log.OnEvent(Vote(static_cast<uint32_t>(writer), i));
      }
    });
  }
  // Reads until the end, at its own pace: numbers rise, each writer's values too, and what was seen
  // and what was lost are all.
  uint64_t next = 1;
  uint64_t seen = 0;
  uint64_t lost = 0;
  std::vector<int64_t> last(kWriters, 0);
  while (next <= kWriters * kEach) {
    const auto record = log.Read(next);
    if (!record.has_value()) {
      std::promise<void> more;
      log.WhenReached(next, [&] { more.set_value(); });
      more.get_future().wait();
      continue;
    }
    ASSERT_GE(record->number, next);
    ASSERT_GT(record->event.value, last[record->event.vm.value()]);
    last[record->event.vm.value()] = record->event.value;
    lost += record->number - next;
    next = record->number + 1;
    ++seen;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(seen + lost, uint64_t{kWriters} * kEach);
  EXPECT_EQ(log.last(), uint64_t{kWriters} * kEach);
}

}  // namespace
}  // namespace bpmp::service
