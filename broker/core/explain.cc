// SPDX-License-Identifier: Apache-2.0
#include <array>
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

Verdict Local() {
  Verdict verdict;
  verdict.kind = Verdict::Kind::kSettled;
  verdict.reason = Reason::kLocal;
  return verdict;
}

Verdict NotForwarded() {
  Verdict verdict;
  verdict.error = mrq::Error::kInval;
  verdict.reason = Reason::kNotForwarded;
  return verdict;
}

// What the rules say, per type of request; the same calls as Requests makes.
class Asker {
 public:
  Asker(const Judge& judge, VmId vm) : judge_(judge), vm_(vm) {}

  Judged operator()(const mrq::PingRequest&) const { return {Local(), {}}; }
  Judged operator()(const mrq::QueryAbiRequest&) const { return {Local(), {}}; }
  Judged operator()(const mrq::QueryFwTagRequest&) const { return {Local(), {}}; }

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
        return {judge_.SetRate(vm_, request.clock, request.rate_hz), resource};
      case mrq::ClkCmd::kRoundRate:
        return {judge_.RoundRate(vm_, request.clock, request.rate_hz), resource};
      case mrq::ClkCmd::kSetParent:
        return {judge_.SetParent(vm_, request.clock, request.parent), resource};
      case mrq::ClkCmd::kGetMaxClkId:
        return {Local(), {}};
      default:
        return {judge_.Read(vm_, request.clock), resource};
    }
  }

  Judged operator()(const mrq::ResetRequest& request) const {
    if (request.cmd == mrq::ResetCmd::kGetMaxId) return {Local(), {}};
    return {judge_.Reset(vm_, request.cmd, request.reset), Resource::Of(request.reset)};
  }

  Judged operator()(const mrq::PgRequest& request) const {
    const Resource resource = Resource::Of(request.domain);
    if (request.cmd == mrq::PgCmd::kGetState) {
      return {judge_.GetState(vm_, request.domain), resource};
    }
    if (request.cmd != mrq::PgCmd::kSetState) return {Local(), {}};
    return {request.arg == 0 ? judge_.Disable(vm_, resource) : judge_.Enable(vm_, resource),
            resource};
  }

  template <typename Other>
  Judged operator()(const Other&) const {
    return {NotForwarded(), {}};
  }

 private:
  const Judge& judge_;
  const VmId vm_;
};

std::string_view AccessName(Access access) {
  constexpr std::array<std::string_view, 4> kNames = {"none", "get", "vote", "exclusive"};
  return kNames[static_cast<size_t>(access)];
}

}  // namespace

Explanation Core::Explain(VmId vm, const mrq::Request& request) const {
  const Machine& machine = impl_->machine;
  Explanation explanation;
  if (!impl_->Known(vm)) {
    explanation.error = mrq::Fail(mrq::Error::kAccess).error;
    explanation.reason = Reason::kNotPermitted;
    explanation.text = "There is no such VM.";
    return explanation;
  }
  const Judged judged = std::visit(Asker(machine.judge, vm), request);
  const Verdict& verdict = judged.verdict;
  explanation.reason = verdict.reason;
  explanation.error = mrq::Fail(verdict.error).error;
  explanation.edge = verdict.kind == Verdict::Kind::kProceed && verdict.reason != Reason::kReadable;
  const std::string name = NameOf(judged.resource);
  std::string& text = explanation.text;
  if (verdict.kind == Verdict::Kind::kRefuse) {
    text = absl::StrCat("Refused with ", ToAbsl(mrq::ErrorName(explanation.error)), ": ",
                        ToAbsl(ReasonText(verdict.reason)), ".");
  } else {
    text = absl::StrCat("Allowed: ", ToAbsl(ReasonText(verdict.reason)), ".");
  }
  if (judged.resource.kind == ResourceKind::kNone) return explanation;
  if (verdict.reason == Reason::kUnknownId) {
    absl::StrAppend(&text, " The firmware has no ", ToAbsl(KindName(judged.resource.kind)), " ",
                    judged.resource.id, ", or it is hidden from this VM.");
    return explanation;
  }
  const Grant grant = GrantOf(vm, judged.resource);
  absl::StrAppend(&text, " ", NameOf(vm), " has '", ToAbsl(AccessName(grant.access)), "' on ", name,
                  grant.derived ? ", as an ancestor of a clock that it may use" : "", ".");
  const auto status = Status(judged.resource);
  std::vector<std::string> others;
  for (const VmId holder : status->holders) {
    if (holder == vm) continue;
    explanation.others.push_back(holder);
    others.push_back(NameOf(holder));
  }
  if (!others.empty()) {
    absl::StrAppend(&text, " Held by ", absl::StrJoin(others, ", "), ".");
  }
  if (verdict.error == mrq::Error::kBusy) {
    absl::StrAppend(&text, " In the way: ", NameOf(verdict.other), ".");
    if (explanation.others.empty()) explanation.others.push_back(verdict.other);
  }
  if (verdict.reason == Reason::kNotPermitted) {
    absl::StrAppend(&text, " To allow it, give ", NameOf(vm), " the device that uses ", name,
                    ", or ", name, " itself, in its policy.");
  }
  return explanation;
}

}  // namespace bpmp::core
