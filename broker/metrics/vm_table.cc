// SPDX-License-Identifier: Apache-2.0
#include "broker/metrics/vm_table.h"

namespace bpmp::metrics {

RequestCounts::~RequestCounts() {
  for (const auto& results : kinds_) delete results.load(std::memory_order_relaxed);
}

Count& RequestCounts::At(size_t kind, size_t result) {
  Results* results = kinds_[kind].load(std::memory_order_acquire);
  if (results == nullptr) {
    auto made = std::make_unique<Results>();
    // Whoever comes second finds the first's in `results`.
    if (kinds_[kind].compare_exchange_strong(results, made.get(), std::memory_order_acq_rel)) {
      results = made.release();
    }
  }
  return (*results)[result];
}

uint64_t RequestCounts::Get(size_t kind, size_t result) const {
  const Results* const results = kinds_[kind].load(std::memory_order_acquire);
  return results == nullptr ? 0 : (*results)[result].load(std::memory_order_relaxed);
}

void RequestCounts::Clear() {
  for (const auto& kind : kinds_) {
    Results* const results = kind.load(std::memory_order_acquire);
    if (results == nullptr) continue;
    for (Count& count : *results) count.store(0, std::memory_order_relaxed);
  }
}

void VmCounts::Clear() {
  const auto zero = [](Count& count) { count.store(0, std::memory_order_relaxed); };
  requests.Clear();
  for (Count& count : denials) zero(count);
  for (Count& count : conflicts) zero(count);
  zero(unbalanced);
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
