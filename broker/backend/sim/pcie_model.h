// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_SIM_PCIE_MODEL_H_
#define BROKER_BACKEND_SIM_PCIE_MODEL_H_

#include <array>
#include <cstddef>
#include <optional>

#include "broker/base/ids.h"
#include "broker/mrq/types.h"

namespace bpmp::backend::sim {

// The PCIe controllers of a Tegra234 as MRQ_UPHY switches them: eleven, of which four can be
// endpoints and have a PLL to switch. All are off at boot. EINVAL for one that isn't, and for the
// PLL of one that can be no endpoint; ENOTSUP for a lane's margin: there is no eye to look at.
class PcieModel {
 public:
  static constexpr size_t kControllers = 11;

  mrq::Response Handle(const mrq::UphyRequest& request);
  // As TegraModel::Inverse().
  std::optional<mrq::Request> Inverse(const mrq::UphyRequest& request) const;

  // Of one that isn't: false.
  bool on(PcieControllerId id) const { return Has(id) && states_[id.value()].on; }
  bool pll_on(PcieControllerId id) const { return Has(id) && states_[id.value()].pll; }

 private:
  struct State {
    bool on = false;
    bool pll = false;
  };
  static bool Has(PcieControllerId id) { return id.value() < kControllers; }

  std::array<State, kControllers> states_{};
};

}  // namespace bpmp::backend::sim

#endif  // BROKER_BACKEND_SIM_PCIE_MODEL_H_
