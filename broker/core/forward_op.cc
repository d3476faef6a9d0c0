// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <variant>

#include "broker/core/machine.h"
#include "broker/core/opt_in_ops.h"

namespace bpmp::core {
namespace {

// A guest allocates as many as it is told; what is beyond has no number that a VM may use.
constexpr uint32_t kMostZones = kMaxThermalZoneId + 1;

// The firmware's answer as the guest gets it, or nothing where it is none.
std::optional<mrq::Response> Shown(const mrq::Request& request, const mrq::Response& response) {
  if (!response.ok()) return response;
  if (std::holds_alternative<mrq::EmcDvfsLatencyRequest>(request)) {
    const auto table = mrq::ReadEmcLatency(response);
    return table.ok() ? std::optional(mrq::OkEmcLatency(*table)) : std::nullopt;
  }
  const auto value = mrq::ReadU32(response);
  if (!value.ok()) return std::nullopt;
  const auto* thermal = std::get_if<mrq::ThermalRequest>(&request);
  const bool counts = thermal != nullptr && thermal->cmd == mrq::ThermalCmd::kGetNumZones;
  return mrq::OkU32(counts ? std::min(*value, kMostZones) : *value);
}

// What the firmware answers the same for as long as it runs: how many zones, where it shuts down,
// the table of latencies.
bool IsConstant(const mrq::Request& request) {
  const auto* thermal = std::get_if<mrq::ThermalRequest>(&request);
  return thermal == nullptr || thermal->cmd != mrq::ThermalCmd::kGetTemp;
}

}  // namespace

void ForwardOp::Begin(Machine& machine) {
  if (waiters_.empty()) return machine.scheduler.Finish(this);
  machine.scheduler.Run(this, request_);
}

void ForwardOp::Answer(Machine& machine, const Outcome& outcome) {
  mrq::Response response = mrq::Fail(mrq::Error::kTimedOut);
  Reason reason = Reason::kTimedOut;
  if (outcome.kind == Outcome::Kind::kFailed) {
    response = mrq::Fail(outcome.failure);
    reason = Reason::kBackendFailed;
  } else if (outcome.kind == Outcome::Kind::kAnswered) {
    const auto shown = Shown(request_, outcome.response);
    response = shown.value_or(mrq::Fail(mrq::Error::kIo));
    reason = !shown        ? Reason::kBackendFailed
             : shown->ok() ? Reason::kReadable
                           : Reason::kFirmwareRefused;
    if (response.ok() && IsConstant(request_) && machine.Told(request_) == nullptr) {
      machine.answers.emplace_back(request_, response);
    }
  }
  ReplyAll(machine, response, reason);
  machine.scheduler.Finish(this);
}

}  // namespace bpmp::core
