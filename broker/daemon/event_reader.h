// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_EVENT_READER_H_
#define BROKER_DAEMON_EVENT_READER_H_

#include <cstdint>
#include <functional>
#include <thread>

#include "absl/time/time.h"
#include "broker/base/clock.h"
#include "broker/base/mutex.h"
#include "broker/service/event_log.h"

namespace bpmp::daemon {

// Hands every event to a handler, in a thread of its own, so that writing a log line never holds up
// an arbitration. Thread-safe.
class EventReader {
 public:
  struct Handler {
    std::function<void(const service::EventLog::Record& record)> on_event;
    // So many were forgotten before they could be read: the log's ring is of fixed size.
    std::function<void(uint64_t count)> on_lost;
    // Nothing to read for now. Returns when it wants to be called again at the latest.
    std::function<absl::Time()> on_idle;
  };

  // Begins with the first event. `events` and `clock` are not owned.
  EventReader(service::EventLog* events, const Clock* clock, Handler handler);
  // Reads what has happened so far, then ends.
  ~EventReader() ABSL_LOCKS_EXCLUDED(mutex_);
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Handles all that has happened; returns the number of the next event.
  uint64_t ReadFrom(uint64_t next);
  // Blocks until the event happened, `until`, or the end. False at the end.
  bool WaitFor(uint64_t number, absl::Time until) ABSL_LOCKS_EXCLUDED(mutex_);
  void Wake() ABSL_LOCKS_EXCLUDED(mutex_);
  // Until `until` or the end; `wakeable`: or until Wake().
  void SleepUntil(absl::Time until, bool wakeable) ABSL_LOCKS_EXCLUDED(mutex_);

  service::EventLog* const events_;
  const Clock* const clock_;
  const Handler handler_;

  Mutex mutex_;
  CondVar changed_;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_EVENT_READER_H_
