// SPDX-License-Identifier: Apache-2.0
// The MRQs that a VM has only if its policy says so.
#include <memory>

#include "broker/core/opt_in_ops.h"
#include "broker/core/requests.h"
#include "broker/mrq/codec.h"

namespace bpmp::core {

Decision Requests::Refused(Waiter waiter, const mrq::Request& request) {
  Verdict verdict;
  verdict.error = mrq::Error::kInval;
  verdict.reason = Reason::kNotForwarded;
  return Refuse(verdict, waiter, {}, request);
}

Decision Requests::Forward(const Verdict& verdict, Waiter waiter, const mrq::Request& request) {
  if (verdict.kind == Verdict::Kind::kRefuse) return Refuse(verdict, waiter, {}, request);
  if (const mrq::Response* told = machine_.Told(request)) {
    return ReplyWith(*told, Reason::kReadable);
  }
  return Start(waiter, std::make_unique<ForwardOp>(waiter.vm, request));
}

Decision Requests::On(Waiter waiter, const mrq::ThermalRequest& request) {
  const Verdict verdict = machine_.judge.Thermal(waiter.vm, request);
  if (verdict.reason == Reason::kLocal) return ReplyWith(mrq::Fail(verdict.error), verdict.reason);
  return Forward(verdict, waiter, request);
}

Decision Requests::On(Waiter waiter, const mrq::EmcDvfsLatencyRequest& request) {
  return Forward(machine_.judge.EmcLatency(waiter.vm), waiter, request);
}

Decision Requests::On(Waiter waiter, const mrq::CpuNdivLimitsRequest& request) {
  return Refused(waiter, request);
}

Decision Requests::On(Waiter waiter, const mrq::UphyRequest& request) {
  const auto pcie = mrq::PcieSwitchOf(request);
  // Whose lane a lane is the firmware doesn't say.
  if (!pcie) return Refused(waiter, request);
  const Verdict verdict = machine_.judge.Pcie(waiter.vm, *pcie);
  if (verdict.kind == Verdict::Kind::kRefuse) {
    return Refuse(verdict, waiter, Resource::Of(pcie->controller), request);
  }
  const Line line = machine_.ledger.lines().Of(pcie->controller);
  return Start(waiter, std::make_unique<PcieOp>(waiter.vm, line, *pcie));
}

}  // namespace bpmp::core
