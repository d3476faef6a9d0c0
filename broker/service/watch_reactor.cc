// SPDX-License-Identifier: Apache-2.0
#include "broker/service/watch_reactor.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/core/core.h"
#include "broker/service/convert.h"
#include "broker/service/event_text.h"

namespace bpmp::service {
namespace {

std::vector<std::string> AllKinds() {
  std::vector<std::string> kinds;
  for (size_t i = 0; i < static_cast<size_t>(core::EventKind::kEventKindCount); ++i) {
    kinds.emplace_back(core::EventKindName(static_cast<core::EventKind>(i)));
  }
  kinds.insert(kinds.end(), std::begin(event_kind::kAll), std::end(event_kind::kAll));
  return kinds;
}

}  // namespace

absl::StatusOr<WatchFilter> ToWatchFilter(const v1::WatchRequest& request,
                                          const backend::Engine& engine) {
  WatchFilter filter;
  filter.since = request.since();
  filter.vms.insert(request.vms().begin(), request.vms().end());
  filter.kinds.insert(request.kinds().begin(), request.kinds().end());
  const std::vector<std::string> kinds = AllKinds();
  for (const std::string& kind : filter.kinds) {
    if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "there are no events of kind '", kind, "'; the kinds are ", absl::StrJoin(kinds, ", ")));
  }
  // Deleted VMs have events, too.
  const auto vms = engine.Read([](const core::Core& core) { return core.Vms(); });
  for (const std::string& name : filter.vms) {
    if (name == "host" || std::any_of(vms.begin(), vms.end(),
                                      [&](const core::VmStatus& vm) { return vm.name == name; })) {
      continue;
    }
    return absl::NotFoundError(absl::StrCat("no vm '", name, "' is or was defined"));
  }
  return filter;
}

WatchReactor::WatchReactor(const backend::Engine* engine, EventLog* events, WatchFilter filter)
    : engine_(engine), events_(events), filter_(std::move(filter)) {
  // A number from before a restart of the broker may lie ahead of the log: then what is new is
  // wanted.
  const uint64_t after_last = events_->last() + 1;
  next_ = filter_.since == 0 ? after_last : std::min(filter_.since, after_last);
  StartSendInitialMetadata();
  Step();
}

void WatchReactor::OnWriteDone(bool ok) {
  if (!ok) {
    Finish(grpc::Status::CANCELLED);
    return;
  }
  Step();
}

void WatchReactor::Step() {
  while (const std::optional<EventLog::Record> record = events_->Read(next_)) {
    lost_ += record->number - next_;
    next_ = record->number + 1;
    if (!Take(*record)) continue;
    lost_ = 0;
    StartWrite(&event_);
    return;
  }
  if (events_->closed()) {
    Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the broker is stopping"));
    return;
  }
  Wait();
}

bool WatchReactor::Take(const EventLog::Record& record) {
  if (!filter_.kinds.empty() && !filter_.kinds.contains(std::string(record.kind))) return false;
  const RenderedEvent rendered = Render(record, *engine_);
  if (!filter_.vms.empty() && !filter_.vms.contains(rendered.names.vm) &&
      !filter_.vms.contains(rendered.names.other)) {
    return false;
  }
  event_.Clear();
  ToProto(record, rendered, lost_, &event_);
  return true;
}

void WatchReactor::Wait() {
  {
    MutexLock lock(&mutex_);
    if (!cancelled_) {
      wait_ = events_->WhenReached(next_, [this] {
        {
          MutexLock inner(&mutex_);
          wait_.reset();
        }
        Step();
      });
      return;
    }
  }
  Finish(grpc::Status::CANCELLED);
}

void WatchReactor::OnCancel() {
  {
    MutexLock lock(&mutex_);
    cancelled_ = true;
    // Whoever takes the next step will see it.
    if (!wait_.has_value() || !events_->Cancel(*wait_)) return;
    wait_.reset();
  }
  Finish(grpc::Status::CANCELLED);
}

}  // namespace bpmp::service
