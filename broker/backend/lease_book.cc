// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/lease_book.h"

#include <utility>
#include <variant>

namespace bpmp::backend {
namespace {

std::optional<VoteKey> Vote(VmId vm, const mrq::Request& request, mrq::ClkCmd clk, bool on) {
  if (const auto* clock = std::get_if<mrq::ClkRequest>(&request)) {
    if (clock->cmd == clk) return VoteKey{vm, core::Resource::Of(clock->clock)};
  }
  if (const auto* domain = std::get_if<mrq::PgRequest>(&request)) {
    const bool is_on = domain->arg != static_cast<uint32_t>(mrq::PgState::kOff);
    if (domain->cmd == mrq::PgCmd::kSetState && is_on == on) {
      return VoteKey{vm, core::Resource::Of(domain->domain)};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<VoteKey> VoteAddedBy(VmId vm, const mrq::Request& request) {
  return Vote(vm, request, mrq::ClkCmd::kEnable, true);
}

std::optional<VoteKey> VoteDroppedBy(VmId vm, const mrq::Request& request) {
  return Vote(vm, request, mrq::ClkCmd::kDisable, false);
}

LeaseId LeaseBook::Open() {
  const LeaseId lease(next_lease_++);
  live_.insert(lease);
  return lease;
}

void LeaseBook::End(LeaseId lease) {
  live_.erase(lease);
  for (auto it = leased_.begin(); it != leased_.end();) {
    it->second.erase(lease);
    if (!it->second.empty()) {
      ++it;
      continue;
    }
    AddOrphan(it->first);
    it = leased_.erase(it);
  }
}

void LeaseBook::OnSuccess(VmId vm, const mrq::Request& request, LeaseId lease) {
  if (const auto dropped = VoteDroppedBy(vm, request)) {
    unleased_.erase(*dropped);
    leased_.erase(*dropped);
    orphans_.erase(*dropped);
    return;
  }
  const auto added = VoteAddedBy(vm, request);
  if (!added) return;
  if (lease == kNoLease) {
    unleased_.insert(*added);
    leased_.erase(*added);
    orphans_.erase(*added);
  } else if (!unleased_.contains(*added)) {
    if (live_.contains(lease)) {
      leased_[*added].insert(lease);
      orphans_.erase(*added);
    } else if (!leased_.contains(*added)) {
      AddOrphan(*added);  // the connection ended before its answer came
    }
  }
}

void LeaseBook::Forget(VmId vm) {
  const auto is_its = [vm](const auto& entry) { return entry.first.vm == vm; };
  absl::erase_if(unleased_, [vm](const VoteKey& key) { return key.vm == vm; });
  std::erase_if(leased_, is_its);
  std::erase_if(orphans_, is_its);
}

void LeaseBook::AddOrphan(const VoteKey& key) {
  orphans_.try_emplace(key, Orphan{rank_(key.resource), 0, false});
}

std::set<VmId> LeaseBook::VmsWithOrphans() const {
  std::set<VmId> vms;
  for (const auto& [key, orphan] : orphans_) vms.insert(key.vm);
  return vms;
}

std::optional<VoteKey> LeaseBook::NextOrphan(
    VmId vm, const std::function<bool(const VoteKey&)>& ready) const {
  const VoteKey* next = nullptr;
  int rank = 0;
  for (const auto& [key, orphan] : orphans_) {
    if (key.vm != vm || orphan.resting || (next != nullptr && orphan.rank <= rank)) continue;
    if (!ready(key)) continue;
    next = &key;
    rank = orphan.rank;
  }
  return next == nullptr ? std::nullopt : std::optional(*next);
}

void LeaseBook::OnDropFailed(const VoteKey& key) {
  const auto it = orphans_.find(key);
  if (it == orphans_.end()) return;
  it->second.resting = true;
  if (++it->second.failures < kAttempts) return;
  unleased_.insert(key);
  orphans_.erase(it);
}

void LeaseBook::WakeOrphans() {
  for (auto& [key, orphan] : orphans_) orphan.resting = false;
}

}  // namespace bpmp::backend
