// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BASE_IDS_H_
#define BROKER_BASE_IDS_H_

#include <cstdint>

#include "broker/base/strong_id.h"

namespace bpmp {

struct ClockTag {
  static constexpr const char* kName = "clock";
};
struct ResetTag {
  static constexpr const char* kName = "reset";
};
struct DomainTag {
  static constexpr const char* kName = "power domain";
};
struct PcieControllerTag {
  static constexpr const char* kName = "PCIe controller";
};
struct ThermalZoneTag {
  static constexpr const char* kName = "thermal zone";
};
struct VmTag {
  static constexpr const char* kName = "vm";
};
struct TicketTag {
  static constexpr const char* kName = "ticket";
};
struct TransferTag {
  static constexpr const char* kName = "transfer";
};

// Firmware ids, full width. Clock ids are 24 bits on the wire (mrq/types.h).
using ClockId = StrongId<ClockTag>;
using ResetId = StrongId<ResetTag>;
using DomainId = StrongId<DomainTag>;
using PcieControllerId = StrongId<PcieControllerTag>;
using ThermalZoneId = StrongId<ThermalZoneTag>;

// A slot in the broker's table of agents: 0 is the host, 1.. are VMs. A slot is not reused while
// the daemon runs, so a VmId in an old log line names one VM for good.
using VmId = StrongId<VmTag>;
inline constexpr VmId kHost{0};

// One request that waits for its answer, chosen by whoever submits it; unique while it waits.
using Ticket = StrongId<TicketTag, uint64_t>;
// One call of the backend, chosen by the core; never reused.
using TransferId = StrongId<TransferTag, uint64_t>;

}  // namespace bpmp

#endif  // BROKER_BASE_IDS_H_
