// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/kernel/kernel_backend.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/backend/kernel/connect.h"
#include "broker/base/status_macros.h"
#include "broker/mrq/codec.h"

namespace bpmp::backend::kernel {

KernelBackend::KernelBackend(std::shared_ptr<HostDevice> device, const Clock* clock,
                             KernelOptions options)
    : device_(std::move(device)),
      clock_(clock),
      options_(std::move(options)),
      pool_(CallPool::Create(clock, options_.write_slots)) {}

KernelBackend::~KernelBackend() { Shutdown(); }

absl::Status KernelBackend::Open(absl::Time deadline) { return Link(deadline).status(); }

absl::StatusOr<std::optional<Holds>> KernelBackend::AdoptHolds(absl::Time deadline) {
  BPMP_ASSIGN_OR_RETURN(const std::shared_ptr<HostLink> link, Link(deadline));
  {
    MutexLock lock(&mutex_);
    adopting_ = true;
  }
  return link->Adopt();
}

absl::StatusOr<mrq::Response> KernelBackend::Transfer(const mrq::Request& request,
                                                      absl::Time deadline) {
  const mrq::EncodedRequest encoded = mrq::EncodeRequest(request);
  for (bool again = false;; again = true) {
    BPMP_ASSIGN_OR_RETURN(const std::shared_ptr<HostLink> link, Link(deadline));
    LinkResult result = link->Transfer(encoded, deadline);
    if (!result.gone) return std::move(result.response);
    Lose(link, result.response.status());
    if (again || absl::IsDeadlineExceeded(result.response.status())) {
      return std::move(result.response);
    }
  }
}

absl::StatusOr<std::shared_ptr<HostLink>> KernelBackend::Link(absl::Time deadline) {
  {
    MutexLock lock(&mutex_);
    while (connecting_ && !shut_down_) {
      const absl::Duration left = deadline - clock_->Now();
      if (left <= absl::ZeroDuration()) {
        return absl::UnavailableError(
            absl::StrCat(device_->name(), " takes long to open; nothing was sent"));
      }
      connected_.WaitFor(&mutex_, left);
    }
    if (shut_down_) {
      return absl::UnavailableError(
          absl::StrCat(device_->name(), ": the broker is stopping; nothing was sent"));
    }
    if (link_ != nullptr) return link_;
    const absl::Time now = clock_->Now();
    if (now < next_try_) return failure_;
    next_try_ = now + options_.reopen_interval;
    connecting_ = true;
  }
  return Reconnect(deadline);
}

absl::StatusOr<std::shared_ptr<HostLink>> KernelBackend::Reconnect(absl::Time deadline) {
  std::string text;
  absl::StatusOr<std::shared_ptr<HostLink>> link = MakeLink(deadline, &text);
  bool news = false;
  {
    MutexLock lock(&mutex_);
    connecting_ = false;
    failure_ = link.status();
    if (link.ok()) {
      link_ = *link;
      news = Become(State::kUsable);
    } else if (state_ != State::kNew) {
      news = Become(State::kGone);
    }
    connected_.SignalAll();
  }
  if (news) Tell(link.ok(), link.ok() ? text : std::string(link.status().message()));
  return link;
}

absl::StatusOr<std::shared_ptr<HostLink>> KernelBackend::MakeLink(absl::Time deadline,
                                                                  std::string* text) {
  BPMP_ASSIGN_OR_RETURN(std::shared_ptr<HostLink> link,
                        Connect(device_, options_.abi, pool_, *clock_, deadline));
  *text = absl::StrCat(device_->name(), ": ", link->Describe());
  bool adopting = false;
  {
    MutexLock lock(&mutex_);
    adopting = adopting_;
  }
  if (adopting) {
    BPMP_ASSIGN_OR_RETURN(const std::optional<Holds> holds, link->Adopt());
    if (holds) absl::StrAppend(text, "; ", ToString(*holds));
  }
  return link;
}

void KernelBackend::Lose(const std::shared_ptr<HostLink>& link, const absl::Status& why) {
  std::shared_ptr<HostLink> lost;  // closed without the lock
  bool news = false;
  {
    MutexLock lock(&mutex_);
    if (link_ != link) return;
    lost = std::exchange(link_, nullptr);
    failure_ = absl::UnavailableError(why.message());
    news = Become(State::kGone);
  }
  if (news) Tell(false, std::string(why.message()));
}

bool KernelBackend::Become(State state) { return std::exchange(state_, state) != state; }

void KernelBackend::Tell(bool usable, const std::string& text) const {
  if (options_.on_notice) options_.on_notice({usable, text});
}

void KernelBackend::Shutdown() {
  {
    MutexLock lock(&mutex_);
    shut_down_ = true;
    connected_.SignalAll();
  }
  pool_->Stop();
}

}  // namespace bpmp::backend::kernel
