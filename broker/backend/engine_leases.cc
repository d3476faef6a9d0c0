// SPDX-License-Identifier: Apache-2.0
// Votes that last as long as a connection: who asked, and what is dropped when it ends.
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "broker/backend/engine.h"
#include "broker/core/switch_request.h"

namespace bpmp::backend {
int DropRank(const core::Core& core, core::Resource resource) {
  return resource.kind == core::ResourceKind::kClock ? core.Depth(ClockId(resource.id)) : -1;
}

LeaseId Engine::OpenLease() {
  MutexLock lock(&mutex_);
  return leases_.Open();
}

void Engine::EndLease(LeaseId lease) {
  Pending pending;
  {
    MutexLock lock(&mutex_);
    leases_.End(lease);
    core::Effects effects;
    Collect(&effects, &pending);
  }
  Deliver(std::move(pending));
}

void Engine::OnAnswer(VmId vm, const mrq::Request& request, const mrq::Response& response,
                      LeaseId lease) {
  if (response.ok()) leases_.OnSuccess(vm, request, lease);
}

void Engine::DropOrphans(core::Effects* effects) {
  if (stopped_ || !leases_.has_orphans()) return;
  for (const VmId vm : leases_.VmsWithOrphans()) {
    while (DropNextOrphan(vm, effects)) {
    }
  }
}

bool Engine::DropNextOrphan(VmId vm, core::Effects* effects) {
  // One at a time for each VM, so that a clock is off before its parent is asked for.
  if (std::any_of(waiting_.begin(), waiting_.end(), [vm](const auto& entry) {
        return entry.second.drops && entry.second.vm == vm;
      })) {
    return false;
  }
  // A vote that somebody is asking for is his if he gets it, and an orphan still if he doesn't.
  std::vector<std::optional<VoteKey>> asked;
  for (const auto& [ticket, waiting] : waiting_) {
    asked.push_back(VoteAddedBy(waiting.vm, waiting.request));
  }
  const auto nobody_asks = [&asked](const VoteKey& key) {
    return std::find(asked.begin(), asked.end(), key) == asked.end();
  };
  const std::optional<VoteKey> orphan = leases_.NextOrphan(vm, nobody_asks);
  if (!orphan) return false;
  core::Call call;
  call.vm = vm;
  call.ticket = Ticket(next_ticket_++);
  call.request = core::SwitchRequest(orphan->resource, false);
  const core::Decision decision = core_->Decide(call, effects);
  if (decision.kind == core::Decision::Kind::kReply) {
    OnDropAnswer(*orphan, call.request, decision.response);
    return true;
  }
  const absl::Time now = clock_->Now();
  waiting_[call.ticket] = {
      vm, call.request, now, now + options_.request_timeout, [](auto&&...) {}, kNoLease, orphan};
  return false;
}

void Engine::OnDropAnswer(const VoteKey& orphan, const mrq::Request& request,
                          const mrq::Response& response) {
  if (response.ok()) {
    leases_.OnSuccess(orphan.vm, request, kNoLease);
  } else {
    leases_.OnDropFailed(orphan);
  }
}

}  // namespace bpmp::backend
