// SPDX-License-Identifier: Apache-2.0
// What the reference model says about a board at rest, and about who may ask what.
#include <string>
#include <utility>
#include <variant>

#include "broker/core/testing/reference_model.h"

namespace bpmp::core::testing {

using mrq::ClkCmd;

bool ReferenceModel::OnAt(size_t gate) const {
  if (residue_[gate]) return true;
  for (size_t vm = 0; vm < kAgents; ++vm) {
    if (votes_[vm][gate] || (gate < kClockCount && implied_[vm][gate])) return true;
  }
  return false;
}

std::string ReferenceModel::CheckTune(ClockId clock, int64_t rate_hz, ClockId parent,
                                      bool in_doubt) {
  Tune& tune = tunes_[clock.value()];
  if (!tune.owner.has_value()) return "";
  const bool owner_is_gone = !tune.changed && !tune.perhaps_changed;
  const bool at_boot = rate_hz == tune.rate.boot && int64_t{parent.value()} == tune.parent.boot;
  std::string complaint;
  if (tune.owed && owner_is_gone && !On(clock) && !in_doubt && !at_boot) {
    complaint = " though its owner is dead and nobody holds it";
  }
  for (const auto& [value, now] :
       {std::pair(&tune.rate, rate_hz), std::pair(&tune.parent, int64_t{parent.value()})}) {
    const bool expected = now == value->is || (value->perhaps_boot && now == value->boot);
    if (value->certain && !in_doubt && !expected) {
      complaint = ", not " + std::to_string(value->is) + " as its owner left it";
    }
    value->is = now;
    value->certain = true;
    // What happened while nobody could tell, and whoever clears a quarantine takes the clock as is.
    if (in_doubt) value->perhaps_boot = true;
    if (tune.changed && !in_doubt) value->perhaps_boot = false;
  }
  if (in_doubt || (owner_is_gone && at_boot)) tune.owed = false;
  return complaint.empty() ? ""
                           : ToString(clock) + " is at " + std::to_string(rate_hz) + " under " +
                                 std::to_string(parent.value()) + complaint;
}

std::string ReferenceModel::CheckReset(ResetId reset, std::optional<bool> asserted, bool in_doubt) {
  Line& line = lines_[reset.value()];
  std::string complaint;
  if (reset == kVideoReset) {
    const bool wanted = wants_video_[kVicVm.value()].value_or(false) ||
                        wants_video_[kNvdecVm.value()].value_or(false);
    if (wanted && line.certain && !in_doubt && asserted != false) {
      complaint = ToString(reset) + " is asserted though a VM wants it deasserted";
    }
    line.certain = true;
  } else if (line.certain && !in_doubt && asserted != line.asserted) {
    complaint = ToString(reset) + " isn't as its owner left it";
  }
  line.perhaps_touched |= in_doubt;
  line.asserted = asserted;
  line.certain = true;
  return complaint;
}

bool ReferenceModel::Forbidden(VmId vm, const mrq::Request& request) const {
  if (vm == kHost) return false;
  if (const auto* clk = std::get_if<mrq::ClkRequest>(&request)) {
    if (clk->clock == ClockId(0) || clk->clock == kHole) return false;  // EINVAL instead
    const Right right = Of(vm, clk->clock);
    switch (clk->cmd) {
      case ClkCmd::kEnable:
        return right < Right::kVote;
      case ClkCmd::kDisable:
        return right == Right::kNone;
      case ClkCmd::kSetParent:
        return right < Right::kExclusive;
      case ClkCmd::kSetRate: {
        const bool by_votes = clk->clock == kBus || clk->clock == kLink || clk->clock == kLane;
        return right < (by_votes ? Right::kVote : Right::kExclusive);
      }
      default:
        return false;
    }
  }
  if (const auto* reset = std::get_if<mrq::ResetRequest>(&request)) {
    if (reset->reset == kVideoReset) return vm != kVicVm && vm != kNvdecVm;
    return lines_[reset->reset.value()].owner != vm;
  }
  const auto* pg = std::get_if<mrq::PgRequest>(&request);
  if (pg == nullptr || pg->cmd != mrq::PgCmd::kSetState || pg->arg == 0) return false;
  return !((vm == kEthVm && pg->domain == kEthDomain) ||
           (vm == kGpuVm && pg->domain == kGpuDomain) ||
           ((vm == kVicVm || vm == kNvdecVm) && pg->domain == kVideoDomain));
}

}  // namespace bpmp::core::testing
