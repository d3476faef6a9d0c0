// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/worker.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "broker/base/thread.h"

namespace bpmp::backend {
namespace {

constexpr char kStopped[] = "the worker has stopped; nothing was sent to the BPMP";
constexpr char kTooLate[] = "waited too long for the BPMP; nothing was sent to it";

}  // namespace

Worker::Worker(core::Backend* backend, const Clock* clock, int slots, Sink* sink)
    : backend_(backend), clock_(clock), sink_(sink) {
  for (int slot = 0; slot < slots; ++slot) {
    threads_.push_back(StartThread("bpmp-worker-" + std::to_string(slot), [this] { Run(); }));
  }
}

Worker::~Worker() {
  Stop();
  {
    MutexLock lock(&mutex_);
    exiting_ = true;
    work_.SignalAll();
  }
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void Worker::Submit(TransferId id, VmId vm, const mrq::Request& request, absl::Time deadline) {
  Job job;
  job.id = id;
  job.vm = vm;
  job.request = request;
  job.deadline = deadline;
  Queue(std::move(job));
}

void Worker::SubmitPatient(TransferId id, VmId vm, const mrq::Request& request,
                           absl::Duration limit) {
  Job job;
  job.id = id;
  job.vm = vm;
  job.request = request;
  job.deadline = clock_->Now() + limit;
  job.limit = limit;
  Queue(std::move(job));
}

void Worker::Queue(Job job) {
  const bool patient = job.patient();
  Jobs jobs;
  jobs.push_back(std::move(job));
  {
    MutexLock lock(&mutex_);
    const VmId vm = jobs.front().vm;
    Jobs& queue = vms_[vm].queue;
    if (queue.empty()) {
      turns_.push_back(vm);
    }
    const auto place = patient ? std::find_if(queue.begin(), queue.end(),
                                              [](const Job& other) { return !other.patient(); })
                               : queue.end();
    queue.splice(place, jobs);
    ++queued_;
  }
  // Without the lock, or whoever wakes would wait for it.
  work_.Signal();
}

void Worker::Run() {
  while (const std::optional<Jobs::iterator> next = StartNext()) {
    const Job& job = **next;
    const TransferId id = job.id;
    absl::StatusOr<mrq::Response> result =
        job.refusal != nullptr ? absl::UnavailableError(job.refusal)
                               : backend_->TransferFor(job.vm, job.request, job.deadline);
    Finish(*next);
    sink_->OnDone(id, std::move(result));
  }
}

std::optional<Worker::Jobs::iterator> Worker::StartNext() {
  MutexLock lock(&mutex_);
  while (turns_.empty()) {
    if (exiting_) {
      return std::nullopt;
    }
    work_.Wait(&mutex_);
  }
  const auto turn = WhoseTurn();
  Vm& vm = vms_[*turn];
  running_.splice(running_.end(), vm.queue, vm.queue.begin());
  --queued_;
  ++vm.in_flight;
  if (vm.queue.empty()) {
    turns_.erase(turn);
  } else {
    turns_.splice(turns_.end(), turns_, turn);
  }
  Job& job = running_.back();
  if (job.patient()) {
    job.deadline = clock_->Now() + job.limit;
    job.overdue = false;
  }
  if (stopped_) {
    job.refusal = kStopped;
  } else if (clock_->Now() >= job.deadline) {
    job.refusal = kTooLate;
  }
  return std::prev(running_.end());
}

std::list<VmId>::iterator Worker::WhoseTurn() {
  for (auto turn = turns_.begin(); turn != turns_.end(); ++turn) {
    if (vms_[*turn].in_flight == 0) {
      return turn;
    }
  }
  return turns_.begin();
}

void Worker::Finish(Jobs::iterator job) {
  MutexLock lock(&mutex_);
  while (job->reporting) {
    reported_.Wait(&mutex_);
  }
  const VmId vm = job->vm;
  running_.erase(job);
  --vms_[vm].in_flight;
  ForgetIfIdle(vm);
}

void Worker::ForgetIfIdle(VmId vm) {
  const auto found = vms_.find(vm);
  if (found->second.queue.empty() && found->second.in_flight == 0) {
    vms_.erase(found);
  }
}

void Worker::CheckDeadlines() {
  Jobs late;
  std::vector<Jobs::iterator> overdue;
  {
    MutexLock lock(&mutex_);
    const absl::Time now = clock_->Now();
    late = TakeQueued(now);
    const auto note_overdue = [&](Jobs* jobs) {
      for (auto job = jobs->begin(); job != jobs->end(); ++job) {
        if (job->refusal == nullptr && !job->overdue && now >= job->deadline) {
          job->overdue = true;
          job->reporting = true;
          overdue.push_back(job);
        }
      }
    };
    note_overdue(&running_);
    // What is late in the queue now is patient: whoever waits for it need not wait on.
    for (auto& [vm, work] : vms_) note_overdue(&work.queue);
  }
  Refuse(late, kTooLate);
  for (const Jobs::iterator job : overdue) {
    sink_->OnOverdue(job->id);
    MutexLock lock(&mutex_);
    job->reporting = false;
    reported_.SignalAll();
  }
}

void Worker::Stop() {
  Jobs queued;
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    queued = TakeQueued(absl::InfiniteFuture());
  }
  Refuse(queued, kStopped);
}

Worker::Jobs Worker::TakeQueued(absl::Time time) {
  Jobs taken;
  for (auto turn = turns_.begin(); turn != turns_.end();) {
    const VmId vm = *turn;
    Jobs& queue = vms_[vm].queue;
    for (auto job = queue.begin(); job != queue.end();) {
      const auto next = std::next(job);
      // A patient one stays, unless the worker stops; one that is being reported is refused later.
      const bool stays = job->reporting || (job->patient() && time != absl::InfiniteFuture());
      if (job->deadline <= time && !stays) {
        taken.splice(taken.end(), queue, job);
      }
      job = next;
    }
    turn = queue.empty() ? turns_.erase(turn) : std::next(turn);
    ForgetIfIdle(vm);
  }
  queued_ -= taken.size();
  return taken;
}

void Worker::Refuse(const Jobs& jobs, const char* why) {
  for (const Job& job : jobs) {
    sink_->OnDone(job.id, absl::UnavailableError(why));
  }
}

Worker::Stats Worker::stats() const {
  MutexLock lock(&mutex_);
  Stats stats;
  stats.queued = queued_;
  for (const Job& job : running_) {
    stats.running += job.refusal == nullptr ? 1 : 0;
    stats.overdue += job.overdue ? 1 : 0;
  }
  return stats;
}

}  // namespace bpmp::backend
