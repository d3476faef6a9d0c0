// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_MRQ_TYPES_H_
#define BROKER_MRQ_TYPES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <variant>

#include "broker/base/ids.h"

// The BPMP's messages as types: what a VM may ask, and what it is answered. Numbers and layouts
// are the firmware ABI's (docs/wire-formats.md has the tables); all integers are little-endian on
// the wire. Nothing here does I/O, and every function is total over its input.
namespace bpmp::mrq {

// Bytes of payload in a frame, either way. A request or answer never has more.
inline constexpr size_t kPayloadSize = 120;
// Clock ids have 24 bits on the wire, commands 8; both are always decoded at full width.
inline constexpr uint32_t kClockIdMask = 0x00ff'ffff;
// Candidate parents and name bytes (with the terminating NUL) in GET_ALL_INFO.
inline constexpr size_t kMaxParents = 16;
inline constexpr size_t kNameSize = 40;
inline constexpr size_t kFwTagSize = 32;
// Pairs of frequency and latency in EMC_DVFS_LATENCY.
inline constexpr size_t kMaxEmcPairs = 14;

// MRQ codes the broker knows by name. The numeric value is the code on the wire.
enum class Mrq : uint32_t {
  kPing = 0,
  kThreadedPing = 9,
  kReset = 20,
  kClk = 22,
  kQueryAbi = 23,
  kThermal = 27,
  kEmcDvfsLatency = 31,
  kPg = 66,
  kCpuNdivLimits = 67,
  kUphy = 69,
  kQueryFwTag = 71,
};

// BPMP error numbers. They are the firmware's own, not errno (ETIMEDOUT is 23, ENOTSUP 134), and
// are carried through unchanged: an answer holds 0 or the negative of one of these.
enum class Error : int32_t {
  kOk = 0,
  kPerm = 1,
  kNoEnt = 2,
  kNoHandler = 3,
  kIo = 5,
  kBadCmd = 6,
  kAgain = 11,
  kNoMem = 12,
  kAccess = 13,
  kFault = 14,
  kBusy = 16,
  kNoDev = 19,
  kIsDir = 21,
  kInval = 22,
  kTimedOut = 23,
  kRange = 34,
  kNoSys = 38,
  kBadSlot = 57,
  kNotSup = 134,
  kNxio = 140,
};

enum class ClkCmd : uint8_t {
  kGetRate = 1,
  kSetRate = 2,
  kRoundRate = 3,
  kGetParent = 4,
  kSetParent = 5,
  kIsEnabled = 6,
  kEnable = 7,
  kDisable = 8,
  kGetAllInfo = 14,
  kGetMaxClkId = 15,
  kGetFmaxAtVmin = 16,
};

enum class ResetCmd : uint32_t { kAssert = 1, kDeassert = 2, kModule = 3, kGetMaxId = 4 };

enum class PgCmd : uint32_t {
  kQueryAbi = 0,
  kSetState = 1,
  kGetState = 2,
  kGetName = 3,
  kGetMaxId = 4
};

enum class PgState : uint32_t { kOff = 0, kOn = 1, kRunning = 2 };

// THERMAL without SET_TRIP: a zone has one trip window for all users, so no VM may set it.
enum class ThermalCmd : uint32_t {
  kQueryAbi = 0,
  kGetTemp = 1,
  kGetNumZones = 3,
  kGetThermtrip = 4
};

enum class UphyCmd : uint16_t {
  kMarginControl = 1,
  kMarginStatus = 2,
  kEpControllerPllInit = 3,
  kControllerState = 4,
  kEpControllerPllOff = 5,
};

// Flags of GET_ALL_INFO.
namespace clk_flag {
inline constexpr uint32_t kHasMux = 1u << 0;
inline constexpr uint32_t kHasSetRate = 1u << 1;
inline constexpr uint32_t kIsRoot = 1u << 2;
inline constexpr uint32_t kIsVarRoot = 1u << 3;
// The asking master may not set rate or parent; Linux ≥ 6.2 then sends neither.
inline constexpr uint32_t kRateParentChangeDenied = 1u << 30;
// It may not enable or disable; Linux ≥ 6.2 then sends neither. Never without the bit above.
inline constexpr uint32_t kStateChangeDenied = 1u << 31;
}  // namespace clk_flag

// --- Requests -----------------------------------------------------------------------------------

struct PingRequest {
  bool threaded = false;  // THREADED_PING rather than PING
  uint32_t challenge = 0;
  friend bool operator==(const PingRequest&, const PingRequest&) = default;
};

struct QueryAbiRequest {
  uint32_t mrq = 0;  // any code, known or not
  friend bool operator==(const QueryAbiRequest&, const QueryAbiRequest&) = default;
};

struct QueryFwTagRequest {
  friend bool operator==(const QueryFwTagRequest&, const QueryFwTagRequest&) = default;
};

// `clock` is meaningless for kGetMaxClkId (kept as sent). `rate_hz` counts for kSetRate and
// kRoundRate, `parent` for kSetParent; they are zero otherwise.
struct ClkRequest {
  ClkCmd cmd = ClkCmd::kGetRate;
  ClockId clock;
  int64_t rate_hz = 0;
  ClockId parent;
  friend bool operator==(const ClkRequest&, const ClkRequest&) = default;
};

// `reset` is meaningless for kGetMaxId.
struct ResetRequest {
  ResetCmd cmd = ResetCmd::kAssert;
  ResetId reset;
  friend bool operator==(const ResetRequest&, const ResetRequest&) = default;
};

// `arg` is the state for kSetState and the command asked about for kQueryAbi; zero otherwise.
struct PgRequest {
  PgCmd cmd = PgCmd::kGetState;
  DomainId domain;
  uint32_t arg = 0;
  friend bool operator==(const PgRequest&, const PgRequest&) = default;
};

// `arg` is the zone, or for kQueryAbi the command asked about.
struct ThermalRequest {
  ThermalCmd cmd = ThermalCmd::kQueryAbi;
  uint32_t arg = 0;
  friend bool operator==(const ThermalRequest&, const ThermalRequest&) = default;
};

struct EmcDvfsLatencyRequest {
  friend bool operator==(const EmcDvfsLatencyRequest&, const EmcDvfsLatencyRequest&) = default;
};

struct CpuNdivLimitsRequest {
  uint32_t cluster = 0;
  friend bool operator==(const CpuNdivLimitsRequest&, const CpuNdivLimitsRequest&) = default;
};

// `payload` is what follows lane and command, at most 20 bytes, as the command defines it.
struct UphyRequest {
  uint16_t lane = 0;
  UphyCmd cmd = UphyCmd::kMarginStatus;
  std::array<uint8_t, 20> payload{};
  uint8_t payload_size = 0;
  friend bool operator==(const UphyRequest&, const UphyRequest&) = default;
};

// What a UPHY request asks of a PCIe controller: to be on or off itself, or for the PLL that it has
// as an endpoint to be.
struct PcieSwitch {
  PcieControllerId controller;
  bool pll = false;
  bool on = false;
  friend bool operator==(const PcieSwitch&, const PcieSwitch&) = default;
};

// Everything that a VM may send. What is not here can't be expressed, let alone forwarded.
using Request = std::variant<PingRequest, QueryAbiRequest, QueryFwTagRequest, ClkRequest,
                             ResetRequest, PgRequest, ThermalRequest, EmcDvfsLatencyRequest,
                             CpuNdivLimitsRequest, UphyRequest>;

// --- What the firmware asks ---------------------------------------------------------------------

// THERMAL HOST_TRIP_REACHED: the zone's temperature has left the window that its host had set.
// Everything that the firmware may say to a VM unasked.
struct HostTrip {
  ThermalZoneId zone;
  friend bool operator==(const HostTrip&, const HostTrip&) = default;
};

// --- Answers ------------------------------------------------------------------------------------

// One answer as it goes on the wire. `error` is 0 or a negative BPMP error. `data[0..size)` is the
// answer's payload, exact for its command; bytes past it are zero. An answer with an error has no
// payload unless the firmware sent one.
struct Response {
  int32_t error = 0;
  uint8_t size = 0;
  std::array<uint8_t, kPayloadSize> data{};

  bool ok() const { return error == 0; }
  friend bool operator==(const Response&, const Response&) = default;
};

// EMC_DVFS_LATENCY's answer; `pairs[0..count)` count.
struct EmcLatency {
  struct Pair {
    uint32_t khz = 0;
    uint32_t latency_ns = 0;
    friend bool operator==(const Pair&, const Pair&) = default;
  };
  uint32_t count = 0;  // at most kMaxEmcPairs
  std::array<Pair, kMaxEmcPairs> pairs{};
  friend bool operator==(const EmcLatency&, const EmcLatency&) = default;
};

// GET_ALL_INFO's answer. `name` is NUL-terminated; `parents[0..num_parents)` are the candidates.
struct ClkInfo {
  uint32_t flags = 0;
  ClockId parent;
  uint8_t num_parents = 0;  // at most kMaxParents
  std::array<ClockId, kMaxParents> parents{};
  std::array<char, kNameSize> name{};
  friend bool operator==(const ClkInfo&, const ClkInfo&) = default;
};

}  // namespace bpmp::mrq

#endif  // BROKER_MRQ_TYPES_H_
