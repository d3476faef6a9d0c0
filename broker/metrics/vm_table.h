// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_METRICS_VM_TABLE_H_
#define BROKER_METRICS_VM_TABLE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "broker/backend/engine.h"
#include "broker/base/ids.h"
#include "broker/core/event.h"
#include "broker/metrics/lazy_counts.h"
#include "broker/metrics/request_labels.h"

namespace bpmp::metrics {

// All that is counted by VM.
struct VmCounts {
  static constexpr size_t kReasons = static_cast<size_t>(core::Reason::kReasonCount);

  std::array<LazyCounts<kResults>, kRequestKinds> requests;
  LazyCounts<kReasons> denials;
  LazyCounts<kReasons> conflicts;
  LazyCounts<kReasons> would_denials;
  Count unbalanced{0};
  std::array<Count, backend::kNotifiedCount> notified{};

  void Clear();
};

// The counts of every VM, found by the VM's number without a lock. The host and at most kMaxVms VMs
// have counts of their own, made when the VM is defined; the others share one set, as do VMs that
// are gone.
// Thread-safe. A VM's counts are reused after Remove(), never freed: a count that is on its way
// while its VM is removed may be lost or go to a successor, which is as harmless as it is rare.
class VmTable {
 public:
  static constexpr size_t kMaxVms = 1024;

  VmTable();

  // Gives a VM counts of its own if there is room. To be called from one thread at a time, as
  // Remove(). Idempotent.
  void Add(VmId vm);
  void Remove(VmId vm);

  VmCounts& Of(VmId vm) {
    for (size_t probe = 0; probe < kProbes; ++probe) {
      Slot& slot = slots_[(vm.value() + probe) % kSlots];
      if (slot.owner.load(std::memory_order_acquire) == OwnerOf(vm)) return *slot.counts;
    }
    return others_;
  }

  struct Entry {
    std::optional<VmId> vm;  // none: the others
    const VmCounts* counts = nullptr;
  };
  std::vector<Entry> Entries() const;

 private:
  static constexpr size_t kSlots = kMaxVms + 1;  // and the host
  // A VM is found at its home or close behind; numbers are given in sequence, so that homes rarely
  // collide.
  static constexpr size_t kProbes = 8;
  static uint64_t OwnerOf(VmId vm) { return uint64_t{vm.value()} + 1; }

  struct Slot {
    std::atomic<uint64_t> owner{0};    // VmId + 1; 0: free
    std::unique_ptr<VmCounts> counts;  // set before the slot's first owner, never changed after
  };
  std::array<Slot, kSlots> slots_;
  VmCounts others_;
};

}  // namespace bpmp::metrics

#endif  // BROKER_METRICS_VM_TABLE_H_
