// SPDX-License-Identifier: Apache-2.0
#include "tests/lib/linux_boot.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "broker/mrq/codec.h"

namespace bpmp::testing {
namespace {

uint32_t U32Or(const mrq::Response& response, uint32_t otherwise) {
  if (!response.ok()) return otherwise;
  const auto value = mrq::ReadU32(response);
  return value.ok() ? *value : otherwise;
}

}  // namespace

void LinuxBoot::Run() {
  ProbeFirmware();
  ProbeThermal();
  ReadClocks();
  for (const auto& [id, clock] : clocks_) RegisterClock(id);
  ReadDomains();
  Ask(mrq::QueryAbiRequest{75});  // DEBUG
  Ask(mrq::QueryAbiRequest{19});  // DEBUGFS
  DisableUnused();
}

mrq::Response LinuxBoot::Ask(const mrq::Request& request) {
  ++messages_;
  return transfer_(request);
}

mrq::Response LinuxBoot::AskClk(mrq::ClkCmd command, uint32_t id) {
  return Ask(mrq::ClkRequest{command, ClockId(id), 0, ClockId()});
}

mrq::Response LinuxBoot::AskPg(mrq::PgCmd command, uint32_t id, uint32_t arg) {
  return Ask(mrq::PgRequest{command, DomainId(id), arg});
}

void LinuxBoot::Crash(uint32_t clock, const std::string& why) {
  crashes_.push_back(absl::StrCat("clock ", clock, " (", clocks_[clock].name, "): ", why));
}

void LinuxBoot::ProbeFirmware() {
  Ask(mrq::PingRequest{false, 1});
  Ask(mrq::QueryAbiRequest{71});
  if (!Ask(mrq::QueryFwTagRequest{}).ok()) crashes_.emplace_back("the BPMP driver's probe fails");
}

void LinuxBoot::ProbeThermal() {
  const mrq::Response zones = Ask(mrq::ThermalRequest{mrq::ThermalCmd::kGetNumZones, 0});
  for (uint32_t zone = 0; zone < std::min(U32Or(zones, 0), 64u); ++zone) {
    Ask(mrq::ThermalRequest{mrq::ThermalCmd::kGetTemp, zone});
  }
}

void LinuxBoot::ReadClocks() {
  const mrq::Response max = AskClk(mrq::ClkCmd::kGetMaxClkId, 0);
  if (!max.ok()) crashes_.emplace_back("the clock driver's probe fails");
  for (uint32_t id = 0; id <= std::min(U32Or(max, 0), 4096u); ++id) {
    const mrq::Response answer = AskClk(mrq::ClkCmd::kGetAllInfo, id);
    if (!answer.ok()) continue;
    const auto info = mrq::ReadClkInfo(answer);
    if (!info.ok()) {
      crashes_.push_back(absl::StrCat("clock ", id, ": ", info.status().message()));
      continue;
    }
    std::string name(info->name.data());
    if (name.empty()) continue;
    clocks_[id] = Clock{*info, std::move(name)};
  }
}

void LinuxBoot::RegisterClock(uint32_t id) {
  Clock& clock = clocks_[id];
  if (clock.registered) return;
  if (clock.registering) return Crash(id, "is its own ancestor: recursion without end");
  clock.registering = true;
  const mrq::ClkInfo& info = clock.info;
  for (size_t i = 0; i < info.num_parents; ++i) {
    const uint32_t parent = info.parents[i].value();
    if (clocks_.contains(parent)) {
      RegisterClock(parent);
    } else {
      Crash(id, absl::StrCat("has parent ", parent, ", which is a hole"));
    }
  }
  if (!names_.insert(clock.name).second) Crash(id, "has the name of another clock");
  const bool has_mux = (info.flags & mrq::clk_flag::kHasMux) != 0;
  if (info.num_parents > 1 && !has_mux) Crash(id, "has several parents and no multiplexer");
  if (info.num_parents > 1) AskClk(mrq::ClkCmd::kGetParent, id);
  AskClk(mrq::ClkCmd::kGetRate, id);
  clock.registering = false;
  clock.registered = true;
}

void LinuxBoot::ReadDomains() {
  const mrq::Response max = AskPg(mrq::PgCmd::kGetMaxId, 0);
  if (!max.ok()) crashes_.emplace_back("the power domain driver's probe fails");
  for (uint32_t id = 0; id <= std::min(U32Or(max, 0), 4096u); ++id) {
    const mrq::Response name = AskPg(mrq::PgCmd::kGetName, id);
    if (name.ok() && !mrq::ReadName(name).empty()) domains_[id] = false;
  }
  // What can't be asked counts as on.
  for (auto& [id, on] : domains_) on = U32Or(AskPg(mrq::PgCmd::kGetState, id), 1) != 0;
}

void LinuxBoot::DisableUnused() {
  for (const auto& [id, clock] : clocks_) {
    const bool denied = (clock.info.flags & mrq::clk_flag::kStateChangeDenied) != 0;
    if (denied && options_.honours_denials) continue;
    // An error counts as enabled.
    if (U32Or(AskClk(mrq::ClkCmd::kIsEnabled, id), 1) == 0) continue;
    AskClk(mrq::ClkCmd::kDisable, id);
    ++turned_off_;
  }
  for (const auto& [id, on] : domains_) {
    if (!on) continue;
    AskPg(mrq::PgCmd::kSetState, id, 0);
    ++turned_off_;
  }
}

}  // namespace bpmp::testing
