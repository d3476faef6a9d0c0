// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_WATCH_REACTOR_H_
#define BROKER_SERVICE_WATCH_REACTOR_H_

#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "bpmp/v1/admin.pb.h"
#include "broker/backend/engine.h"
#include "broker/base/mutex.h"
#include "broker/service/event_log.h"

namespace bpmp::service {

// Which events a watcher wants. Empty sets: all.
struct WatchFilter {
  uint64_t since = 0;  // the first event's number, as in WatchRequest
  absl::flat_hash_set<std::string> vms;
  absl::flat_hash_set<std::string> kinds;
};

// NotFound for a VM that never was, InvalidArgument for a kind that there isn't.
absl::StatusOr<WatchFilter> ToWatchFilter(const v1::WatchRequest& request,
                                          const backend::Engine& engine);

// One Watch call: writes one event at a time, and goes on when gRPC has taken it. Between two
// writes it either reads the log or waits for it, so there is always exactly one who takes the next
// step: the constructor, OnWriteDone, the log's thread, or OnCancel when that ended the wait. Owns
// itself.
class WatchReactor final : public grpc::ServerWriteReactor<v1::Event> {
 public:
  // Neither is owned; both outlive the server. The client gets the call's headers when the watch
  // has begun: every later event will be seen.
  WatchReactor(const backend::Engine* engine, EventLog* events, WatchFilter filter);

  void OnWriteDone(bool ok) override;
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDone() override { delete this; }

 private:
  // Writes the next event that the watcher wants, or waits for one.
  void Step();
  void Wait() ABSL_LOCKS_EXCLUDED(mutex_);
  // Fills event_; false when the watcher doesn't want the record.
  bool Take(const EventLog::Record& record);

  const backend::Engine* const engine_;
  EventLog* const events_;
  const WatchFilter filter_;

  // Of whoever takes the next step.
  uint64_t next_ = 1;
  uint64_t lost_ = 0;
  v1::Event event_;

  Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<EventLog::WaitId> wait_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_WATCH_REACTOR_H_
