// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_LEASE_BOOK_H_
#define BROKER_BACKEND_LEASE_BOOK_H_

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "broker/base/ids.h"
#include "broker/base/strong_id.h"
#include "broker/core/resource.h"
#include "broker/mrq/types.h"

namespace bpmp::backend {

struct LeaseTag {
  static constexpr const char* kName = "lease";
};
// What bounds the life of votes: a connection. Chosen by the engine, never reused.
using LeaseId = StrongId<LeaseTag, uint64_t>;
inline constexpr LeaseId kNoLease{0};  // until the VM is released

// One VM's vote for a clock or power domain.
struct VoteKey {
  VmId vm;
  core::Resource resource;
  friend constexpr auto operator<=>(const VoteKey&, const VoteKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const VoteKey& key) {
    return H::combine(std::move(h), key.vm.value(), key.resource);
  }
};

// The vote that a request adds or drops; absent for a request of another kind.
std::optional<VoteKey> VoteAddedBy(VmId vm, const mrq::Request& request);
std::optional<VoteKey> VoteDroppedBy(VmId vm, const mrq::Request& request);

// Who asked for each vote: somebody without a lease, or leases alone. A vote is an orphan once only
// leases had asked for it and all of them have ended: somebody has to drop it. Pure bookkeeping;
// not thread-safe.
class LeaseBook {
 public:
  // How often an orphan that can't be dropped is tried.
  static constexpr int kAttempts = 3;

  // `rank` says in which order orphans of a VM are dropped: the highest first.
  explicit LeaseBook(std::function<int(core::Resource)> rank) : rank_(std::move(rank)) {}

  LeaseId Open();
  void End(LeaseId lease);

  // A request of `vm`, made with `lease` or none, was answered without error.
  void OnSuccess(VmId vm, const mrq::Request& request, LeaseId lease);
  // All that the VM voted for is void.
  void Forget(VmId vm);

  // --- Orphans ---

  bool has_orphans() const { return !orphans_.empty(); }
  std::set<VmId> VmsWithOrphans() const;
  // The VM's next orphan for which `ready` is true.
  std::optional<VoteKey> NextOrphan(VmId vm,
                                    const std::function<bool(const VoteKey&)>& ready) const;
  // The request that was to drop the orphan failed: it rests until WakeOrphans(), and after
  // kAttempts failures the vote is left to the VM's release.
  void OnDropFailed(const VoteKey& key);
  void WakeOrphans();

 private:
  struct Orphan {
    int rank = 0;
    int failures = 0;
    bool resting = false;
  };
  void AddOrphan(const VoteKey& key);

  const std::function<int(core::Resource)> rank_;
  uint64_t next_lease_ = 1;
  absl::flat_hash_set<LeaseId> live_;
  absl::flat_hash_set<VoteKey> unleased_;  // somebody without a lease asked
  // Who asked, where nobody without a lease did; only live ones.
  std::map<VoteKey, std::set<LeaseId>> leased_;
  std::map<VoteKey, Orphan> orphans_;
};

}  // namespace bpmp::backend

#endif  // BROKER_BACKEND_LEASE_BOOK_H_
