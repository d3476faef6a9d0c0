// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_TESTING_FIRMWARE_H_
#define BROKER_CORE_TESTING_FIRMWARE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "broker/base/ids.h"
#include "broker/core/inventory.h"
#include "broker/mrq/types.h"

namespace bpmp::core::testing {

// A BPMP that fits on a page, with one master: what the core's requests did to it can be looked at.
// Rates are multiples of 1 MHz from 1 MHz to 1 GHz, rounded down, and depend on nothing else unless
// two clocks are coupled.
class Firmware {
 public:
  static constexpr int64_t kStep = 1'000'000;
  static constexpr int64_t kMaxRate = 1'000'000'000;

  explicit Firmware(const Inventory& inventory);

  mrq::Response Perform(const mrq::Request& request);

  // Setting the rate of `cause` moves that of `moved` by as much.
  void Couple(ClockId cause, ClockId moved) { coupled_.push_back({cause, moved}); }
  // `pll` is re-rated when a clock that it feeds asks for a rate that doesn't divide its own; all
  // that it feeds keep their dividers, so that setting the clock back doesn't set the PLL back.
  void AddPll(ClockId pll) { plls_.push_back(pll); }

  bool on(ClockId clock) const { return clocks_[clock.value()].on; }
  bool on(DomainId domain) const { return domains_[domain.value()]; }
  int64_t rate(ClockId clock) const { return clocks_[clock.value()].rate_hz; }
  std::optional<ClockId> parent(ClockId clock) const { return clocks_[clock.value()].parent; }
  // Absent: never driven.
  std::optional<bool> asserted(ResetId reset) const { return resets_[reset.value()].asserted; }
  int pulses(ResetId reset) const { return resets_[reset.value()].pulses; }
  bool on(PcieControllerId controller) const { return pcie_[controller.value()].on; }
  bool pll_on(PcieControllerId controller) const { return pcie_[controller.value()].pll; }
  // What it says of a thermal zone, in m°C, and how many it says there are.
  static constexpr int32_t kTemperature = 45'000;
  static constexpr uint32_t kZones = 9;

  static int64_t Round(int64_t hz);

 private:
  struct ClockState {
    uint32_t flags = 0;
    bool exists = false;
    bool on = false;
    int64_t rate_hz = 0;
    std::optional<ClockId> parent;
    std::vector<ClockId> parents;
  };
  struct Reset {
    std::optional<bool> asserted;
    int pulses = 0;
  };
  struct Pcie {
    bool on = false;
    bool pll = false;
  };
  struct Coupling {
    ClockId cause;
    ClockId moved;
  };

  void SetRate(ClockId clock, int64_t hz);
  // The whole one that comes nearest.
  static int64_t Divider(int64_t pll_hz, int64_t hz);
  bool Feeds(ClockId above, ClockId clock) const;
  void SetPll(ClockId pll, int64_t hz);
  mrq::Response PerformClk(const mrq::ClkRequest& request);
  mrq::Response PerformReset(const mrq::ResetRequest& request);
  mrq::Response PerformPg(const mrq::PgRequest& request);
  mrq::Response PerformUphy(const mrq::UphyRequest& request);
  mrq::Response PerformThermal(const mrq::ThermalRequest& request);

  std::vector<ClockState> clocks_;
  std::vector<bool> domains_;
  std::vector<Reset> resets_;
  std::array<Pcie, kMaxPcieControllerId + 1> pcie_{};
  std::vector<Coupling> coupled_;
  std::vector<ClockId> plls_;
};

}  // namespace bpmp::core::testing

#endif  // BROKER_CORE_TESTING_FIRMWARE_H_
