// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/selftest_switch.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/device_view.h"
#include "broker/ctl/request_parser.h"
#include "broker/ctl/selftest_checks.h"
#include "broker/ctl/selftest_device.h"
#include "broker/ctl/style.h"
#include "broker/ctl/suggest.h"
#include "broker/ctl/units.h"
#include "broker/ctl/words.h"
#include "broker/mrq/codec.h"

namespace bpmp::ctl {
namespace {

using Ids = google::protobuf::RepeatedPtrField<v1::NamedId>;

mrq::Request Clk(mrq::ClkCmd command, uint32_t id) {
  mrq::ClkRequest request;
  request.cmd = command;
  request.clock = ClockId(id);
  return request;
}

mrq::Request PowerOnRequest(uint32_t id) {
  mrq::PgRequest request;
  request.cmd = mrq::PgCmd::kSetState;
  request.domain = DomainId(id);
  request.arg = static_cast<uint32_t>(mrq::PgState::kOn);
  return request;
}

mrq::Request Deassert(uint32_t id) {
  mrq::ResetRequest request;
  request.cmd = mrq::ResetCmd::kDeassert;
  request.reset = ResetId(id);
  return request;
}

bool IsOneOf(const Ids& ids, uint32_t id) {
  return std::any_of(ids.begin(), ids.end(), [id](const auto& one) { return one.id() == id; });
}

absl::StatusOr<Resources> ListAll(AdminClient& admin) {
  BPMP_ASSIGN_OR_RETURN(const v1::ListResourcesResponse list,
                        admin.Call(&v1::Admin::Stub::ListResources, v1::ListResourcesRequest()));
  return Resources(list.resources().begin(), list.resources().end());
}

absl::StatusOr<bool> HasVm(AdminClient& admin) {
  BPMP_ASSIGN_OR_RETURN(const v1::ListVmsResponse vms,
                        admin.Call(&v1::Admin::Stub::ListVms, v1::ListVmsRequest()));
  return std::any_of(vms.vms().begin(), vms.vms().end(),
                     [](const v1::Vm& vm) { return vm.name() == kSelftestVm; });
}

}  // namespace

absl::StatusOr<SwitchPlan> PlanSwitch(AdminClient& admin, const std::string& device) {
  SwitchPlan plan;
  BPMP_ASSIGN_OR_RETURN(plan.devices,
                        admin.Call(&v1::Admin::Stub::ListDevices, v1::ListDevicesRequest()));
  const v1::Device* const found = FindDevice(plan.devices, device);
  if (found == nullptr) {
    return absl::NotFoundError(absl::StrCat("no device ", Quoted(device),
                                            DidYouMean(device, DeviceNames(plan.devices)),
                                            " All there are: bpmpctl device list"));
  }
  plan.device = *found;
  BPMP_ASSIGN_OR_RETURN(const bool exists, HasVm(admin));
  if (exists) {
    return absl::FailedPreconditionError(absl::StrCat(
        "there is a VM ", kSelftestVm,
        " already; if a selftest that was killed has left it: bpmpctl vm remove ", kSelftestVm));
  }
  BPMP_ASSIGN_OR_RETURN(plan.before, ListAll(admin));
  BPMP_RETURN_IF_ERROR(CheckIdle(plan.device, plan.before));
  return plan;
}

SwitchTest::SwitchTest(AdminClient* admin, SwitchPlan plan, v1::SelftestReport* report)
    : admin_(admin), plan_(std::move(plan)), report_(report), vm_(admin, kSelftestVm), guard_([] {
      }) {}

SwitchTest::~SwitchTest() {
  if (defined_) {
    v1::DeleteVmRequest request;
    request.set_name(kSelftestVm);
    admin_->Call(&v1::Admin::Stub::DeleteVm, request).status().IgnoreError();
  }
}

void SwitchTest::Run() {
  constexpr bool (SwitchTest::*kSteps[])() = {
      &SwitchTest::Define,         &SwitchTest::PowerOn, &SwitchTest::EnableClocks,
      &SwitchTest::DeassertResets, &SwitchTest::Holders, &SwitchTest::OtherClocks};
  for (const auto step : kSteps) {
    if (WasInterrupted()) {
      Add(Failed("interrupted", "by a signal", "what was switched is undone; start it again"));
      break;
    }
    if (!(this->*step)()) {
      break;
    }
  }
  if (defined_) {
    Release();
    Remove();
  }
}

bool SwitchTest::Define() {
  v1::DefineVmRequest request;
  request.mutable_vm()->set_name(kSelftestVm);
  request.mutable_vm()->add_devices()->set_device(plan_.device.name());
  const absl::Status status = admin_->Call(&v1::Admin::Stub::DefineVm, request).status();
  // Too late an answer may have been a yes.
  defined_ = status.ok() || absl::IsDeadlineExceeded(status);
  if (!status.ok()) {
    return AddFailure("vm", "can't be defined", status);
  }
  return Add(Passed("vm", absl::StrCat(kSelftestVm, " is defined, with ", plan_.device.name())));
}

bool SwitchTest::PowerOn() {
  std::vector<std::string> done;
  for (const v1::NamedId& domain : plan_.device.power_domains()) {
    const absl::Time begin = absl::Now();
    if (const auto answer = vm_.Do(PowerOnRequest(domain.id())); !answer.ok()) {
      return AddFailure("power-on", domain.name(), answer.status());
    }
    done.push_back(absl::StrFormat("%s in %.2f ms", domain.name(),
                                   absl::ToDoubleMilliseconds(absl::Now() - begin)));
  }
  return Add(Passed("power-on", done.empty() ? "the device has no power domain" : FirstOf(done)));
}

bool SwitchTest::EnableClocks() {
  constexpr char kName[] = "clocks-on";
  // What others run from comes first, as in Linux.
  for (const Ids* ids : {&plan_.device.shared_clocks(), &plan_.device.clocks()}) {
    for (const v1::NamedId& clock : *ids) {
      const auto answer = vm_.Do(Clk(mrq::ClkCmd::kEnable, clock.id()));
      if (!answer.ok()) {
        return AddFailure(kName, clock.name(), answer.status());
      }
    }
  }
  std::vector<std::string> rates;
  for (const v1::NamedId& clock : plan_.device.clocks()) {
    const auto answer = vm_.Do(Clk(mrq::ClkCmd::kGetRate, clock.id()));
    if (!answer.ok()) {
      return AddFailure(kName, absl::StrCat("rate of ", clock.name()), answer.status());
    }
    const absl::StatusOr<int64_t> hz = mrq::ReadRate(*answer);
    if (!hz.ok()) {
      return AddFailure(kName, absl::StrCat("rate of ", clock.name()), hz.status());
    }
    rates.push_back(absl::StrCat(clock.name(), " at ", FormatRate(*hz)));
  }
  return Add(Passed(kName, rates.empty() ? "the device has no clock of its own" : FirstOf(rates)));
}

bool SwitchTest::DeassertResets() {
  std::vector<std::string> done;
  for (const v1::NamedId& reset : plan_.device.resets()) {
    if (const auto answer = vm_.Do(Deassert(reset.id())); !answer.ok()) {
      return AddFailure("resets", reset.name(), answer.status());
    }
    done.push_back(reset.name());
  }
  return Add(Passed(
      "resets", done.empty() ? "the device has none" : absl::StrCat(FirstOf(done), " deasserted")));
}

bool SwitchTest::Holders() {
  const absl::StatusOr<Resources> now = Now();
  return now.ok() ? Add(CheckHolders(*now, kSelftestVm))
                  : AddFailure("holders", "can't be listed", now.status());
}

bool SwitchTest::OtherClocks() {
  constexpr char kName[] = "other-clocks";
  const Resources foreign = ForeignClocks(plan_.device, plan_.devices, plan_.before);
  // The broker knows of more that the device may need than it lists; what it would let pass isn't
  // tried. It can't let all of them pass.
  for (const v1::ResourceState& clock : foreign) {
    const mrq::Request request = Clk(mrq::ClkCmd::kEnable, clock.id());
    v1::ExplainRequest question;
    question.set_vm(kSelftestVm);
    *question.mutable_request() = ToWire(request);
    const auto why = admin_->Call(&v1::Admin::Stub::Explain, question);
    if (!why.ok()) {
      return AddFailure(kName, clock.name(), why.status());
    }
    if (why->error() == 0) {
      continue;
    }
    const absl::StatusOr<ActingVm::Answer> answer = vm_.Ask(request);
    if (!answer.ok()) {
      return AddFailure(kName, clock.name(), answer.status());
    }
    if (answer->response.error != -static_cast<int32_t>(mrq::Error::kAccess)) {
      return Add(Failed(kName,
                        absl::StrCat("CLK ENABLE ", clock.name(), " of another device: ",
                                     answer->response.ok() ? "allowed" : answer->refusal),
                        "VMs aren't kept apart; don't run them on this broker"));
    }
    return Add(Passed(kName, absl::StrCat("CLK ENABLE ", clock.name(), " is refused")));
  }
  return foreign.empty()
             ? Add(Passed(kName, "no other device has a clock that is off: none to try"))
             : Add(Failed(kName, absl::StrCat("all ", foreign.size(), " would be allowed"),
                          "VMs aren't kept apart; don't run them on this broker"));
}

bool SwitchTest::Release() {
  v1::ReleaseVmRequest request;
  request.set_name(kSelftestVm);
  const absl::Status done = admin_->Call(&v1::Admin::Stub::ReleaseVm, request).status();
  if (!done.ok()) {
    return AddFailure("release", "not done", done);
  }
  v1::GetVmRequest which;
  which.set_name(kSelftestVm);
  const absl::StatusOr<v1::Vm> vm = admin_->Call(&v1::Admin::Stub::GetVm, which);
  const absl::StatusOr<Resources> after = Now();
  if (!vm.ok() || !after.ok()) {
    return AddFailure("release", "can't be checked", vm.ok() ? after.status() : vm.status());
  }
  return Add(CheckReleased(*vm, plan_.before, *after));
}

bool SwitchTest::Remove() {
  v1::DeleteVmRequest request;
  request.set_name(kSelftestVm);
  const absl::Status done = admin_->Call(&v1::Admin::Stub::DeleteVm, request).status();
  const absl::StatusOr<bool> exists = HasVm(*admin_);
  defined_ = !exists.ok() || *exists;
  if (!done.ok() || defined_) {
    return Add(Failed("vm-removed", done.ok() ? "it is still listed" : std::string(done.message()),
                      absl::StrCat("try: bpmpctl vm remove ", kSelftestVm)));
  }
  return Add(Passed("vm-removed", absl::StrCat(kSelftestVm, " is gone")));
}

bool SwitchTest::Add(v1::SelftestCheck check) {
  const bool passed = check.passed();
  *report_->add_checks() = std::move(check);
  return passed;
}

bool SwitchTest::AddFailure(const std::string& check, const std::string& what,
                            const absl::Status& status) {
  return Add(Failed(check, absl::StrCat(what, ": ", status.message()), kSeeLog));
}

absl::StatusOr<Resources> SwitchTest::Now() {
  BPMP_ASSIGN_OR_RETURN(Resources all, ListAll(*admin_));
  const v1::Device& device = plan_.device;
  const auto is_another = [&device](const v1::ResourceState& one) {
    switch (one.kind()) {
      case v1::RESOURCE_KIND_CLOCK:
        return !IsOneOf(device.clocks(), one.id()) && !IsOneOf(device.shared_clocks(), one.id());
      case v1::RESOURCE_KIND_POWER_DOMAIN:
        return !IsOneOf(device.power_domains(), one.id());
      default:
        return true;  // a reset is held by nobody
    }
  };
  all.erase(std::remove_if(all.begin(), all.end(), is_another), all.end());
  return all;
}

}  // namespace bpmp::ctl
