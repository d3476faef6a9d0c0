// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/pcie_model.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "broker/mrq/codec.h"

namespace bpmp::backend::sim {
namespace {

constexpr uint32_t kEndpoints[] = {5, 6, 7, 10};

bool CanBeEndpoint(PcieControllerId id) {
  return std::find(std::begin(kEndpoints), std::end(kEndpoints), id.value()) !=
         std::end(kEndpoints);
}

}  // namespace

mrq::Response PcieModel::Handle(const mrq::UphyRequest& request) {
  const auto pcie = mrq::PcieSwitchOf(request);
  if (!pcie) {
    return mrq::Fail(mrq::Error::kNotSup);
  }
  if (!Has(pcie->controller) || (pcie->pll && !CanBeEndpoint(pcie->controller))) {
    return mrq::Fail(mrq::Error::kInval);
  }
  State& state = states_[pcie->controller.value()];
  (pcie->pll ? state.pll : state.on) = pcie->on;
  return mrq::Ok();
}

std::optional<mrq::Request> PcieModel::Inverse(const mrq::UphyRequest& request) const {
  auto pcie = mrq::PcieSwitchOf(request);
  if (!pcie || !Has(pcie->controller)) {
    return std::nullopt;
  }
  pcie->on = pcie->pll ? pll_on(pcie->controller) : on(pcie->controller);
  return mrq::ToUphyRequest(*pcie);
}

}  // namespace bpmp::backend::sim
