// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/event_reader.h"

#include <algorithm>
#include <utility>

namespace bpmp::daemon {
namespace {

// How long events may gather. The log's ring holds far more than come in this time.
constexpr absl::Duration kBatch = absl::Milliseconds(20);

}  // namespace

EventReader::EventReader(service::EventLog* events, const Clock* clock, Handler handler)
    : events_(events), clock_(clock), handler_(std::move(handler)), thread_([this] { Run(); }) {}

EventReader::~EventReader() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

void EventReader::Run() {
  uint64_t next = 1;
  do {
    next = ReadFrom(next);
  } while (WaitFor(next, handler_.on_idle()));
  ReadFrom(next);
  handler_.on_idle();
}

uint64_t EventReader::ReadFrom(uint64_t next) {
  while (const auto record = events_->Read(next)) {
    if (record->number > next) handler_.on_lost(record->number - next);
    handler_.on_event(*record);
    next = record->number + 1;
  }
  return next;
}

bool EventReader::WaitFor(uint64_t number, absl::Time until) {
  // A log that is closed calls at once, for ever: then only the time counts.
  const bool closed = events_->closed();
  service::EventLog::WaitId wait = 0;
  if (!closed) wait = events_->WhenReached(number, [this] { Wake(); });
  SleepUntil(until, /*wakeable=*/true);
  const bool called = !closed && !events_->Cancel(wait);
  // Events come in swarms: one wake for each would cost more than the requests they tell of.
  if (called) SleepUntil(clock_->Now() + kBatch, /*wakeable=*/false);
  MutexLock lock(&mutex_);
  // The call is on its way; it must not find us gone.
  while (called && !woken_) changed_.Wait(&mutex_);
  woken_ = false;
  return !stopping_;
}

void EventReader::Wake() {
  MutexLock lock(&mutex_);
  woken_ = true;
  changed_.SignalAll();
}

void EventReader::SleepUntil(absl::Time until, bool wakeable) {
  MutexLock lock(&mutex_);
  while (!stopping_ && !(wakeable && woken_)) {
    const absl::Duration left = until - clock_->Now();
    if (left <= absl::ZeroDuration()) return;
    changed_.WaitFor(&mutex_, std::min(left, absl::Minutes(1)));
  }
}

}  // namespace bpmp::daemon
