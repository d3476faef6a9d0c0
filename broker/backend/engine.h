// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_ENGINE_H_
#define BROKER_BACKEND_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "broker/backend/lease_book.h"
#include "broker/backend/worker.h"
#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/base/listener_slot.h"
#include "broker/base/mutex.h"
#include "broker/core/backend.h"
#include "broker/core/core.h"
#include "broker/mrq/types.h"

namespace bpmp::backend {

// What became of something that a VM was to be told.
enum class Notified : uint8_t {
  kSent,       // or waits to be
  kMerged,     // with one that waits to be sent
  kNoSession,  // there is nobody to tell
};
inline constexpr size_t kNotifiedCount = 3;

// Hears of every request that the engine answered; for metrics and audit. Called from any thread,
// no lock held; must be thread-safe and quick.
class RequestObserver {
 public:
  struct Record {
    VmId vm;
    const mrq::Request* request = nullptr;  // null: the bytes were no request; see `mrq`
    uint32_t mrq = 0;
    int32_t error = 0;
    core::Reason reason = core::Reason::kNone;
    bool used_backend = false;  // waited for a transfer
    absl::Duration latency;     // from Submit to the answer; zero when answered at once
  };
  virtual ~RequestObserver() = default;
  virtual void OnRequest(const Record& record) = 0;
  // The firmware has said something unasked, which VMs may hear, or nobody; and what came of it for
  // each VM that may.
  virtual void OnInbound(bool /*for_vms*/) {}
  virtual void OnNotified(VmId /*vm*/, Notified /*notified*/) {}
};

// Brings to the VMs what the firmware says unasked. Called from any thread, no lock held; must be
// thread-safe, quick, and not block. May call the engine, but not its Stop() or Listen().
class GuestNotifier {
 public:
  virtual ~GuestNotifier() = default;
  virtual Notified Notify(VmId vm, const mrq::HostTrip& trip) = 0;
  // All of them have been told: `vms` that may hear it, of which `told` will.
  virtual void OnTrip(const mrq::HostTrip& trip, size_t vms, size_t told) = 0;
  // It is for nobody, and why.
  virtual void OnDropped(const absl::Status& why) = 0;
};

struct EngineOptions {
  int slots = 2;                                       // transfers in flight at most
  absl::Duration request_timeout = absl::Seconds(1);   // a caller's wait, unless it asks for less
  absl::Duration transfer_timeout = absl::Seconds(2);  // one backend call's
  absl::Duration tick = absl::Milliseconds(20);        // how often deadlines are looked at
  absl::Duration retry_interval = absl::Milliseconds(500);
};

// The core, alive: serialises calls into it, carries its transfers to the worker and its answers to
// the callers. Thread-safe. Never blocks on the backend: whatever waits is answered by callback.
//
// Callbacks run in the caller's thread when the answer is ready at once, else in a worker's or the
// timer's; no lock is held, and they may call back into the engine.
class Engine : private Worker::Sink, private core::InboundListener {
 public:
  using ReplyFn = absl::AnyInvocable<void(const mrq::Response&, core::Reason)>;

  // `core` has been constructed but not started. Nothing passed by pointer is owned; `observer` may
  // be null. `clock` must be real enough for the timer thread: its readings move by themselves.
  Engine(std::unique_ptr<core::Core> core, core::Backend* backend, const Clock* clock,
         EngineOptions options, RequestObserver* observer);
  ~Engine() override;

  // --- Requests ---

  // Answers one request of `vm`. `timeout` bounds the wait (and is itself bounded by the options).
  // A vote that only requests with a lease asked for lasts until the last of their leases ends.
  void Submit(VmId vm, const mrq::Request& request, absl::Duration timeout, ReplyFn reply,
              LeaseId lease = kNoLease) ABSL_LOCKS_EXCLUDED(mutex_);
  // The same for a request with what the protocol has no words for; the ticket is the engine's.
  void Submit(core::Call call, absl::Duration timeout, ReplyFn reply, LeaseId lease = kNoLease)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // The same from raw bytes: what can't be decoded is answered here.
  void SubmitBytes(VmId vm, uint32_t mrq, absl::Span<const uint8_t> tx, absl::Duration timeout,
                   ReplyFn reply, LeaseId lease = kNoLease) ABSL_LOCKS_EXCLUDED(mutex_);
  // Why bytes for `mrq` that can't be decoded are refused: no VM may send it, or they are wrong.
  static core::Reason ReasonOfUndecodable(uint32_t mrq);

  LeaseId OpenLease() ABSL_LOCKS_EXCLUDED(mutex_);
  // Votes that nobody else asked for are dropped as if the VM had: clocks from leaf to root, then
  // power domains, one after the other. What can't be dropped is tried again a few times and then
  // left to the VM's release. Requests in flight with this lease leave nothing behind.
  void EndLease(LeaseId lease) ABSL_LOCKS_EXCLUDED(mutex_);

  // --- Lives and administration ---

  // `done` runs when the release is complete (at once when there was nothing to undo).
  uint32_t Release(VmId vm, absl::AnyInvocable<void()> done) ABSL_LOCKS_EXCLUDED(mutex_);
  // Calls nobody back, so that it may be called under a lock of the caller's; who waits for the VM
  // to be free hears of it soon after.
  void SetAdmission(VmId vm, core::Admission admission) ABSL_LOCKS_EXCLUDED(mutex_);
  // Runs `done` once, when core::Core::IsFree(vm) is true, which may be at once; never once the
  // engine was stopped.
  using WaitId = uint64_t;
  WaitId WhenFree(VmId vm, absl::AnyInvocable<void()> done) ABSL_LOCKS_EXCLUDED(mutex_);
  // `done` doesn't run any more, unless it has, or is about to.
  void CancelWait(WaitId wait) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Install(core::Policy policy,
                       core::Core::Unallowed unallowed = core::Core::Unallowed::kKeep)
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status ClearQuarantine(core::Resource resource) ABSL_LOCKS_EXCLUDED(mutex_);

  // Reads the core under the lock: `reader` gets a const core::Core&, must be quick and must not
  // keep it.
  template <typename Reader>
  auto Read(Reader&& reader) const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return std::forward<Reader>(reader)(static_cast<const core::Core&>(*core_));
  }

  // Who tells the VMs what the firmware says unasked; null: nobody does. Not owned. Once this
  // returns, the one before isn't called any more.
  void Listen(GuestNotifier* notifier) { notifier_.Set(notifier); }

  Worker::Stats worker_stats() const { return worker_.stats(); }

  // Stops taking transfers and listening; what waits is answered -EAGAIN. Idempotent; the
  // destructor calls it.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Waiting {
    VmId vm;
    mrq::Request request;
    absl::Time submitted;
    absl::Time deadline;
    ReplyFn reply;
    LeaseId lease = kNoLease;
    std::optional<VoteKey> drops;  // it is the engine's own, to drop this orphan
  };

  // What is to be done once the lock is no longer held.
  struct Pending {
    struct Answer {
      Waiting waiting;
      mrq::Response response;
      core::Reason reason;
    };
    std::vector<Answer> answers;
    std::vector<core::Transfer> transfers;
    std::vector<absl::AnyInvocable<void()>> released;
  };

  void Record(VmId vm, const mrq::Request* request, const mrq::Response& response,
              core::Reason reason, absl::Duration latency);
  void OnDone(TransferId id, absl::StatusOr<mrq::Response> result) override;
  void OnOverdue(TransferId id) override;
  // engine_inbound.cc
  void OnInbound(uint32_t mrq, absl::Span<const uint8_t> data) override ABSL_LOCKS_EXCLUDED(mutex_);
  void TimerLoop();
  // engine_leases.cc. A request was answered; an orphan's; whatever can be dropped now is.
  void OnAnswer(VmId vm, const mrq::Request& request, const mrq::Response& response, LeaseId lease)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnDropAnswer(const VoteKey& orphan, const mrq::Request& request,
                    const mrq::Response& response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropOrphans(core::Effects* effects) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // True: one was dropped, and there may be another.
  bool DropNextOrphan(VmId vm, core::Effects* effects) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What a step of the core brought, and hands it out.
  void Collect(core::Effects* effects, Pending* pending) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // engine_waits.cc. Who waited for a release that is over, or for a VM that is free.
  void TakeReleased(Pending* pending) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Deliver(Pending pending) ABSL_LOCKS_EXCLUDED(mutex_);

  const Clock* const clock_;
  const EngineOptions options_;
  RequestObserver* const observer_;
  core::Backend* const backend_;
  ListenerSlot<GuestNotifier> notifier_;

  mutable Mutex mutex_;
  CondVar stopping_;
  std::unique_ptr<core::Core> core_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_ticket_ ABSL_GUARDED_BY(mutex_) = 1;
  absl::flat_hash_map<Ticket, Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  LeaseBook leases_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::pair<VmId, absl::AnyInvocable<void()>>> release_waiters_ ABSL_GUARDED_BY(mutex_);
  struct FreeWaiter {
    WaitId id = 0;
    VmId vm;
    absl::AnyInvocable<void()> done;
  };
  std::vector<FreeWaiter> free_waiters_ ABSL_GUARDED_BY(mutex_);
  WaitId next_wait_ ABSL_GUARDED_BY(mutex_) = 1;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;

  Worker worker_;
  std::thread timer_;
};

// The order in which a VM's votes are dropped, the highest first: clocks from leaf to root, then
// power domains.
int DropRank(const core::Core& core, core::Resource resource);

}  // namespace bpmp::backend

#endif  // BROKER_BACKEND_ENGINE_H_
