// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_TESTING_REQUESTS_H_
#define BROKER_CORE_TESTING_REQUESTS_H_

#include <cstdint>

#include "broker/base/ids.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/types.h"

// The requests of a guest, one word each, for tests that read like a story.
namespace bpmp::core::testing {

// How requests end, as they are answered.
inline constexpr int32_t kIo = -5;
inline constexpr int32_t kBadCmd = -6;
inline constexpr int32_t kAgain = -11;
inline constexpr int32_t kAccess = -13;
inline constexpr int32_t kBusy = -16;
inline constexpr int32_t kNoDev = -19;
inline constexpr int32_t kInval = -22;

inline mrq::Request Clk(mrq::ClkCmd cmd, ClockId clock, int64_t hz = 0, ClockId parent = {}) {
  return mrq::ClkRequest{cmd, clock, hz, parent};
}
inline mrq::Request Enable(ClockId clock) { return Clk(mrq::ClkCmd::kEnable, clock); }
inline mrq::Request Disable(ClockId clock) { return Clk(mrq::ClkCmd::kDisable, clock); }
inline mrq::Request IsEnabled(ClockId clock) { return Clk(mrq::ClkCmd::kIsEnabled, clock); }
inline mrq::Request GetRate(ClockId clock) { return Clk(mrq::ClkCmd::kGetRate, clock); }
inline mrq::Request GetParent(ClockId clock) { return Clk(mrq::ClkCmd::kGetParent, clock); }
inline mrq::Request GetInfo(ClockId clock) { return Clk(mrq::ClkCmd::kGetAllInfo, clock); }
inline mrq::Request SetRate(ClockId clock, int64_t hz) {
  return Clk(mrq::ClkCmd::kSetRate, clock, hz);
}
inline mrq::Request RoundRate(ClockId clock, int64_t hz) {
  return Clk(mrq::ClkCmd::kRoundRate, clock, hz);
}
inline mrq::Request SetParent(ClockId clock, ClockId parent) {
  return Clk(mrq::ClkCmd::kSetParent, clock, 0, parent);
}

inline mrq::Request Assert(ResetId reset) {
  return mrq::ResetRequest{mrq::ResetCmd::kAssert, reset};
}
inline mrq::Request Deassert(ResetId reset) {
  return mrq::ResetRequest{mrq::ResetCmd::kDeassert, reset};
}
inline mrq::Request Pulse(ResetId reset) {
  return mrq::ResetRequest{mrq::ResetCmd::kModule, reset};
}

inline mrq::Request Pg(mrq::PgCmd cmd, DomainId domain, uint32_t arg = 0) {
  return mrq::PgRequest{cmd, domain, arg};
}
inline mrq::Request PowerOn(DomainId domain) {
  return Pg(mrq::PgCmd::kSetState, domain, static_cast<uint32_t>(mrq::PgState::kOn));
}
inline mrq::Request PowerOff(DomainId domain) {
  return Pg(mrq::PgCmd::kSetState, domain, static_cast<uint32_t>(mrq::PgState::kOff));
}
inline mrq::Request PcieOn(PcieControllerId controller) {
  return mrq::ToUphyRequest({controller, false, true});
}
inline mrq::Request PcieOff(PcieControllerId controller) {
  return mrq::ToUphyRequest({controller, false, false});
}
inline mrq::Request PllOn(PcieControllerId controller) {
  return mrq::ToUphyRequest({controller, true, true});
}
inline mrq::Request PllOff(PcieControllerId controller) {
  return mrq::ToUphyRequest({controller, true, false});
}
inline mrq::Request Thermal(mrq::ThermalCmd cmd, uint32_t arg = 0) {
  return mrq::ThermalRequest{cmd, arg};
}
inline mrq::Request Temperature(uint32_t zone) { return Thermal(mrq::ThermalCmd::kGetTemp, zone); }

inline mrq::Request PowerState(DomainId domain) { return Pg(mrq::PgCmd::kGetState, domain); }

}  // namespace bpmp::core::testing

#endif  // BROKER_CORE_TESTING_REQUESTS_H_
