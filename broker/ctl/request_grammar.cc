// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/request_grammar.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/base/string_view.h"

namespace bpmp::ctl {
namespace {

using mrq::ClkCmd;
using mrq::PgCmd;
using mrq::PgState;
using mrq::ResetCmd;
using mrq::ThermalCmd;
using mrq::UphyCmd;

constexpr uint64_t kAnyU16 = std::numeric_limits<uint16_t>::max();
constexpr uint64_t kAnyU32 = std::numeric_limits<uint32_t>::max();

uint32_t U32(const Values& values, size_t position) {
  return static_cast<uint32_t>(values.number[position]);
}

template <ClkCmd cmd>
mrq::Request Clk(const Values& values) {
  mrq::ClkRequest request;
  request.cmd = cmd;
  request.clock = ClockId(U32(values, 0));
  if constexpr (cmd == ClkCmd::kSetRate || cmd == ClkCmd::kRoundRate) {
    request.rate_hz = values.number[1];
  } else if constexpr (cmd == ClkCmd::kSetParent) {
    request.parent = ClockId(U32(values, 1));
  }
  return request;
}

template <ResetCmd cmd>
mrq::Request Reset(const Values& values) {
  return mrq::ResetRequest{cmd, ResetId(U32(values, 0))};
}

template <PgCmd cmd, PgState state = PgState::kOff>
mrq::Request Pg(const Values& values) {
  const uint32_t arg = cmd == PgCmd::kQueryAbi
                           ? U32(values, 1)
                           : (cmd == PgCmd::kSetState ? static_cast<uint32_t>(state) : 0);
  return mrq::PgRequest{cmd, DomainId(U32(values, 0)), arg};
}

template <ThermalCmd cmd>
mrq::Request Thermal(const Values& values) {
  return mrq::ThermalRequest{cmd, U32(values, 0)};
}

template <UphyCmd cmd>
mrq::Request Uphy(const Values& values) {
  mrq::UphyRequest request;
  request.cmd = cmd;
  request.lane = static_cast<uint16_t>(values.number[0]);
  const size_t size = std::min(values.bytes.size(), request.payload.size());
  std::copy_n(values.bytes.begin(), size, request.payload.begin());
  request.payload_size = static_cast<uint8_t>(size);
  return request;
}

template <bool threaded>
mrq::Request Ping(const Values& values) {
  return mrq::PingRequest{threaded, U32(values, 0)};
}

mrq::Request QueryAbi(const Values& values) { return mrq::QueryAbiRequest{U32(values, 0)}; }
mrq::Request QueryFwTag(const Values& /*values*/) { return mrq::QueryFwTagRequest{}; }
mrq::Request EmcLatency(const Values& /*values*/) { return mrq::EmcDvfsLatencyRequest{}; }
mrq::Request NdivLimits(const Values& values) { return mrq::CpuNdivLimitsRequest{U32(values, 0)}; }

constexpr Argument kNo;
constexpr Argument kClock = {ArgumentKind::kClock, "CLOCK", 0, false, 0};
constexpr Argument kParent = {ArgumentKind::kClock, "PARENT", 0, false, 0};
constexpr Argument kReset = {ArgumentKind::kReset, "RESET", 0, false, 0};
constexpr Argument kDomain = {ArgumentKind::kDomain, "DOMAIN", 0, false, 0};
constexpr Argument kRate = {ArgumentKind::kRate, "RATE", 0, false, 0};
constexpr Argument kMinRate = {ArgumentKind::kRate, "MIN-RATE", 0, false, 0};
constexpr Argument kMaxRate = {ArgumentKind::kRate, "MAX-RATE", 0, false, 0};
constexpr Argument kMrqCode = {ArgumentKind::kMrq, "MRQ", 0, false, 0};
constexpr Argument kBytes = {ArgumentKind::kBytes, "BYTES", 0, true, 0};
constexpr Argument kChallenge = {ArgumentKind::kNumber, "CHALLENGE", kAnyU32, true, 1};
constexpr Argument kCommand = {ArgumentKind::kNumber, "COMMAND", kAnyU32, false, 0};
constexpr Argument kZone = {ArgumentKind::kNumber, "ZONE", kAnyU32, false, 0};
constexpr Argument kCluster = {ArgumentKind::kNumber, "CLUSTER", kAnyU32, false, 0};
constexpr Argument kLane = {ArgumentKind::kNumber, "LANE", kAnyU16, false, 0};

constexpr Form kForms[] = {
    {"clk", "enable", {kClock, kNo, kNo}, Clk<ClkCmd::kEnable>},
    {"clk", "disable", {kClock, kNo, kNo}, Clk<ClkCmd::kDisable>},
    {"clk", "is-enabled", {kClock, kNo, kNo}, Clk<ClkCmd::kIsEnabled>},
    {"clk", "get-rate", {kClock, kNo, kNo}, Clk<ClkCmd::kGetRate>},
    {"clk", "set-rate", {kClock, kRate, kNo}, Clk<ClkCmd::kSetRate>},
    {"clk", "set-rate-range", {kClock, kMinRate, kMaxRate}, Clk<ClkCmd::kSetRate>, true},
    {"clk", "round-rate", {kClock, kRate, kNo}, Clk<ClkCmd::kRoundRate>},
    {"clk", "get-parent", {kClock, kNo, kNo}, Clk<ClkCmd::kGetParent>},
    {"clk", "set-parent", {kClock, kParent, kNo}, Clk<ClkCmd::kSetParent>},
    {"clk", "info", {kClock, kNo, kNo}, Clk<ClkCmd::kGetAllInfo>},
    {"clk", "max-id", {kNo, kNo, kNo}, Clk<ClkCmd::kGetMaxClkId>},
    {"clk", "fmax-at-vmin", {kClock, kNo, kNo}, Clk<ClkCmd::kGetFmaxAtVmin>},
    {"reset", "assert", {kReset, kNo, kNo}, Reset<ResetCmd::kAssert>},
    {"reset", "deassert", {kReset, kNo, kNo}, Reset<ResetCmd::kDeassert>},
    {"reset", "pulse", {kReset, kNo, kNo}, Reset<ResetCmd::kModule>},
    {"reset", "max-id", {kNo, kNo, kNo}, Reset<ResetCmd::kGetMaxId>},
    {"pg", "on", {kDomain, kNo, kNo}, Pg<PgCmd::kSetState, PgState::kOn>},
    {"pg", "off", {kDomain, kNo, kNo}, Pg<PgCmd::kSetState, PgState::kOff>},
    {"pg", "running", {kDomain, kNo, kNo}, Pg<PgCmd::kSetState, PgState::kRunning>},
    {"pg", "get", {kDomain, kNo, kNo}, Pg<PgCmd::kGetState>},
    {"pg", "name", {kDomain, kNo, kNo}, Pg<PgCmd::kGetName>},
    {"pg", "max-id", {kNo, kNo, kNo}, Pg<PgCmd::kGetMaxId>},
    {"pg", "query-abi", {kDomain, kCommand, kNo}, Pg<PgCmd::kQueryAbi>},
    {"ping", "", {kChallenge, kNo, kNo}, Ping<false>},
    {"threaded-ping", "", {kChallenge, kNo, kNo}, Ping<true>},
    {"query-abi", "", {kMrqCode, kNo, kNo}, QueryAbi},
    {"fw-tag", "", {kNo, kNo, kNo}, QueryFwTag},
    {"thermal", "temp", {kZone, kNo, kNo}, Thermal<ThermalCmd::kGetTemp>},
    {"thermal", "zones", {kNo, kNo, kNo}, Thermal<ThermalCmd::kGetNumZones>},
    {"thermal", "trip", {kZone, kNo, kNo}, Thermal<ThermalCmd::kGetThermtrip>},
    {"thermal", "query-abi", {kCommand, kNo, kNo}, Thermal<ThermalCmd::kQueryAbi>},
    {"emc-latency", "", {kNo, kNo, kNo}, EmcLatency},
    {"ndiv-limits", "", {kCluster, kNo, kNo}, NdivLimits},
    {"uphy", "margin-control", {kLane, kBytes, kNo}, Uphy<UphyCmd::kMarginControl>},
    {"uphy", "margin-status", {kLane, kNo, kNo}, Uphy<UphyCmd::kMarginStatus>},
    {"uphy", "pll-init", {kLane, kBytes, kNo}, Uphy<UphyCmd::kEpControllerPllInit>},
    {"uphy", "controller-state", {kLane, kBytes, kNo}, Uphy<UphyCmd::kControllerState>},
    {"uphy", "pll-off", {kLane, kBytes, kNo}, Uphy<UphyCmd::kEpControllerPllOff>},
};

}  // namespace

absl::Span<const Form> Forms() { return kForms; }

std::string Usage(const Form& form) {
  std::string usage(form.noun);
  if (!form.verb.empty()) {
    absl::StrAppend(&usage, " ", ToAbsl(form.verb));
  }
  for (const Argument& argument : form.arguments) {
    if (argument.kind != ArgumentKind::kNone) {
      absl::StrAppend(&usage, argument.optional ? " [" : " ", ToAbsl(argument.name),
                      argument.optional ? "]" : "");
    }
  }
  return usage;
}

std::string GrammarHelp() {
  std::string help = "Requests:\n";
  for (const Form& form : kForms) {
    absl::StrAppend(&help, "  ", Usage(form), "\n");
  }
  absl::StrAppend(&help,
                  "  raw MRQ [WORD|hex:BYTES]... [rx=N]\n"
                  "CLOCK, RESET and DOMAIN are names or ids. A RATE is 48MHz, 1.5GHz or 48000000.\n"
                  "A WORD is 32 bits, sent little-endian (raw 22 0x0700009b enables clock 155);\n"
                  "BYTES are hex digits in the order in which they are sent.");
  return help;
}

}  // namespace bpmp::ctl
