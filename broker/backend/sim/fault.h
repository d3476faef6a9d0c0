// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_SIM_FAULT_H_
#define BROKER_BACKEND_SIM_FAULT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/base/ids.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/types.h"

// Faults that a simulated BPMP is told to have.
namespace bpmp::backend::sim {

// What happens instead of a normal call.
enum class FaultEffect : uint8_t {
  kNone,         // only the delay
  kError,        // the firmware refuses: not applied, answered with an error
  kHang,         // nothing happens until the hang is released; then the call goes on normally
  kLost,         // applied, but the answer never comes: DeadlineExceeded
  kDrop,         // not applied, and no answer either: DeadlineExceeded
  kUnavailable,  // the transport refuses: not applied
  kDrift,        // applied and answered, and undone at once by the host behind the broker's back
};

// A temperature that a thermal zone has from now on, which may reach its trip.
struct Heat {
  ThermalZoneId zone;
  int32_t milli_c = 0;
};

// Which requests are affected, and how. A default Fault matches every request and does nothing.
struct Fault {
  std::optional<uint32_t> mrq;
  std::string command;         // as mrq::CommandName() says; empty for any
  std::optional<uint32_t> id;  // of the clock, reset, power domain or thermal zone
  FaultEffect effect = FaultEffect::kNone;
  mrq::Error error = mrq::Error::kIo;  // for kError
  absl::Duration delay;                // before anything else
  std::optional<Heat> heat;            // before the request is handled
  uint64_t nth = 1;                    // the first matching request that is affected, from 1
  uint64_t every = 1;                  // and then each so many-th
  uint64_t count = 0;                  // at most so many in all; 0 for no limit

  bool Matches(const mrq::Request& request) const;
};

// Reads a fault: which requests, what happens, when.
//
//   CLK ENABLE uarta error=EIO count=2      the first two ENABLEs of UARTA are refused
//   CLK * 155 delay=50ms                    whatever is asked of clock 155 takes 50 ms longer
//   RESET hang nth=3                        the third RESET hangs
//   PG SET_STATE 18 lost every=10           each tenth, starting with the first
//   * unavailable                           nothing works
//   THERMAL GET_TEMP heat=8:96000 nth=5     when a zone is read for the fifth time, zone 8 is hot
//
// Requests: `*` or an MRQ, then perhaps a command or `*`, then perhaps an id or a Tegra234 name.
// Effects: delay=DURATION, heat=ZONE:MILLIDEGREES, and at most one of error=NAME, hang, lost, drop,
// unavailable, drift. When: nth=N (from the Nth on; without `count` or `every` only the Nth),
// every=N, count=N. InvalidArgument says which word is wrong and what is possible.
absl::StatusOr<Fault> ParseFault(std::string_view text);

// The text that ParseFault() would read as this fault.
std::string ToText(const Fault& fault);

// Faults in force, in the order in which they were added. Not thread-safe.
class FaultTable {
 public:
  struct Entry {
    uint64_t id = 0;  // never reused
    Fault fault;
    uint64_t seen = 0;   // requests that matched
    uint64_t fired = 0;  // and were affected
  };

  uint64_t Add(Fault fault);
  bool Remove(uint64_t id);  // false when there is no such fault
  void Clear() { entries_.clear(); }
  const std::vector<Entry>& entries() const { return entries_; }

  // Of the faults that match, the first whose turn it is. All that match count the request.
  std::optional<Fault> Fire(const mrq::Request& request);

 private:
  uint64_t next_id_ = 1;
  std::vector<Entry> entries_;
};

}  // namespace bpmp::backend::sim

#endif  // BROKER_BACKEND_SIM_FAULT_H_
