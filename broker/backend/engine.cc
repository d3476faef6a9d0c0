// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/engine.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "broker/base/thread.h"
#include "broker/mrq/codec.h"

namespace bpmp::backend {

Engine::Engine(std::unique_ptr<core::Core> core, core::Backend* backend, const Clock* clock,
               EngineOptions options, RequestObserver* observer)
    : clock_(clock),
      options_(options),
      observer_(observer),
      backend_(backend),
      core_(std::move(core)),
      leases_([core = core_.get()](core::Resource vote) { return DropRank(*core, vote); }),
      worker_(backend, clock, options.slots, this) {
  Pending pending;
  {
    MutexLock lock(&mutex_);
    core::Effects effects;
    core_->Start(&effects);
    Collect(&effects, &pending);
  }
  Deliver(std::move(pending));
  timer_ = StartThread("bpmp-timer", [this] { TimerLoop(); });
  backend_->Listen(this);
}

Engine::~Engine() {
  Stop();
  timer_.join();
}

void Engine::Stop() {
  std::vector<Waiting> left;
  {
    MutexLock lock(&mutex_);
    if (stopped_) return;
    stopped_ = true;
    for (auto& [ticket, waiting] : waiting_) left.push_back(std::move(waiting));
    waiting_.clear();
    stopping_.SignalAll();
  }
  backend_->Listen(nullptr);
  worker_.Stop();
  for (Waiting& waiting : left) {
    waiting.reply(mrq::Fail(mrq::Error::kAgain), core::Reason::kBackendFailed);
  }
}

void Engine::Submit(VmId vm, const mrq::Request& request, absl::Duration timeout, ReplyFn reply,
                    LeaseId lease) {
  core::Call call;
  call.vm = vm;
  call.request = request;
  Submit(std::move(call), timeout, std::move(reply), lease);
}

void Engine::Submit(core::Call call, absl::Duration timeout, ReplyFn reply, LeaseId lease) {
  const VmId vm = call.vm;
  const mrq::Request& request = call.request;
  core::Decision decision;
  Pending pending;
  {
    MutexLock lock(&mutex_);
    if (stopped_) {
      decision.response = mrq::Fail(mrq::Error::kAgain);
    } else {
      call.ticket = Ticket(next_ticket_++);
      core::Effects effects;
      decision = core_->Decide(call, &effects);
      if (decision.kind == core::Decision::Kind::kReply) {
        OnAnswer(vm, request, decision.response, lease);
      } else {
        const absl::Time now = clock_->Now();
        const absl::Duration wait = std::min(timeout, options_.request_timeout);
        waiting_[call.ticket] = {vm, request, now, now + wait, std::move(reply), lease, {}};
      }
      Collect(&effects, &pending);
    }
  }
  if (decision.kind == core::Decision::Kind::kReply) {
    Record(vm, &request, decision.response, decision.reason, absl::ZeroDuration());
    // It was moved only where this is no reply.
    reply(decision.response, decision.reason);  // NOLINT(bugprone-use-after-move)
  }
  Deliver(std::move(pending));
}

void Engine::SubmitBytes(VmId vm, uint32_t mrq, absl::Span<const uint8_t> tx,
                         absl::Duration timeout, ReplyFn reply, LeaseId lease) {
  const auto request = mrq::DecodeRequest(mrq, tx);
  if (request.ok()) return Submit(vm, *request, timeout, std::move(reply), lease);
  const mrq::Response response = mrq::Fail(mrq::ErrorFromStatus(request.status()));
  const core::Reason reason = ReasonOfUndecodable(mrq);
  if (observer_ != nullptr) {
    RequestObserver::Record record;
    record.vm = vm;
    record.mrq = mrq;
    record.error = response.error;
    record.reason = reason;
    observer_->OnRequest(record);
  }
  reply(response, reason);
}

core::Reason Engine::ReasonOfUndecodable(uint32_t mrq) {
  return mrq::IsForVms(mrq) ? core::Reason::kBadArgument : core::Reason::kNotForwarded;
}

void Engine::Record(VmId vm, const mrq::Request* request, const mrq::Response& response,
                    core::Reason reason, absl::Duration latency) {
  if (observer_ == nullptr) return;
  RequestObserver::Record record;
  record.vm = vm;
  record.request = request;
  record.mrq = mrq::MrqCode(*request);
  record.error = response.error;
  record.reason = reason;
  record.used_backend = latency > absl::ZeroDuration();
  record.latency = latency;
  observer_->OnRequest(record);
}

uint32_t Engine::Release(VmId vm, absl::AnyInvocable<void()> done) {
  Pending pending;
  uint32_t epoch = 0;
  {
    MutexLock lock(&mutex_);
    core::Effects effects;
    epoch = core_->Release(vm, &effects);
    leases_.Forget(vm);
    if (done) release_waiters_.emplace_back(vm, std::move(done));
    Collect(&effects, &pending);
  }
  Deliver(std::move(pending));
  return epoch;
}

absl::Status Engine::Install(core::Policy policy, core::Core::Unallowed unallowed) {
  Pending pending;
  absl::Status status;
  {
    MutexLock lock(&mutex_);
    core::Effects effects;
    status = core_->Install(std::move(policy), &effects, unallowed);
    Collect(&effects, &pending);
  }
  Deliver(std::move(pending));
  return status;
}

absl::Status Engine::ClearQuarantine(core::Resource resource) {
  Pending pending;
  absl::Status status;
  {
    MutexLock lock(&mutex_);
    core::Effects effects;
    status = core_->ClearQuarantine(resource, &effects);
    Collect(&effects, &pending);
  }
  Deliver(std::move(pending));
  return status;
}

void Engine::OnDone(TransferId id, absl::StatusOr<mrq::Response> result) {
  Pending pending;
  {
    MutexLock lock(&mutex_);
    core::Effects effects;
    core_->Complete(id, core::OutcomeOf(result), &effects);
    Collect(&effects, &pending);
  }
  Deliver(std::move(pending));
}

void Engine::OnOverdue(TransferId id) {
  Pending pending;
  {
    MutexLock lock(&mutex_);
    core::Effects effects;
    core_->Overdue(id, &effects);
    Collect(&effects, &pending);
  }
  Deliver(std::move(pending));
}

void Engine::Collect(core::Effects* effects, Pending* pending) {
  do {
    for (core::Reply& reply : std::exchange(effects->replies, {})) {
      auto node = waiting_.extract(reply.ticket);
      if (node.empty()) continue;
      Waiting& waiting = node.mapped();
      if (waiting.drops) {
        OnDropAnswer(*waiting.drops, waiting.request, reply.response);
      } else {
        OnAnswer(waiting.vm, waiting.request, reply.response, waiting.lease);
      }
      pending->answers.push_back({std::move(waiting), reply.response, reply.reason});
    }
    DropOrphans(effects);  // may answer others
  } while (!effects->replies.empty());
  pending->transfers = std::move(effects->transfers);
  TakeReleased(pending);
}

void Engine::Deliver(Pending pending) {
  if (!pending.transfers.empty()) {
    const absl::Time deadline = clock_->Now() + options_.transfer_timeout;
    for (const core::Transfer& transfer : pending.transfers) {
      if (transfer.patient) {
        worker_.SubmitPatient(transfer.id, transfer.vm, transfer.request,
                              options_.transfer_timeout);
      } else {
        worker_.Submit(transfer.id, transfer.vm, transfer.request, deadline);
      }
    }
  }
  for (Pending::Answer& answer : pending.answers) {
    const absl::Duration latency =
        std::max(clock_->Now() - answer.waiting.submitted, absl::Nanoseconds(1));
    Record(answer.waiting.vm, &answer.waiting.request, answer.response, answer.reason, latency);
    answer.waiting.reply(answer.response, answer.reason);
  }
  for (absl::AnyInvocable<void()>& released : pending.released) released();
}

void Engine::TimerLoop() {
  absl::Time next_retry = clock_->Now() + options_.retry_interval;
  while (true) {
    Pending pending;
    {
      MutexLock lock(&mutex_);
      stopping_.WaitFor(&mutex_, options_.tick);
      if (stopped_) return;
      const absl::Time now = clock_->Now();
      core::Effects effects;
      std::vector<Ticket> late;
      for (const auto& [ticket, waiting] : waiting_) {
        if (waiting.deadline <= now) late.push_back(ticket);
      }
      for (const Ticket ticket : late) core_->Expire(ticket, &effects);
      if (now >= next_retry) {
        next_retry = now + options_.retry_interval;
        leases_.WakeOrphans();
        if (core_->NeedsMaintenance()) core_->Maintain(&effects);
      }
      Collect(&effects, &pending);
    }
    Deliver(std::move(pending));
    worker_.CheckDeadlines();
  }
}

}  // namespace bpmp::backend
