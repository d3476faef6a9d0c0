// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_POLICY_DIFF_H_
#define BROKER_CORE_POLICY_DIFF_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/core/names.h"
#include "broker/core/policy.h"
#include "broker/core/resource.h"

namespace bpmp::core {

// One permission that a VM gets, loses, or has in another degree; closed over ancestors.
struct AccessChange {
  Resource resource;
  Access before = Access::kNone;
  Access after = Access::kNone;
  bool derived = false;  // the higher of the two comes from a clock that runs from it
};

// What a new policy changes for one VM.
struct VmDifference {
  enum class Kind : uint8_t { kAdded, kRemoved, kChanged };
  std::string name;
  Kind kind = Kind::kChanged;
  std::vector<AccessChange> access;
  // What it votes for, or has deasserted, and may no longer. Of a VM that is removed: all of it.
  std::vector<Resource> unallowed;
  // Clocks whose GET_ALL_INFO the VM has read in this epoch and that read differently: a kernel
  // reads them once.
  std::vector<Resource> seen_after_reboot;
  // All of it in words, and what else changes in its entry; one line each, without the VM's name.
  std::vector<std::string> text;
};

// What one policy changes in another, and in what VMs hold by it (Core::Compare).
struct PolicyDifference {
  std::vector<VmDifference> vms;   // for which something changes, in the order of their slots
  std::vector<std::string> board;  // rate policies, shared resets, pins: in words

  bool empty() const { return vms.empty() && board.empty(); }
};

// Of what is written alone, without what the VMs' closures or holds make of it.
std::vector<std::string> CompareBoards(const Policy& before, const Policy& after,
                                       const Names& names);
std::vector<std::string> CompareEntries(const VmPolicy& before, const VmPolicy& after,
                                        const Names& names);
// Permissions in words: "gains 'exclusive' on clock uarta, reset uarta".
std::vector<std::string> AccessLines(const std::vector<AccessChange>& access, const Names& names);
// "clock uarta, reset uarta".
std::string ResourceList(const std::vector<Resource>& resources, const Names& names);

// "exclusive".
std::string_view AccessName(Access access);

}  // namespace bpmp::core

#endif  // BROKER_CORE_POLICY_DIFF_H_
