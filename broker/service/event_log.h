// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_EVENT_LOG_H_
#define BROKER_SERVICE_EVENT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "broker/base/ids.h"
#include "broker/base/mutex.h"
#include "broker/core/event.h"

namespace bpmp::service {

// The kinds of event that the service layer adds to the core's (core::EventKindName).
namespace event_kind {
inline constexpr std::string_view kSessionOpened = "session-opened";
inline constexpr std::string_view kSessionClosed = "session-closed";
inline constexpr std::string_view kSessionRefused = "session-refused";
inline constexpr std::string_view kSessionLost = "session-lost";
inline constexpr std::string_view kThrottled = "throttled";
inline constexpr std::string_view kPolicyReloaded = "policy-reloaded";
inline constexpr std::string_view kPolicyRefused = "policy-refused";
inline constexpr std::string_view kVmDraining = "vm-draining";
inline constexpr std::string_view kVmUndrained = "vm-undrained";
inline constexpr std::string_view kVmUpdated = "vm-updated";
inline constexpr std::string_view kThermalTrip = "thermal-trip";
inline constexpr std::string_view kInboundDropped = "inbound-dropped";
inline constexpr std::string_view kAll[] = {
    kSessionOpened, kSessionClosed, kSessionRefused, kSessionLost, kThrottled,   kPolicyReloaded,
    kPolicyRefused, kVmDraining,    kVmUndrained,    kVmUpdated,   kThermalTrip, kInboundDropped};
}  // namespace event_kind

// What happened lately: the last events of the core and of the services, numbered from 1 without
// gaps, in a ring of fixed size. Writers never wait for readers: each reader keeps the number that
// it wants next and finds out by itself what it was too slow for. A reader that never reads costs
// nothing.
//
// Thread-safe. OnEvent and Add only copy into the ring and wake the log's own thread, so that they
// may be called under the engine's lock. Text of core events is made by whoever shows them
// (event_text.h).
class EventLog final : public core::Observer {
 public:
  static constexpr size_t kCapacity = 4096;

  struct Record {
    uint64_t number = 0;
    absl::Time time;        // wall
    std::string_view kind;  // lives for ever
    bool from_core = false;
    core::Event event;  // of the core; otherwise only `event.vm` counts
    std::string text;   // of the services; empty for the core's
  };

  using WaitId = uint64_t;
  using WallClock = absl::Time (*)();

  explicit EventLog(size_t capacity = kCapacity, WallClock wall = &absl::Now);
  // REQUIRES: nobody waits any more, or what the waits would call is gone with good reason: they
  // are dropped.
  ~EventLog() override;
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  // --- Writing ---

  void OnEvent(const core::Event& event) override ABSL_LOCKS_EXCLUDED(mutex_);
  // An event of the services. `kind` is one of event_kind. kHost for no VM.
  void Add(std::string_view kind, VmId vm, std::string text) ABSL_LOCKS_EXCLUDED(mutex_);

  // --- Reading ---

  // The number of the last event; 0 before the first.
  uint64_t last() const ABSL_LOCKS_EXCLUDED(mutex_);
  // The oldest remembered event from number `from` (at least 1) on, which is `from` itself unless
  // that was forgotten. Absent when it hasn't happened yet.
  std::optional<Record> Read(uint64_t from) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Runs `ready` once, in the log's own thread and with no lock held, when event `number` has
  // happened or the log was closed.
  WaitId WhenReached(uint64_t number, absl::AnyInvocable<void()> ready) ABSL_LOCKS_EXCLUDED(mutex_);
  // True: `ready` will not run. False: it has run, runs or is about to.
  bool Cancel(WaitId id) ABSL_LOCKS_EXCLUDED(mutex_);

  // Tells all readers that wait, now and later, to go home; what is in the ring can still be read.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);
  bool closed() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Wait {
    WaitId id = 0;
    uint64_t number = 0;
    absl::AnyInvocable<void()> ready;
  };

  // The slot of the next event, numbered and dated.
  Record& Append() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<Wait> TakeDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);

  const WallClock wall_;
  const size_t capacity_;

  mutable Mutex mutex_;
  CondVar changed_;
  // Event n is at (n - 1) modulo the capacity; as long as there were events, until it is full.
  std::deque<Record> ring_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Wait> waits_ ABSL_GUARDED_BY(mutex_);
  WaitId next_wait_ ABSL_GUARDED_BY(mutex_) = 1;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_EVENT_LOG_H_
