// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_ASKED_H_
#define BROKER_CORE_ASKED_H_

#include <cstdint>
#include <vector>

#include "broker/base/ids.h"
#include "broker/core/inventory.h"
#include "broker/core/ledger.h"
#include "broker/mrq/types.h"

namespace bpmp::core {

// What each VM has asked for, allowed or not: what a policy for it would have to allow. One byte
// for each resource of the board and each VM that has asked for anything, so that no guest makes it
// grow.
class Asked {
 public:
  // Bits of what was asked of one resource.
  // To enable a clock, to power a domain, to switch a PCIe controller.
  static constexpr uint8_t kVote = 1;
  static constexpr uint8_t kRate = 2;    // to set its rate
  static constexpr uint8_t kParent = 4;  // to set its parent
  static constexpr uint8_t kReset = 8;   // to drive it
  static constexpr uint8_t kInfo = 16;   // GET_ALL_INFO, in this epoch
  static constexpr uint8_t kNeeds = kVote | kRate | kParent | kReset;

  // `lines` is not owned.
  explicit Asked(const LineMap* lines) : lines_(*lines) {}

  // What has no line.
  struct Reads {
    uint32_t thermal_zones = 0;  // bits
    bool thermal = false;        // anything of MRQ_THERMAL
    bool emc_latency = false;
  };

  // Ids that the board doesn't have are ignored.
  void Note(VmId vm, const mrq::Request& request);
  uint8_t Of(VmId vm, Line line) const;
  Reads ReadsOf(VmId vm) const;
  // A new epoch begins: a kernel boots and reads everything anew.
  void ForgetInfo(VmId vm);
  // The slot has a new entry in the policy.
  void Forget(VmId vm);

 private:
  void Add(VmId vm, Resource resource, uint8_t bit);
  void NoteRead(VmId vm, const mrq::Request& request);
  Reads& ReadsFor(VmId vm);

  const LineMap& lines_;
  std::vector<std::vector<uint8_t>> vms_;  // by slot; empty for who has asked for nothing
  std::vector<Reads> reads_;               // by slot
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_ASKED_H_
