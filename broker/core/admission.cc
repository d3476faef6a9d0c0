// SPDX-License-Identifier: Apache-2.0
// What a VM that is to leave may still do, and when nothing of it is left.
#include <algorithm>
#include <optional>
#include <variant>

#include "absl/algorithm/container.h"
#include "broker/core/core_impl.h"
#include "broker/core/judged.h"
#include "broker/mrq/codec.h"

namespace bpmp::core {
namespace {

bool Takes(const mrq::ClkRequest& request) {
  return request.cmd == mrq::ClkCmd::kEnable || request.cmd == mrq::ClkCmd::kSetRate ||
         request.cmd == mrq::ClkCmd::kSetParent;
}
// Not the ASSERT, with which a device is put to rest.
bool Takes(const mrq::ResetRequest& request) {
  return request.cmd == mrq::ResetCmd::kDeassert || request.cmd == mrq::ResetCmd::kModule;
}
bool Takes(const mrq::PgRequest& request) {
  return request.cmd == mrq::PgCmd::kSetState &&
         request.arg != static_cast<uint32_t>(mrq::PgState::kOff);
}
bool Takes(const mrq::UphyRequest& request) {
  const auto asked = mrq::PcieSwitchOf(request);
  return asked.has_value() && asked->on;
}
// By name, so that a new kind of request has to say which it is.
bool Takes(const mrq::PingRequest& /*request*/) { return false; }
bool Takes(const mrq::QueryAbiRequest& /*request*/) { return false; }
bool Takes(const mrq::QueryFwTagRequest& /*request*/) { return false; }
bool Takes(const mrq::ThermalRequest& /*request*/) { return false; }
bool Takes(const mrq::EmcDvfsLatencyRequest& /*request*/) { return false; }
bool Takes(const mrq::CpuNdivLimitsRequest& /*request*/) { return false; }

}  // namespace

Admission Machine::AdmissionOf(VmId vm) const {
  const auto it = admissions.find(vm);
  return it == admissions.end() ? Admission::kOpen : it->second;
}

std::optional<Verdict> Core::Impl::RefuseDrained(VmId vm, const mrq::Request& request) const {
  if (machine.AdmissionOf(vm) != Admission::kClosed) return std::nullopt;
  if (!std::visit([](const auto& any) { return Takes(any); }, request)) return std::nullopt;
  Verdict verdict;
  verdict.error = mrq::Error::kAccess;
  verdict.reason = Reason::kDrained;
  return verdict;
}

// What a VM did has an end: nothing is recorded of it, and nothing is on its way. What its
// release left to an administrator ends by itself no more.
bool Core::Impl::Idle(VmId vm) const {
  const Ledger& ledger = machine.ledger;
  // The cheap ones first: this is asked after each step while somebody waits for the VM.
  return !Releasing(vm) && ledger.ClockVotes(vm) == 0 && ledger.DomainVotes(vm) == 0 &&
         machine.scheduler.Waiting(vm) == 0 && machine.scheduler.BusyFor(vm).empty() &&
         absl::c_all_of(ledger.TouchedBy(vm),
                        [&](Line line) { return machine.IsForAdmin(vm, line); });
}

bool Core::Impl::HasResidue(VmId vm) const {
  if (machine.view.PolicyOf(vm) == nullptr) return false;
  for (Line line = 0; line < machine.ledger.lines().size(); ++line) {
    if (machine.IsResidueOf(vm, line)) return true;
  }
  return false;
}

void Core::SetAdmission(VmId vm, Admission admission) {
  auto& admissions = impl_->machine.admissions;
  if (admission == Admission::kOpen) {
    admissions.erase(vm);
  } else {
    admissions[vm] = admission;
  }
}

bool Core::IsFree(VmId vm) const {
  if (!impl_->Known(vm)) return true;
  if (impl_->machine.AdmissionOf(vm) == Admission::kLeaving || !impl_->Idle(vm)) return false;
  const auto is_its = [vm](const auto& doubt) { return doubt.second.vm == vm; };
  // What is still tried again in its name.
  if (absl::c_any_of(impl_->machine.doubtful, is_its) ||
      absl::c_any_of(impl_->machine.unsettled, is_its)) {
    return false;
  }
  return !impl_->HasResidue(vm);
}

}  // namespace bpmp::core
