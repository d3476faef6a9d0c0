// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_COMPONENT_GUEST_REQUESTS_H_
#define TESTS_COMPONENT_GUEST_REQUESTS_H_

#include <cstdint>

#include "broker/mrq/types.h"

// What a guest asks, in few words; ids as in the Tegra234 model.
namespace bpmp::testing {

inline constexpr ClockId kUarta{155};
inline constexpr ClockId kVic{167};
inline constexpr ClockId kPllpOut0{102};
inline constexpr DomainId kVicDomain{29};
inline constexpr ResetId kUartaReset{100};

inline mrq::Request Clk(mrq::ClkCmd command, ClockId clock, int64_t rate_hz = 0) {
  return mrq::ClkRequest{command, clock, rate_hz, ClockId()};
}
inline mrq::Request Enable(ClockId clock) { return Clk(mrq::ClkCmd::kEnable, clock); }
inline mrq::Request Disable(ClockId clock) { return Clk(mrq::ClkCmd::kDisable, clock); }
inline mrq::Request IsEnabled(ClockId clock) { return Clk(mrq::ClkCmd::kIsEnabled, clock); }
inline mrq::Request GetRate(ClockId clock) { return Clk(mrq::ClkCmd::kGetRate, clock); }
inline mrq::Request Ping(uint32_t challenge) { return mrq::PingRequest{false, challenge}; }
inline mrq::Request Pg(mrq::PgCmd command, DomainId domain, uint32_t arg = 0) {
  return mrq::PgRequest{command, domain, arg};
}

inline constexpr int32_t Failed(mrq::Error error) { return -static_cast<int32_t>(error); }

}  // namespace bpmp::testing

#endif  // TESTS_COMPONENT_GUEST_REQUESTS_H_
