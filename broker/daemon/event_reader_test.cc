// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/event_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace bpmp::daemon {
namespace {

using service::EventLog;
using ::testing::ElementsAre;

// What a reader heard; tests wait until it is enough.
class Heard {
 public:
  EventReader::Handler Handler() {
    EventReader::Handler handler;
    handler.on_event = [this](const EventLog::Record& record) { Note(record.text); };
    handler.on_lost = [this](uint64_t count) { Note(absl::StrCat("lost ", count)); };
    handler.on_idle = [] { return absl::InfiniteFuture(); };
    return handler;
  }

  std::vector<std::string> WaitFor(size_t count) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    while (notes_.size() < count) changed_.Wait(&mutex_);
    return notes_;
  }
  std::vector<std::string> notes() ABSL_LOCKS_EXCLUDED(mutex_) { return WaitFor(0); }

 private:
  void Note(std::string note) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    notes_.push_back(std::move(note));
    changed_.SignalAll();
  }

  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> notes_ ABSL_GUARDED_BY(mutex_);
};

TEST(EventReaderTest, HandsOverWhatWasAndWhatComes) {
  EventLog events;
  Heard heard;
  events.Add(service::event_kind::kSessionOpened, kHost, "before");
  EventReader reader(&events, &MonotonicClock(), heard.Handler());
  EXPECT_THAT(heard.WaitFor(1), ElementsAre("before"));
  events.Add(service::event_kind::kSessionOpened, kHost, "then");
  EXPECT_THAT(heard.WaitFor(2), ElementsAre("before", "then"));
}

TEST(EventReaderTest, ReadsToTheEndBeforeItGoes) {
  for (const bool closed : {false, true}) {
    EventLog events;
    Heard heard;
    auto reader = std::make_unique<EventReader>(&events, &MonotonicClock(), heard.Handler());
    for (int i = 0; i < 10; ++i) {
      events.Add(service::event_kind::kSessionOpened, kHost, absl::StrCat(i));
    }
    if (closed) events.Close();
    reader.reset();
    EXPECT_EQ(heard.notes().size(), 10u);
  }
}

TEST(EventReaderTest, SaysWhatItWasTooSlowFor) {
  EventLog events(4);
  for (int i = 0; i < 10; ++i) {
    events.Add(service::event_kind::kSessionOpened, kHost, absl::StrCat(i));
  }
  Heard heard;
  EventReader reader(&events, &MonotonicClock(), heard.Handler());
  EXPECT_THAT(heard.WaitFor(5), ElementsAre("lost 6", "6", "7", "8", "9"));
}

}  // namespace
}  // namespace bpmp::daemon
