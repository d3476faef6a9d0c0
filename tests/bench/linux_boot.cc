// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/linux_boot.h"

#include <cstdint>
#include <vector>

#include "tests/bench/guest_client.h"

namespace bpmp::bench {
namespace {

// Of Tegra234.
constexpr uint32_t kMaxClock = 476;
constexpr uint32_t kMaxDomain = 36;

v1::MrqRequest Clk(mrq::ClkCmd cmd, uint32_t clock) {
  mrq::ClkRequest request;
  request.cmd = cmd;
  request.clock = ClockId(clock);
  return Encode(request);
}

v1::MrqRequest Pg(mrq::PgCmd cmd, uint32_t domain) {
  mrq::PgRequest request;
  request.cmd = cmd;
  request.domain = DomainId(domain);
  return Encode(request);
}

}  // namespace

std::vector<v1::MrqRequest> LinuxBoot() {
  std::vector<v1::MrqRequest> boot;
  mrq::PingRequest ping;
  ping.challenge = 1;
  boot.push_back(Encode(ping));
  mrq::QueryAbiRequest abi;
  abi.mrq = static_cast<uint32_t>(mrq::Mrq::kQueryFwTag);
  boot.push_back(Encode(abi));
  boot.push_back(Encode(mrq::QueryFwTagRequest{}));
  boot.push_back(Clk(mrq::ClkCmd::kGetMaxClkId, 0));
  for (uint32_t id = 0; id <= kMaxClock; ++id) {
    boot.push_back(Clk(mrq::ClkCmd::kGetAllInfo, id));
  }
  for (uint32_t id = 1; id <= kMaxClock; ++id) boot.push_back(Clk(mrq::ClkCmd::kGetRate, id));
  for (uint32_t id = 0; id <= kMaxDomain; ++id) {
    boot.push_back(Pg(mrq::PgCmd::kGetName, id));
    boot.push_back(Pg(mrq::PgCmd::kGetState, id));
  }
  for (uint32_t id = 1; id <= kMaxClock; ++id) boot.push_back(Clk(mrq::ClkCmd::kIsEnabled, id));
  return boot;
}

}  // namespace bpmp::bench
