// SPDX-License-Identifier: Apache-2.0
#include <array>
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
#include "broker/mrq/codec.h"

namespace bpmp::core {
namespace {

struct Judged {
  Verdict verdict;
  Resource resource;
};

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
  Asker(const Machine& machine, VmId vm, std::optional<int64_t> max_rate_hz)
      : judge_(machine.judge), inventory_(machine.inventory), vm_(vm), max_rate_hz_(max_rate_hz) {}

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

  template <typename Other>
  Judged operator()(const Other&) const {
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

std::string_view AccessName(Access access) {
  constexpr std::array<std::string_view, 4> kNames = {"none", "get", "vote", "exclusive"};
  return kNames[static_cast<size_t>(access)];
}

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
  if (judged.verdict.reason == Reason::kNotPermitted) {
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
  const bool fits = !max_rate_hz || SetsRate(request);
  const Judged judged = fits
                            ? std::visit(Asker(machine, vm, max_rate_hz), request)
                            : Judged{Refused(mrq::Error::kInval, Reason::kBadArgument), Resource()};
  const Verdict& verdict = judged.verdict;
  explanation.reason = verdict.reason;
  explanation.error = mrq::Fail(verdict.error).error;
  explanation.edge = verdict.kind == Verdict::Kind::kProceed && verdict.reason != Reason::kReadable;
  explanation.text = FirstSentence(verdict);
  if (judged.resource.kind != ResourceKind::kNone) {
    ExplainResource(*this, vm, judged, &explanation);
  }
  return explanation;
}

}  // namespace bpmp::core
