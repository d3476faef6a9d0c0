// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_SIM_TEGRA_MODEL_H_
#define BROKER_BACKEND_SIM_TEGRA_MODEL_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/backend/sim/clock_tree.h"
#include "broker/backend/sim/pcie_model.h"
#include "broker/backend/sim/soc_model.h"
#include "broker/backend/sim/thermal_model.h"
#include "broker/base/ids.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/types.h"

namespace bpmp::backend::sim {

// What a reset was last told. Hardware can't be asked, hence the third state.
enum class ResetLine : uint8_t { kUnknown, kAsserted, kDeasserted };

// Requests that change state, by kind, as they arrived: refused ones count, and so do those that
// changed nothing.
struct Counters {
  uint64_t clk_enable = 0;
  uint64_t clk_disable = 0;
  uint64_t clk_set_rate = 0;
  uint64_t clk_set_parent = 0;
  uint64_t reset_assert = 0;
  uint64_t reset_deassert = 0;
  uint64_t reset_module = 0;
  uint64_t power_on = 0;
  uint64_t power_off = 0;
  uint64_t pcie = 0;  // controllers and their PLLs, on and off

  uint64_t Total() const {
    return clk_enable + clk_disable + clk_set_rate + clk_set_parent + reset_assert +
           reset_deassert + reset_module + power_on + power_off + pcie;
  }
};

// A Tegra234 and its BPMP firmware, as one master (the CPU complex) sees them, from the moment that
// the boot loader hands over. As strict as firmware: what that refuses, this refuses.
//
//   error    when
//   EINVAL   an id that isn't there; a state or zone that isn't; a parent that is no candidate; a
//            rate that isn't positive
//   ENOTSUP  SET_RATE or ROUND_RATE of a clock without HAS_SET_RATE; ENABLE, SET_RATE, SET_PARENT
//   or a
//            reset of what belongs to a power domain that is off
//   ENODEV   QUERY_ABI (in the answer's payload), PG and THERMAL QUERY_ABI of what isn't there
//
// ENABLE and power states are states and not counts. Data and liberties: data/README.md. Pure state
// machine, well below a microsecond a request; copyable; not thread-safe.
class TegraModel {
 public:
  TegraModel();

  // Answers one request.
  mrq::Response Handle(const mrq::Request& request);

  // The same, done by the host behind the broker's back: not counted. This is how the world drifts.
  mrq::Response HostDoes(const mrq::Request& request) { return Answer(request); }

  // The request that would bring back the state which `request` is about to change; nullopt when
  // it changes none, or none that can be brought back (a pulse, a reset of unknown state).
  std::optional<mrq::Request> Inverse(const mrq::Request& request) const;

  // What is true of the hardware. An id that isn't there gives false, 0 or unknown.
  bool IsEnabled(ClockId id) const { return clocks_.Has(id) && clocks_.voted(id); }
  bool IsRunning(ClockId id) const { return clocks_.Has(id) && clocks_.running(id); }
  int64_t Rate(ClockId id) const { return clocks_.Has(id) ? clocks_.rate(id) : 0; }
  ClockId Parent(ClockId id) const { return clocks_.Has(id) ? clocks_.parent(id) : ClockId(); }
  bool DomainOn(DomainId id) const { return Has(domains_, id) && domains_[id.value()].on; }
  ResetLine Reset(ResetId id) const;
  bool ResetAsserted(ResetId id) const { return Reset(id) == ResetLine::kAsserted; }
  uint64_t ResetPulses(ResetId id) const {  // by MODULE
    return Has(resets_, id) ? resets_[id.value()].pulses : 0;
  }
  const PcieModel& pcie() const { return pcie_; }
  // To be heated and cooled.
  ThermalModel& thermal() { return thermal_; }
  const Counters& counters() const { return counters_; }
  const ClockTree& clocks() const { return clocks_; }

 private:
  struct ResetState {
    bool known = false;
    ResetLine line = ResetLine::kUnknown;
    uint64_t pulses = 0;
    std::optional<DomainId> domain;
  };
  struct DomainState {
    bool known = false;
    bool on = false;
    std::string_view name;
  };

  template <typename State, typename Id>
  static bool Has(const std::vector<State>& states, Id id) {
    return id.value() < states.size() && states[id.value()].known;
  }

  void Boot(const SocModel& model);
  void Count(const mrq::Request& request);
  bool Powered(const std::optional<DomainId>& domain) const {
    return !domain.has_value() || DomainOn(*domain);
  }

  mrq::Response Answer(const mrq::Request& request);
  mrq::Response On(const mrq::ClkRequest& request);
  mrq::Response On(const mrq::ResetRequest& request);
  mrq::Response On(const mrq::PgRequest& request);
  mrq::Response On(const mrq::UphyRequest& request) { return pcie_.Handle(request); }
  mrq::Response On(const mrq::ThermalRequest& request) { return thermal_.Handle(request); }
  template <typename Stateless>
  mrq::Response On(const Stateless& request);

  mrq::Response SetParent(const mrq::ClkRequest& request);
  mrq::Response SetOrRound(const mrq::ClkRequest& request);
  mrq::Response ClkInfo(ClockId id) const;
  int64_t FmaxAtVmin(ClockId id) const;

  std::optional<mrq::Request> InverseOf(const mrq::ClkRequest& request) const;
  std::optional<mrq::Request> InverseOf(const mrq::ResetRequest& request) const;
  std::optional<mrq::Request> InverseOf(const mrq::PgRequest& request) const;

  ClockTree clocks_;
  std::vector<std::optional<DomainId>> clock_domains_;  // by clock id
  std::vector<ResetState> resets_;                      // by id
  std::vector<DomainState> domains_;                    // by id
  PcieModel pcie_;
  ThermalModel thermal_;
  Counters counters_;
};

}  // namespace bpmp::backend::sim

#endif  // BROKER_BACKEND_SIM_TEGRA_MODEL_H_
