// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/tegra_model.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <variant>

#include "broker/backend/sim/fixed_answers.h"
#include "broker/backend/sim/t234_data.h"

namespace bpmp::backend::sim {
namespace {

using mrq::ClkCmd;
using mrq::Error;
using mrq::Fail;
using mrq::Ok;
using mrq::OkU32;
using mrq::PgCmd;
using mrq::ResetCmd;

ClockTree T234Tree() {
  static const ClockTree* const tree = [] {
    auto created = ClockTree::Create(T234Model().clocks);
    if (!created.ok()) {  // a broken build, which a test catches
      std::fprintf(stderr, "Tegra234 clock tree: %s\n", created.status().ToString().c_str());
      std::abort();
    }
    return new ClockTree(*std::move(created));
  }();
  return *tree;
}

template <typename State, typename Id>
State& Slot(Id id, std::vector<State>* states) {
  states->resize(std::max<size_t>(states->size(), id.value() + 1));
  return (*states)[id.value()];
}

}  // namespace

TegraModel::TegraModel() : clocks_(T234Tree()) { Boot(T234Model()); }

void TegraModel::Boot(const SocModel& model) {
  clock_domains_.resize(clocks_.max_id().value() + 1);
  for (const ResetRow& row : T234Data().resets) {
    Slot(row.id, &resets_).known = true;
  }
  for (const DomainRow& row : T234Data().domains) {
    DomainState& domain = Slot(row.id, &domains_);
    domain.known = true;
    domain.name = row.name;
  }
  for (const auto& [clock, domain] : model.clock_domains) {
    clock_domains_[clock.value()] = domain;
  }
  for (const auto& [reset, domain] : model.reset_domains) {
    resets_[reset.value()].domain = domain;
  }
  for (const ClockId clock : model.boot_clocks) {
    clocks_.Vote(clock, true);
  }
  for (const DomainId domain : model.boot_domains) {
    domains_[domain.value()].on = true;
  }
  for (const ResetId reset : model.boot_resets) {
    resets_[reset.value()].line = ResetLine::kDeasserted;
  }
}

ResetLine TegraModel::Reset(ResetId id) const {
  return Has(resets_, id) ? resets_[id.value()].line : ResetLine::kUnknown;
}

mrq::Response TegraModel::Handle(const mrq::Request& request) {
  Count(request);
  return Answer(request);
}

void TegraModel::Count(const mrq::Request& request) {
  if (const auto* clk = std::get_if<mrq::ClkRequest>(&request)) {
    counters_.clk_enable += clk->cmd == ClkCmd::kEnable;
    counters_.clk_disable += clk->cmd == ClkCmd::kDisable;
    counters_.clk_set_rate += clk->cmd == ClkCmd::kSetRate;
    counters_.clk_set_parent += clk->cmd == ClkCmd::kSetParent;
  } else if (const auto* reset = std::get_if<mrq::ResetRequest>(&request)) {
    counters_.reset_assert += reset->cmd == ResetCmd::kAssert;
    counters_.reset_deassert += reset->cmd == ResetCmd::kDeassert;
    counters_.reset_module += reset->cmd == ResetCmd::kModule;
  } else if (const auto* pg = std::get_if<mrq::PgRequest>(&request)) {
    if (pg->cmd == PgCmd::kSetState) {
      const bool off = pg->arg == static_cast<uint32_t>(mrq::PgState::kOff);
      ++(off ? counters_.power_off : counters_.power_on);
    }
  } else if (const auto* uphy = std::get_if<mrq::UphyRequest>(&request)) {
    counters_.pcie += mrq::PcieSwitchOf(*uphy).has_value();
  }
}

template <typename Stateless>
mrq::Response TegraModel::On(const Stateless& request) {
  return FixedAnswer(request);
}

mrq::Response TegraModel::Answer(const mrq::Request& request) {
  return std::visit([this](const auto& r) { return On(r); }, request);
}

mrq::Response TegraModel::On(const mrq::ClkRequest& request) {
  if (request.cmd == ClkCmd::kGetMaxClkId) {
    return OkU32(clocks_.max_id().value());
  }
  const ClockId clock = request.clock;
  if (!clocks_.Has(clock)) {
    return Fail(Error::kInval);
  }
  switch (request.cmd) {
    case ClkCmd::kGetRate:
      return mrq::OkRate(clocks_.rate(clock));
    case ClkCmd::kSetRate:
    case ClkCmd::kRoundRate:
      return SetOrRound(request);
    case ClkCmd::kGetParent:
      return OkU32(clocks_.parent(clock).value());
    case ClkCmd::kSetParent:
      return SetParent(request);
    case ClkCmd::kIsEnabled:
      return OkU32(clocks_.voted(clock) ? 1 : 0);
    case ClkCmd::kEnable:
      if (!Powered(clock_domains_[clock.value()])) {
        return Fail(Error::kNotSup);
      }
      clocks_.Vote(clock, true);
      return Ok();
    case ClkCmd::kDisable:
      clocks_.Vote(clock, false);
      return Ok();
    case ClkCmd::kGetAllInfo:
      return ClkInfo(clock);
    case ClkCmd::kGetFmaxAtVmin:
      return mrq::OkRate(FmaxAtVmin(clock));
    case ClkCmd::kGetMaxClkId:
      break;
  }
  return Fail(Error::kBadCmd);
}

mrq::Response TegraModel::SetParent(const mrq::ClkRequest& request) {
  const std::vector<ClockId>& candidates = clocks_.spec(request.clock).parents;
  if (std::find(candidates.begin(), candidates.end(), request.parent) == candidates.end()) {
    return Fail(Error::kInval);
  }
  if (!Powered(clock_domains_[request.clock.value()])) {
    return Fail(Error::kNotSup);
  }
  clocks_.SetParent(request.clock, request.parent);
  return OkU32(request.parent.value());
}

mrq::Response TegraModel::SetOrRound(const mrq::ClkRequest& request) {
  if (request.rate_hz <= 0) {
    return Fail(Error::kInval);
  }
  if ((clocks_.flags(request.clock) & mrq::clk_flag::kHasSetRate) == 0) {
    return Fail(Error::kNotSup);
  }
  if (request.cmd == ClkCmd::kRoundRate) {
    return mrq::OkRate(clocks_.RoundRate(request.clock, request.rate_hz));
  }
  if (!Powered(clock_domains_[request.clock.value()])) {
    return Fail(Error::kNotSup);
  }
  return mrq::OkRate(clocks_.SetRate(request.clock, request.rate_hz));
}

mrq::Response TegraModel::ClkInfo(ClockId id) const {
  const ClockSpec& spec = clocks_.spec(id);
  mrq::ClkInfo info;
  info.flags = clocks_.flags(id);
  info.parent = clocks_.parent(id);
  info.num_parents = static_cast<uint8_t>(spec.parents.size());
  std::copy(spec.parents.begin(), spec.parents.end(), info.parents.begin());
  std::copy(spec.name.begin(), spec.name.end(), info.name.begin());
  return mrq::OkClkInfo(info);
}

// No more than the parent at boot gives undivided.
int64_t TegraModel::FmaxAtVmin(ClockId id) const {
  const ClockSpec& spec = clocks_.spec(id);
  return spec.source == RateSource::kDivider ? clocks_.rate(spec.parents.front())
                                             : clocks_.rate(id);
}

mrq::Response TegraModel::On(const mrq::ResetRequest& request) {
  if (request.cmd == ResetCmd::kGetMaxId) {
    return OkU32(static_cast<uint32_t>(resets_.size()) - 1);
  }
  if (!Has(resets_, request.reset)) {
    return Fail(Error::kInval);
  }
  ResetState& reset = resets_[request.reset.value()];
  if (!Powered(reset.domain)) {
    return Fail(Error::kNotSup);
  }
  reset.pulses += request.cmd == ResetCmd::kModule ? 1 : 0;
  reset.line = request.cmd == ResetCmd::kAssert ? ResetLine::kAsserted : ResetLine::kDeasserted;
  return Ok();
}

mrq::Response TegraModel::On(const mrq::PgRequest& request) {
  if (request.cmd == PgCmd::kGetMaxId) {
    return OkU32(static_cast<uint32_t>(domains_.size()) - 1);
  }
  if (request.cmd == PgCmd::kQueryAbi) {
    return request.arg <= static_cast<uint32_t>(PgCmd::kGetMaxId) ? Ok() : Fail(Error::kNoDev);
  }
  if (!Has(domains_, request.domain)) {
    return Fail(Error::kInval);
  }
  DomainState& domain = domains_[request.domain.value()];
  if (request.cmd == PgCmd::kGetName) {
    return mrq::OkName(domain.name);
  }
  if (request.cmd == PgCmd::kGetState) {
    return OkU32(static_cast<uint32_t>(domain.on ? mrq::PgState::kOn : mrq::PgState::kOff));
  }
  // RUNNING is a state of older SoCs.
  if (request.arg > static_cast<uint32_t>(mrq::PgState::kOn)) {
    return Fail(Error::kInval);
  }
  domain.on = request.arg == static_cast<uint32_t>(mrq::PgState::kOn);
  return Ok();
}

std::optional<mrq::Request> TegraModel::Inverse(const mrq::Request& request) const {
  if (const auto* clk = std::get_if<mrq::ClkRequest>(&request)) {
    return InverseOf(*clk);
  }
  if (const auto* reset = std::get_if<mrq::ResetRequest>(&request)) {
    return InverseOf(*reset);
  }
  if (const auto* pg = std::get_if<mrq::PgRequest>(&request)) {
    return InverseOf(*pg);
  }
  if (const auto* uphy = std::get_if<mrq::UphyRequest>(&request)) {
    return pcie_.Inverse(*uphy);
  }
  return std::nullopt;
}

std::optional<mrq::Request> TegraModel::InverseOf(const mrq::ClkRequest& request) const {
  if (!clocks_.Has(request.clock)) {
    return std::nullopt;
  }
  mrq::ClkRequest inverse;
  inverse.cmd = request.cmd;
  inverse.clock = request.clock;
  switch (request.cmd) {
    case ClkCmd::kEnable:
    case ClkCmd::kDisable:
      inverse.cmd = clocks_.voted(request.clock) ? ClkCmd::kEnable : ClkCmd::kDisable;
      return inverse;
    case ClkCmd::kSetRate:
      inverse.rate_hz = clocks_.rate(request.clock);
      return inverse;
    case ClkCmd::kSetParent:
      inverse.parent = clocks_.parent(request.clock);
      return inverse;
    default:
      return std::nullopt;
  }
}

std::optional<mrq::Request> TegraModel::InverseOf(const mrq::ResetRequest& request) const {
  const ResetLine line = Reset(request.reset);
  const bool changes = request.cmd == ResetCmd::kAssert || request.cmd == ResetCmd::kDeassert;
  if (!changes || line == ResetLine::kUnknown) {
    return std::nullopt;
  }
  mrq::ResetRequest inverse;
  inverse.cmd = line == ResetLine::kAsserted ? ResetCmd::kAssert : ResetCmd::kDeassert;
  inverse.reset = request.reset;
  return inverse;
}

std::optional<mrq::Request> TegraModel::InverseOf(const mrq::PgRequest& request) const {
  if (request.cmd != PgCmd::kSetState || !Has(domains_, request.domain)) {
    return std::nullopt;
  }
  mrq::PgRequest inverse = request;
  inverse.arg =
      static_cast<uint32_t>(DomainOn(request.domain) ? mrq::PgState::kOn : mrq::PgState::kOff);
  return inverse;
}

}  // namespace bpmp::backend::sim
