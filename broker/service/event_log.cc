// SPDX-License-Identifier: Apache-2.0
#include "broker/service/event_log.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "broker/base/thread.h"

namespace bpmp::service {

EventLog::EventLog(size_t capacity, WallClock wall)
    : wall_(wall),
      capacity_(std::max<size_t>(capacity, 1)),
      thread_(StartThread("bpmp-events", [this] { Run(); })) {}

EventLog::~EventLog() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.Signal();
  }
  thread_.join();
}

void EventLog::OnEvent(const core::Event& event) {
  MutexLock lock(&mutex_);
  Record& record = Append();
  record.kind = core::EventKindName(event.kind);
  record.from_core = true;
  record.event = event;
  record.text.clear();
}

void EventLog::Add(std::string_view kind, VmId vm, std::string text) {
  MutexLock lock(&mutex_);
  Record& record = Append();
  record.kind = kind;
  record.from_core = false;
  record.event = {};
  record.event.vm = vm;
  record.text = std::move(text);
}

EventLog::Record& EventLog::Append() {
  const uint64_t place = last_++ % capacity_;
  if (place == ring_.size()) ring_.emplace_back();
  Record& record = ring_[place];
  record.number = last_;
  record.time = wall_();
  if (!waits_.empty()) changed_.Signal();
  return record;
}

uint64_t EventLog::last() const {
  MutexLock lock(&mutex_);
  return last_;
}

std::optional<EventLog::Record> EventLog::Read(uint64_t from) const {
  MutexLock lock(&mutex_);
  const uint64_t oldest = last_ < capacity_ ? 1 : last_ - capacity_ + 1;
  const uint64_t number = std::max(from, oldest);
  if (number > last_) return std::nullopt;
  return ring_[(number - 1) % capacity_];
}

EventLog::WaitId EventLog::WhenReached(uint64_t number, absl::AnyInvocable<void()> ready) {
  MutexLock lock(&mutex_);
  const WaitId id = next_wait_++;
  waits_.push_back({id, number, std::move(ready)});
  if (number <= last_ || closed_) changed_.Signal();
  return id;
}

bool EventLog::Cancel(WaitId id) {
  MutexLock lock(&mutex_);
  return std::erase_if(waits_, [id](const Wait& wait) { return wait.id == id; }) > 0;
}

void EventLog::Close() {
  MutexLock lock(&mutex_);
  closed_ = true;
  changed_.Signal();
}

bool EventLog::closed() const {
  MutexLock lock(&mutex_);
  return closed_;
}

std::vector<EventLog::Wait> EventLog::TakeDue() {
  const auto due = std::partition(
      waits_.begin(), waits_.end(),
      [last = last_, closed = closed_](const Wait& w) { return w.number > last && !closed; });
  std::vector<Wait> taken(std::make_move_iterator(due), std::make_move_iterator(waits_.end()));
  waits_.erase(due, waits_.end());
  return taken;
}

void EventLog::Run() {
  while (true) {
    std::vector<Wait> due;
    {
      MutexLock lock(&mutex_);
      while (!stopping_ && (due = TakeDue()).empty()) changed_.Wait(&mutex_);
      if (stopping_) return;
    }
    for (Wait& wait : due) wait.ready();
  }
}

}  // namespace bpmp::service
