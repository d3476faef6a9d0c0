// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/string_view.h"
#include "broker/core/core.h"
#include "broker/core/core_impl.h"
#include "broker/core/judged.h"
#include "broker/core/policy_diff.h"
#include "broker/mrq/codec.h"

namespace bpmp::core {
namespace {

std::string FirstSentence(const Verdict& verdict) {
  const std::string text(ToAbsl(ReasonText(verdict.reason)));
  if (verdict.kind != Verdict::Kind::kRefuse) return absl::StrCat("Allowed: ", text, ".");
  const int32_t error = mrq::Fail(verdict.error).error;
  return absl::StrCat("Refused with ", ToAbsl(mrq::ErrorName(error)), ": ", text, ".");
}

// " uart-vm has 'vote' on plla, as an ancestor of a clock that it may use."
std::string GrantSentence(const Core& core, VmId vm, Resource resource) {
  const Core::Grant grant = core.GrantOf(vm, resource);
  return absl::StrCat(" ", core.NameOf(vm), " has '", ToAbsl(AccessName(grant.access)), "' on ",
                      core.NameOf(resource),
                      grant.derived ? ", as an ancestor of a clock that it may use" : "", ".");
}

// " Held by host, spi-vm."; empty when nobody but the VM holds it.
std::string HoldersSentence(const Core& core, const std::vector<VmId>& others) {
  if (others.empty()) return "";
  std::vector<std::string> names;
  names.reserve(others.size());
  for (const VmId other : others) names.push_back(core.NameOf(other));
  return absl::StrCat(" Held by ", absl::StrJoin(names, ", "), ".");
}

std::string AdviceSentence(const Core& core, VmId vm, Resource resource) {
  const std::string name = core.NameOf(resource);
  return absl::StrCat(" To allow it, give ", core.NameOf(vm), " the device that uses ", name,
                      ", or ", name, " itself, in its policy.");
}

// The line of the policy that would allow it; empty where no line would.
std::string OptInSentence(const View& view, VmId vm, const mrq::Request& request,
                          const Verdict& verdict) {
  if (!IsByPolicy(verdict)) return "";
  std::string line;
  if (const auto* thermal = std::get_if<mrq::ThermalRequest>(&request)) {
    const bool zone = verdict.reason == Reason::kNotPermitted;
    line = absl::StrCat("thermal: {zones: [", zone ? thermal->arg : 0, "]}");
  } else if (std::holds_alternative<mrq::EmcDvfsLatencyRequest>(request)) {
    line = "emc_latency: true";
  } else if (const auto* uphy = std::get_if<mrq::UphyRequest>(&request)) {
    const auto pcie = mrq::PcieSwitchOf(*uphy);
    const VmPolicy* owner = pcie ? view.OwnerBeside(vm, pcie->controller) : nullptr;
    if (owner != nullptr) {
      return absl::StrCat(" The policy gives the controller to ", owner->name,
                          ", and only one VM can have it.");
    }
    if (pcie) line = absl::StrCat("pcie_controllers: [", pcie->controller.value(), "]");
  }
  return line.empty() ? "" : absl::StrCat(" To allow it, write '", line, "' into its policy.");
}

// Of a VM that is audit-only; empty where that makes no difference.
std::string AuditSentence(const Core& core, VmId vm, const Verdict& strict,
                          const Verdict& lenient) {
  if (!IsByPolicy(strict) || lenient.kind == Verdict::Kind::kRefuse) return "";
  return absl::StrCat(" ", core.NameOf(vm), " is audit-only: by its policy it would be refused: ",
                      ToAbsl(ReasonText(strict.reason)), ".");
}

// What is said of the resource, and who else is concerned.
void ExplainResource(const Core& core, VmId vm, const Judged& judged, Explanation* explanation) {
  const Resource resource = judged.resource;
  const auto status = core.Status(resource);
  if (judged.verdict.reason == Reason::kUnknownId || !status) {
    absl::StrAppend(&explanation->text, " The firmware has no ", ToAbsl(KindName(resource.kind)),
                    " ", resource.id, ", or it is hidden from this VM.");
    return;
  }
  for (const VmId holder : status->holders) {
    if (holder != vm) explanation->others.push_back(holder);
  }
  absl::StrAppend(&explanation->text, GrantSentence(core, vm, resource),
                  HoldersSentence(core, explanation->others));
  if (judged.verdict.error == mrq::Error::kBusy) {
    absl::StrAppend(&explanation->text, " In the way: ", core.NameOf(judged.verdict.other), ".");
    if (explanation->others.empty()) explanation->others.push_back(judged.verdict.other);
  }
  if (judged.verdict.reason == Reason::kNotPermitted &&
      resource.kind != ResourceKind::kPcieController) {
    absl::StrAppend(&explanation->text, AdviceSentence(core, vm, resource));
  }
}

}  // namespace

Explanation Core::Explain(VmId vm, const mrq::Request& request,
                          std::optional<int64_t> max_rate_hz) const {
  const Machine& machine = impl_->machine;
  Explanation explanation;
  if (!impl_->Known(vm) || (vm != kHost && machine.view.PolicyOf(vm) == nullptr)) {
    explanation.error = mrq::Fail(mrq::Error::kAccess).error;
    explanation.reason = Reason::kNotPermitted;
    explanation.text = "There is no such VM.";
    return explanation;
  }
  Judged judged = JudgeRequest(machine.judge, machine.inventory, vm, request, max_rate_hz);
  if (const auto drained = impl_->RefuseDrained(vm, request)) {
    judged.verdict = *drained;
    explanation.text =
        absl::StrCat(FirstSentence(judged.verdict),
                     " To let it take things again: bpmpctl vm undrain ", NameOf(vm), ".");
    explanation.reason = Reason::kDrained;
    explanation.error = mrq::Fail(drained->error).error;
    return explanation;
  }
  const Verdict& verdict = judged.verdict;
  explanation.reason = verdict.reason;
  explanation.error = mrq::Fail(verdict.error).error;
  explanation.edge = verdict.kind == Verdict::Kind::kProceed && verdict.reason != Reason::kReadable;
  explanation.text = FirstSentence(verdict);
  if (judged.resource.kind != ResourceKind::kNone) {
    ExplainResource(*this, vm, judged, &explanation);
  }
  absl::StrAppend(&explanation.text, OptInSentence(machine.view, vm, request, verdict));
  if (machine.view.AuditOnly(vm)) {
    const Judged strict =
        JudgeRequest(machine.strict_judge, machine.inventory, vm, request, max_rate_hz);
    absl::StrAppend(&explanation.text, AuditSentence(*this, vm, strict.verdict, verdict));
  }
  return explanation;
}

}  // namespace bpmp::core
