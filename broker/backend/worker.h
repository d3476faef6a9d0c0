// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_WORKER_H_
#define BROKER_BACKEND_WORKER_H_

#include <cstddef>
#include <list>
#include <optional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/base/mutex.h"
#include "broker/core/backend.h"
#include "broker/mrq/types.h"

namespace bpmp::backend {

// Calls the backend on behalf of the core: at most `slots` calls at a time, so that the kernel's
// few channels are never all ours; round robin over the VMs that have work; in order within a VM. A
// VM gets a second slot only while no other VM waits for one.
//
// Each slot is a thread (bpmp-worker-0, ...) with all signals blocked. There is no timer: the owner
// calls CheckDeadlines() as often as it wants deadlines to be noticed. Thread-safe.
class Worker {
 public:
  // Hears how transfers end. Called with no lock held, so it may call the worker. What it does in
  // OnDone keeps a slot from its next call.
  class Sink {
   public:
    virtual ~Sink() = default;
    // The call is over; exactly once for each Submit. Unavailable, when it never started: its
    // deadline passed in the queue, or the worker stopped. From a worker thread, or for what never
    // started also from the caller of CheckDeadlines, Stop or the destructor; never from Submit.
    virtual void OnDone(TransferId id, absl::StatusOr<mrq::Response> result) = 0;
    // The call is past its deadline (a patient one: queued, or running, for its limit) and goes on,
    // in its slot. At most once in each place, before its OnDone, from the caller of
    // CheckDeadlines.
    virtual void OnOverdue(TransferId id) = 0;
  };

  struct Stats {
    size_t queued = 0;
    size_t running = 0;
    size_t overdue = 0;  // of those running
  };

  // `backend`, `clock` and `sink` must outlive the worker. Not owned. REQUIRES: slots >= 1.
  Worker(core::Backend* backend, const Clock* clock, int slots, Sink* sink);
  // Stops, and waits for the calls in flight, however long they take.
  ~Worker() ABSL_LOCKS_EXCLUDED(mutex_);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Queues a call that may take until `deadline`, on the worker's clock; its time in the queue
  // counts. The host is VM 0 and queues like any other.
  void Submit(TransferId id, VmId vm, const mrq::Request& request, absl::Time deadline)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Queues one that must not fail by load: before what the VM has queued that may, for as long as
  // it takes; from its start it has `limit`.
  void SubmitPatient(TransferId id, VmId vm, const mrq::Request& request, absl::Duration limit)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Refuses what is past its deadline in the queue, and reports what is past it in the backend.
  void CheckDeadlines() ABSL_LOCKS_EXCLUDED(mutex_);

  // Refuses all that is queued, and from now on whatever is submitted. Calls in flight go on.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  Stats stats() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Job {
    TransferId id;
    VmId vm;
    mrq::Request request;
    absl::Time deadline;
    absl::Duration limit;  // of a patient one, in the queue and again from its start; else zero
    const char* refusal = nullptr;  // why it never started; set before it leaves the queue for good
    bool overdue = false;
    bool reporting = false;  // OnOverdue is being called: OnDone waits for its end

    bool patient() const { return limit > absl::ZeroDuration(); }
  };
  using Jobs = std::list<Job>;  // jobs move between lists, they are never copied
  struct Vm {
    Jobs queue;
    size_t in_flight = 0;
  };

  void Queue(Job job) ABSL_LOCKS_EXCLUDED(mutex_);
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Blocks for a job and makes it a running one; nullopt when the worker goes away.
  std::optional<Jobs::iterator> StartNext() ABSL_LOCKS_EXCLUDED(mutex_);
  void Finish(Jobs::iterator job) ABSL_LOCKS_EXCLUDED(mutex_);
  std::list<VmId>::iterator WhoseTurn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetIfIdle(VmId vm) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes what was queued with a deadline at or before `time` out of the queues.
  Jobs TakeQueued(absl::Time time) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Refuse(const Jobs& jobs, const char* why) ABSL_LOCKS_EXCLUDED(mutex_);

  core::Backend* const backend_;
  const Clock* const clock_;
  Sink* const sink_;

  mutable Mutex mutex_;
  CondVar work_;      // there is something queued, or exiting_
  CondVar reported_;  // a job is no longer reporting
  absl::flat_hash_map<VmId, Vm> vms_ ABSL_GUARDED_BY(mutex_);  // with work queued or in flight
  std::list<VmId> turns_ ABSL_GUARDED_BY(mutex_);              // with work queued, next one first
  Jobs running_ ABSL_GUARDED_BY(mutex_);
  size_t queued_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  bool exiting_ ABSL_GUARDED_BY(mutex_) = false;

  std::vector<std::thread> threads_;  // last: they use all of the above
};

}  // namespace bpmp::backend

#endif  // BROKER_BACKEND_WORKER_H_
