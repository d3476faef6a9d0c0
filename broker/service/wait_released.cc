// SPDX-License-Identifier: Apache-2.0
#include "broker/service/wait_released.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/base/mutex.h"
#include "broker/core/core.h"
#include "broker/service/convert.h"
#include "broker/service/status.h"

namespace bpmp::service {

// Which calls wait.
class ReleaseWaits::Calls {
 public:
  absl::Status Add(const std::shared_ptr<Call>& call) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    if (stopped_) return absl::UnavailableError("the broker is stopping");
    if (calls_.size() >= kMax) {
      return absl::ResourceExhaustedError(absl::StrCat(
          kMax, " calls wait for releases already; end some of them, or ask again later"));
    }
    calls_.insert(call);
    return absl::OkStatus();
  }
  void Remove(const std::shared_ptr<Call>& call) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    calls_.erase(call);
  }
  absl::flat_hash_set<std::shared_ptr<Call>> Stop() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    stopped_ = true;
    return std::exchange(calls_, {});
  }
  size_t size() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return calls_.size();
  }

 private:
  mutable Mutex mutex_;
  absl::flat_hash_set<std::shared_ptr<Call>> calls_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

// One call. Whatever comes first ends it: its VM, its client, or the broker.
class ReleaseWaits::Call final : public grpc::ServerUnaryReactor,
                                 public std::enable_shared_from_this<Call> {
 public:
  Call(backend::Engine* engine, VmId vm, v1::WaitReleasedResponse* response,
       std::shared_ptr<Calls> calls)
      : engine_(engine), vm_(vm), response_(response), calls_(std::move(calls)) {}

  void Begin() ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      MutexLock lock(&mutex_);
      self_ = shared_from_this();
    }
    if (const absl::Status added = calls_->Add(shared_from_this()); !added.ok()) return End(added);
    Wait();
  }

  void End(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_) {
    Finish(status, [] {});
  }

 private:
  void Wait() ABSL_LOCKS_EXCLUDED(mutex_) {
    const backend::Engine::WaitId wait =
        engine_->WhenFree(vm_, [self = shared_from_this()] { self->Answer(); });
    bool over = false;
    {
      MutexLock lock(&mutex_);
      wait_ = wait;
      over = over_;
    }
    // It ended before there was a wait to be cancelled.
    if (over) engine_->CancelWait(wait);
  }
  void Answer() {
    v1::WaitReleasedResponse answer;
    const bool free = engine_->Read([&](const core::Core& core) {
      if (!core.IsFree(vm_)) return false;
      Fill(core, &answer);
      return true;
    });
    // It asked for something since: what is said has to be true at one moment.
    if (!free) return Wait();
    Finish(absl::OkStatus(), [&] { *response_ = std::move(answer); });
  }
  void Fill(const core::Core& core, v1::WaitReleasedResponse* answer) const {
    answer->set_epoch(core.EpochOf(vm_));
    for (const core::VmStatus& status : core.Vms()) {
      if (status.vm != vm_) continue;
      answer->set_drained(status.admission == core::Admission::kClosed);
    }
    for (const core::Resource resource : core.Quarantined()) {
      if (core.Status(resource)->quarantined_for != vm_) continue;
      ToProto(resource, answer->add_quarantined());
    }
  }
  // Once; `fill` may write to the response, which is gone afterwards.
  void Finish(const absl::Status& status, absl::FunctionRef<void()> fill)
      ABSL_LOCKS_EXCLUDED(mutex_) {
    backend::Engine::WaitId wait = 0;
    {
      MutexLock lock(&mutex_);
      if (std::exchange(over_, true)) return;
      wait = wait_;
    }
    calls_->Remove(shared_from_this());
    if (wait != 0) engine_->CancelWait(wait);
    fill();
    grpc::ServerUnaryReactor::Finish(ToGrpc(status));
  }

  void OnCancel() override { End(absl::CancelledError("the client gave up")); }
  void OnDone() override {
    std::shared_ptr<Call> self;  // goes without the lock that it has
    MutexLock lock(&mutex_);
    self = std::move(self_);
  }

  backend::Engine* const engine_;
  const VmId vm_;
  v1::WaitReleasedResponse* const response_;
  const std::shared_ptr<Calls> calls_;

  Mutex mutex_;
  backend::Engine::WaitId wait_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: not known yet
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<Call> self_ ABSL_GUARDED_BY(mutex_);  // until gRPC is done with it
};

ReleaseWaits::ReleaseWaits(backend::Engine* engine)
    : engine_(engine), calls_(std::make_shared<Calls>()) {}

ReleaseWaits::~ReleaseWaits() { Stop(); }

grpc::ServerUnaryReactor* ReleaseWaits::Start(VmId vm, v1::WaitReleasedResponse* response) {
  const auto call = std::make_shared<Call>(engine_, vm, response, calls_);
  call->Begin();
  return call.get();
}

void ReleaseWaits::Stop() {
  for (const std::shared_ptr<Call>& call : calls_->Stop()) {
    call->End(absl::UnavailableError("the broker is stopping"));
  }
}

size_t ReleaseWaits::waiting() const { return calls_->size(); }

}  // namespace bpmp::service
