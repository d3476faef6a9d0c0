// SPDX-License-Identifier: Apache-2.0
#include "broker/core/asked.h"

#include <array>
#include <cstdint>
#include <utility>
#include <variant>

#include "broker/mrq/codec.h"

namespace bpmp::core {
namespace {

uint8_t BitOf(mrq::ClkCmd cmd) {
  constexpr std::array<std::pair<mrq::ClkCmd, uint8_t>, 4> kBits = {{
      {mrq::ClkCmd::kGetAllInfo, Asked::kInfo},
      {mrq::ClkCmd::kEnable, Asked::kVote},
      {mrq::ClkCmd::kSetRate, Asked::kRate},
      {mrq::ClkCmd::kSetParent, Asked::kParent},
  }};
  for (const auto& [known, bit] : kBits) {
    if (known == cmd) return bit;
  }
  return 0;
}

}  // namespace

void Asked::Note(VmId vm, const mrq::Request& request) {
  if (const auto* clk = std::get_if<mrq::ClkRequest>(&request)) {
    const uint8_t bit = BitOf(clk->cmd);
    if (bit != 0) Add(vm, Resource::Of(clk->clock), bit);
  } else if (const auto* reset = std::get_if<mrq::ResetRequest>(&request)) {
    if (reset->cmd != mrq::ResetCmd::kGetMaxId) Add(vm, Resource::Of(reset->reset), kReset);
  } else if (const auto* pg = std::get_if<mrq::PgRequest>(&request)) {
    // Off needs no permission.
    const bool on =
        pg->cmd == mrq::PgCmd::kSetState && pg->arg != static_cast<uint32_t>(mrq::PgState::kOff);
    if (on) Add(vm, Resource::Of(pg->domain), kVote);
  } else if (const auto* uphy = std::get_if<mrq::UphyRequest>(&request)) {
    const auto pcie = mrq::PcieSwitchOf(*uphy);
    if (pcie && pcie->on) Add(vm, Resource::Of(pcie->controller), kVote);
  } else {
    NoteRead(vm, request);
  }
}

void Asked::NoteRead(VmId vm, const mrq::Request& request) {
  if (const auto* thermal = std::get_if<mrq::ThermalRequest>(&request)) {
    Reads& reads = ReadsFor(vm);
    reads.thermal = true;
    const bool zone =
        thermal->cmd == mrq::ThermalCmd::kGetTemp || thermal->cmd == mrq::ThermalCmd::kGetThermtrip;
    if (zone && thermal->arg <= kMaxThermalZoneId) reads.thermal_zones |= 1u << thermal->arg;
  } else if (std::holds_alternative<mrq::EmcDvfsLatencyRequest>(request)) {
    ReadsFor(vm).emc_latency = true;
  } else if (const auto* abi = std::get_if<mrq::QueryAbiRequest>(&request)) {
    // Linux asks this first, and no more if there is none.
    if (abi->mrq == static_cast<uint32_t>(mrq::Mrq::kEmcDvfsLatency)) {
      ReadsFor(vm).emc_latency = true;
    }
  }
}

Asked::Reads& Asked::ReadsFor(VmId vm) {
  if (reads_.size() <= vm.value()) reads_.resize(vm.value() + 1);
  return reads_[vm.value()];
}

Asked::Reads Asked::ReadsOf(VmId vm) const {
  return vm.value() < reads_.size() ? reads_[vm.value()] : Reads();
}

void Asked::Add(VmId vm, Resource resource, uint8_t bit) {
  if (!lines_.Has(resource)) return;
  if (vms_.size() <= vm.value()) vms_.resize(vm.value() + 1);
  std::vector<uint8_t>& asked = vms_[vm.value()];
  if (asked.empty()) asked.resize(lines_.size());
  asked[lines_.Of(resource)] |= bit;
}

uint8_t Asked::Of(VmId vm, Line line) const {
  if (vm.value() >= vms_.size() || vms_[vm.value()].empty()) return 0;
  return vms_[vm.value()][line];
}

void Asked::ForgetInfo(VmId vm) {
  if (vm.value() >= vms_.size()) return;
  for (uint8_t& bits : vms_[vm.value()]) bits &= static_cast<uint8_t>(~kInfo);
}

void Asked::Forget(VmId vm) {
  if (vm.value() < vms_.size()) std::vector<uint8_t>().swap(vms_[vm.value()]);
  if (vm.value() < reads_.size()) reads_[vm.value()] = {};
}

}  // namespace bpmp::core
