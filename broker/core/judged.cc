// SPDX-License-Identifier: Apache-2.0
#include "broker/core/judged.h"

#include <variant>

#include "broker/mrq/codec.h"

namespace bpmp::core {
namespace {

Verdict Settled(Reason reason) {
  Verdict verdict;
  verdict.kind = Verdict::Kind::kSettled;
  verdict.reason = reason;
  return verdict;
}

Verdict Refused(mrq::Error error, Reason reason) {
  Verdict verdict;
  verdict.error = error;
  verdict.reason = reason;
  return verdict;
}

// What the rules say, per type of request; the same calls as Requests makes.
class Asker {
 public:
  Asker(const Judge& judge, const Inventory& inventory, VmId vm, std::optional<int64_t> max_rate_hz)
      : judge_(judge), inventory_(inventory), vm_(vm), max_rate_hz_(max_rate_hz) {}

  Judged operator()(const mrq::PingRequest&) const { return {Settled(Reason::kLocal), {}}; }
  Judged operator()(const mrq::QueryAbiRequest&) const { return {Settled(Reason::kLocal), {}}; }
  Judged operator()(const mrq::QueryFwTagRequest&) const { return {Settled(Reason::kLocal), {}}; }

  Judged operator()(const mrq::ClkRequest& request) const {
    const Resource resource = Resource::Of(request.clock);
    switch (request.cmd) {
      case mrq::ClkCmd::kEnable:
        return {judge_.Enable(vm_, resource), resource};
      case mrq::ClkCmd::kDisable:
        return {judge_.Disable(vm_, resource), resource};
      case mrq::ClkCmd::kIsEnabled:
        return {judge_.IsEnabled(vm_, request.clock), resource};
      case mrq::ClkCmd::kSetRate:
        return {judge_.SetRate(vm_, request.clock, request.rate_hz, max_rate_hz_), resource};
      case mrq::ClkCmd::kRoundRate:
        return {judge_.RoundRate(vm_, request.clock, request.rate_hz), resource};
      case mrq::ClkCmd::kSetParent:
        return {judge_.SetParent(vm_, request.clock, request.parent), resource};
      case mrq::ClkCmd::kGetMaxClkId:
        return {Settled(Reason::kLocal), {}};
      case mrq::ClkCmd::kGetRate:
      case mrq::ClkCmd::kGetParent:
      case mrq::ClkCmd::kGetFmaxAtVmin:
      case mrq::ClkCmd::kGetAllInfo:
        return {judge_.Read(vm_, request.clock), resource};
    }
    return {Refused(mrq::Error::kBadCmd, Reason::kBadArgument), {}};
  }

  Judged operator()(const mrq::ResetRequest& request) const {
    if (request.cmd == mrq::ResetCmd::kGetMaxId) return {Settled(Reason::kLocal), {}};
    return {judge_.Reset(vm_, request.cmd, request.reset), Resource::Of(request.reset)};
  }

  Judged operator()(const mrq::PgRequest& request) const {
    const Resource resource = Resource::Of(request.domain);
    switch (request.cmd) {
      case mrq::PgCmd::kSetState:
        return {SetState(request, resource), resource};
      case mrq::PgCmd::kGetState:
        return {judge_.GetState(vm_, request.domain), resource};
      case mrq::PgCmd::kGetName:
        return {inventory_.Find(request.domain) != nullptr
                    ? Settled(Reason::kReadable)
                    : Refused(mrq::Error::kInval, Reason::kUnknownId),
                resource};
      case mrq::PgCmd::kQueryAbi:
        if (request.arg > static_cast<uint32_t>(mrq::PgCmd::kGetMaxId)) {
          return {Refused(mrq::Error::kBadCmd, Reason::kLocal), {}};
        }
        return {Settled(Reason::kLocal), {}};
      case mrq::PgCmd::kGetMaxId:
        return {Settled(Reason::kLocal), {}};
    }
    return {Refused(mrq::Error::kInval, Reason::kBadArgument), {}};
  }

  Judged operator()(const mrq::ThermalRequest& request) const {
    return {judge_.Thermal(vm_, request), {}};
  }
  Judged operator()(const mrq::EmcDvfsLatencyRequest&) const {
    return {judge_.EmcLatency(vm_), {}};
  }
  Judged operator()(const mrq::UphyRequest& request) const {
    const auto pcie = mrq::PcieSwitchOf(request);
    if (!pcie) return {Refused(mrq::Error::kInval, Reason::kNotForwarded), {}};
    return {judge_.Pcie(vm_, *pcie), Resource::Of(pcie->controller)};
  }
  Judged operator()(const mrq::CpuNdivLimitsRequest&) const {
    return {Refused(mrq::Error::kInval, Reason::kNotForwarded), {}};
  }

 private:
  Verdict SetState(const mrq::PgRequest& request, Resource resource) const {
    if (request.arg > static_cast<uint32_t>(mrq::PgState::kRunning)) {
      return Refused(mrq::Error::kInval, Reason::kBadArgument);
    }
    return request.arg == static_cast<uint32_t>(mrq::PgState::kOff) ? judge_.Disable(vm_, resource)
                                                                    : judge_.Enable(vm_, resource);
  }

  const Judge& judge_;
  const Inventory& inventory_;
  const VmId vm_;
  const std::optional<int64_t> max_rate_hz_;
};

bool SetsRate(const mrq::Request& request) {
  const auto* clk = std::get_if<mrq::ClkRequest>(&request);
  return clk != nullptr && clk->cmd == mrq::ClkCmd::kSetRate;
}

}  // namespace

Judged JudgeRequest(const Judge& judge, const Inventory& inventory, VmId vm,
                    const mrq::Request& request, std::optional<int64_t> max_rate_hz) {
  if (max_rate_hz && !SetsRate(request)) {
    return {Refused(mrq::Error::kInval, Reason::kBadArgument), Resource()};
  }
  return std::visit(Asker(judge, inventory, vm, max_rate_hz), request);
}

bool IsByPolicy(const Verdict& verdict) {
  return verdict.kind == Verdict::Kind::kRefuse &&
         (verdict.error == mrq::Error::kAccess || verdict.reason == Reason::kNotOptedIn);
}

}  // namespace bpmp::core
