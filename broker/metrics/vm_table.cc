// SPDX-License-Identifier: Apache-2.0
#include "broker/metrics/vm_table.h"

namespace bpmp::metrics {

void VmCounts::Clear() {
  for (auto& results : requests) results.Clear();
  denials.Clear();
  conflicts.Clear();
  would_denials.Clear();
  unbalanced.store(0, std::memory_order_relaxed);
  for (Count& count : notified) count.store(0, std::memory_order_relaxed);
}

VmTable::VmTable() { Add(kHost); }

void VmTable::Add(VmId vm) {
  if (&Of(vm) != &others_) return;
  for (size_t probe = 0; probe < kProbes; ++probe) {
    Slot& slot = slots_[(vm.value() + probe) % kSlots];
    if (slot.owner.load(std::memory_order_relaxed) != 0) continue;
    if (slot.counts == nullptr) {
      slot.counts = std::make_unique<VmCounts>();
    } else {
      slot.counts->Clear();
    }
    slot.owner.store(OwnerOf(vm), std::memory_order_release);
    return;
  }
}

void VmTable::Remove(VmId vm) {
  for (Slot& slot : slots_) {
    if (slot.owner.load(std::memory_order_relaxed) == OwnerOf(vm)) {
      slot.owner.store(0, std::memory_order_release);
    }
  }
}

std::vector<VmTable::Entry> VmTable::Entries() const {
  std::vector<Entry> entries;
  for (const Slot& slot : slots_) {
    const uint64_t owner = slot.owner.load(std::memory_order_acquire);
    if (owner != 0) {
      entries.push_back({VmId(static_cast<uint32_t>(owner - 1)), slot.counts.get()});
    }
  }
  entries.push_back({std::nullopt, &others_});
  return entries;
}

}  // namespace bpmp::metrics
