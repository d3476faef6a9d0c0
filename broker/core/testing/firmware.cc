// SPDX-License-Identifier: Apache-2.0
#include "broker/core/testing/firmware.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "broker/mrq/codec.h"

namespace bpmp::core::testing {

using mrq::ClkCmd;
using mrq::Error;
using mrq::PgCmd;
using mrq::ResetCmd;

Firmware::Firmware(const Inventory& inventory) : resets_(inventory.max_reset_id + 1) {
  for (const ClockInfo& info : inventory.clocks) {
    ClockState clock;
    clock.flags = info.flags;
    clock.exists = info.exists();
    clock.on = info.found_on;
    clock.rate_hz = info.rate_hz;
    clock.parent = info.parent;
    clock.parents = info.parents;
    clocks_.push_back(std::move(clock));
  }
  for (const DomainInfo& info : inventory.domains) domains_.push_back(info.found_on);
}

int64_t Firmware::Round(int64_t hz) { return std::clamp(hz / kStep * kStep, kStep, kMaxRate); }

mrq::Response Firmware::Perform(const mrq::Request& request) {
  if (const auto* clk = std::get_if<mrq::ClkRequest>(&request)) return PerformClk(*clk);
  if (const auto* reset = std::get_if<mrq::ResetRequest>(&request)) return PerformReset(*reset);
  if (const auto* pg = std::get_if<mrq::PgRequest>(&request)) return PerformPg(*pg);
  if (const auto* uphy = std::get_if<mrq::UphyRequest>(&request)) return PerformUphy(*uphy);
  if (const auto* thermal = std::get_if<mrq::ThermalRequest>(&request)) {
    return PerformThermal(*thermal);
  }
  if (std::holds_alternative<mrq::EmcDvfsLatencyRequest>(request)) {
    return mrq::OkEmcLatency({1, {{{204'000, 1'180}}}});
  }
  return mrq::Fail(Error::kInval);
}

int64_t Firmware::Divider(int64_t pll_hz, int64_t hz) {
  return std::max<int64_t>(1, (pll_hz + hz / 2) / hz);
}

bool Firmware::Feeds(ClockId above, ClockId clock) const {
  for (auto parent = clocks_[clock.value()].parent; parent;
       parent = clocks_[parent->value()].parent) {
    if (*parent == above) return true;
  }
  return false;
}

void Firmware::SetPll(ClockId pll, int64_t hz) {
  const int64_t before = std::exchange(clocks_[pll.value()].rate_hz, hz);
  for (uint32_t id = 0; id < clocks_.size(); ++id) {
    ClockState& clock = clocks_[id];
    if (!clock.exists || !Feeds(pll, ClockId(id))) continue;
    clock.rate_hz = hz / Divider(before, clock.rate_hz);
  }
}

void Firmware::SetRate(ClockId clock, int64_t hz) {
  // Four times the rate asked for: what a PLL with a divider of four would run at.
  constexpr int64_t kDivider = 4;
  int64_t real = Round(hz);
  for (const ClockId pll : plls_) {
    if (pll == clock) return SetPll(pll, hz);
    if (!Feeds(pll, clock)) continue;
    const int64_t feeds = clocks_[pll.value()].rate_hz;
    if (feeds / Divider(feeds, hz) == hz) {
      real = hz;
    } else if (feeds % real != 0) {
      SetPll(pll, real * kDivider);
    }
  }
  const int64_t by = real - clocks_[clock.value()].rate_hz;
  clocks_[clock.value()].rate_hz = real;
  for (const Coupling& pair : coupled_) {
    if (pair.cause == clock) clocks_[pair.moved.value()].rate_hz += by;
  }
}

mrq::Response Firmware::PerformClk(const mrq::ClkRequest& request) {
  if (request.clock.value() >= clocks_.size() || !clocks_[request.clock.value()].exists) {
    return mrq::Fail(Error::kInval);
  }
  ClockState& clock = clocks_[request.clock.value()];
  switch (request.cmd) {
    case ClkCmd::kEnable:
      clock.on = true;
      return mrq::Ok();
    case ClkCmd::kDisable:
      clock.on = false;
      return mrq::Ok();
    case ClkCmd::kIsEnabled:
      return mrq::OkU32(clock.on ? 1 : 0);
    case ClkCmd::kGetRate:
      return mrq::OkRate(clock.rate_hz);
    case ClkCmd::kSetRate:
      if ((clock.flags & mrq::clk_flag::kHasSetRate) == 0) return mrq::Fail(Error::kInval);
      SetRate(request.clock, request.rate_hz);
      return mrq::OkRate(clock.rate_hz);
    case ClkCmd::kRoundRate:
      return (clock.flags & mrq::clk_flag::kHasSetRate) == 0 ? mrq::OkRate(clock.rate_hz)
                                                             : mrq::OkRate(Round(request.rate_hz));
    case ClkCmd::kGetParent:
      return clock.parent ? mrq::OkU32(clock.parent->value()) : mrq::Fail(Error::kInval);
    case ClkCmd::kSetParent:
      if (std::find(clock.parents.begin(), clock.parents.end(), request.parent) ==
          clock.parents.end()) {
        return mrq::Fail(Error::kInval);
      }
      clock.parent = request.parent;
      return mrq::OkU32(request.parent.value());
    case ClkCmd::kGetFmaxAtVmin:
      return mrq::OkRate(kMaxRate);
    default:
      return mrq::Fail(Error::kBadCmd);
  }
}

mrq::Response Firmware::PerformReset(const mrq::ResetRequest& request) {
  if (request.reset.value() >= resets_.size()) return mrq::Fail(Error::kInval);
  Reset& reset = resets_[request.reset.value()];
  switch (request.cmd) {
    case ResetCmd::kAssert:
      reset.asserted = true;
      return mrq::Ok();
    case ResetCmd::kDeassert:
      reset.asserted = false;
      return mrq::Ok();
    case ResetCmd::kModule:
      reset.asserted = false;
      ++reset.pulses;
      return mrq::Ok();
    default:
      return mrq::Fail(Error::kBadCmd);
  }
}

mrq::Response Firmware::PerformPg(const mrq::PgRequest& request) {
  if (request.domain.value() >= domains_.size()) return mrq::Fail(Error::kInval);
  const size_t id = request.domain.value();
  if (request.cmd == PgCmd::kSetState) {
    domains_[id] = request.arg != 0;
    return mrq::Ok();
  }
  if (request.cmd == PgCmd::kGetState) return mrq::OkU32(domains_[id] ? 1 : 0);
  return mrq::Fail(Error::kBadCmd);
}

mrq::Response Firmware::PerformUphy(const mrq::UphyRequest& request) {
  const auto pcie = mrq::PcieSwitchOf(request);
  if (!pcie || pcie->controller.value() >= pcie_.size()) return mrq::Fail(Error::kInval);
  Pcie& state = pcie_[pcie->controller.value()];
  (pcie->pll ? state.pll : state.on) = pcie->on;
  return mrq::Ok();
}

mrq::Response Firmware::PerformThermal(const mrq::ThermalRequest& request) {
  if (request.cmd == mrq::ThermalCmd::kGetNumZones) return mrq::OkU32(kZones);
  return request.arg < kZones ? mrq::OkU32(static_cast<uint32_t>(kTemperature))
                              : mrq::Fail(Error::kInval);
}

}  // namespace bpmp::core::testing
