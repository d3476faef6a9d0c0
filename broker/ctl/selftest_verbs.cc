// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/acting_vm.h"
#include "broker/ctl/check_report.h"
#include "broker/ctl/selftest_checks.h"
#include "broker/ctl/selftest_switch.h"
#include "broker/ctl/verbs.h"
#include "broker/mrq/types.h"

namespace bpmp::ctl {
namespace {

// As many reads are timed.
constexpr size_t kReads = 20;

absl::StatusOr<Resources> List(AdminClient& admin, v1::ResourceKind kind) {
  v1::ListResourcesRequest request;
  request.set_kind(kind);
  BPMP_ASSIGN_OR_RETURN(const v1::ListResourcesResponse list,
                        admin.Call(&v1::Admin::Stub::ListResources, request));
  return Resources(list.resources().begin(), list.resources().end());
}

// What the broker answers by itself.
absl::StatusOr<std::vector<absl::Duration>> TimeBroker(AdminClient& admin) {
  std::vector<absl::Duration> times;
  while (times.size() < kReads) {
    const absl::Time begin = absl::Now();
    BPMP_RETURN_IF_ERROR(
        admin.Call(&v1::Admin::Stub::GetServerStatus, v1::GetServerStatusRequest()).status());
    times.push_back(absl::Now() - begin);
  }
  return times;
}

// Rates, which the firmware is asked for whoever wants to know; of roots the broker knows them. A
// firmware that doesn't answer isn't asked for ever.
absl::StatusOr<std::vector<absl::Duration>> TimeFirmware(AdminClient& admin, const std::string& vm,
                                                         const Resources& clocks) {
  ActingVm as_vm(&admin, vm);
  std::vector<absl::Duration> times;
  size_t asked = 0;
  for (const v1::ResourceState& clock : clocks) {
    if (asked == kReads) {
      break;
    }
    if ((clock.flags() & mrq::clk_flag::kIsRoot) != 0) {
      continue;
    }
    mrq::ClkRequest request;
    request.cmd = mrq::ClkCmd::kGetRate;
    request.clock = ClockId(clock.id());
    const absl::Time begin = absl::Now();
    BPMP_ASSIGN_OR_RETURN(const ActingVm::Answer answer, as_vm.Ask(request));
    ++asked;
    if (answer.response.ok()) {
      times.push_back(absl::Now() - begin);
    }
  }
  if (asked > 0 && times.empty()) {
    return absl::UnavailableError(
        absl::StrCat("none of ", asked, " clocks' rates could be read, as ", vm));
  }
  return times;
}

// Reads through to the firmware are a VM's; any will do that is shown all clocks.
absl::StatusOr<std::optional<std::string>> AnyVm(AdminClient& admin) {
  BPMP_ASSIGN_OR_RETURN(const v1::ListVmsResponse vms,
                        admin.Call(&v1::Admin::Stub::ListVms, v1::ListVmsRequest()));
  for (const v1::Vm& vm : vms.vms()) {
    if (vm.config().ids() != v1::VmConfig::HIDDEN && !vm.releasing()) {
      return vm.name();
    }
  }
  return std::nullopt;
}

absl::Status Look(AdminClient& admin, v1::SelftestReport* report) {
  BPMP_ASSIGN_OR_RETURN(const v1::ServerStatus status, admin.Call(&v1::Admin::Stub::GetServerStatus,
                                                                  v1::GetServerStatusRequest()));
  *report->add_checks() = CheckBroker(status, absl::Now());
  *report->add_checks() = CheckBackend(status);
  BPMP_ASSIGN_OR_RETURN(const Resources clocks, List(admin, v1::RESOURCE_KIND_CLOCK));
  *report->add_checks() = CheckClocks(clocks);
  *report->add_checks() = CheckClockParents(clocks);
  BPMP_ASSIGN_OR_RETURN(const Resources domains, List(admin, v1::RESOURCE_KIND_POWER_DOMAIN));
  *report->add_checks() = CheckDomains(domains);
  BPMP_ASSIGN_OR_RETURN(std::vector<absl::Duration> broker, TimeBroker(admin));
  BPMP_ASSIGN_OR_RETURN(const std::optional<std::string> vm, AnyVm(admin));
  absl::StatusOr<std::vector<absl::Duration>> firmware;
  if (vm.has_value() && status.backend_healthy()) {
    firmware = TimeFirmware(admin, *vm, clocks);
  } else {
    firmware.emplace();
  }
  *report->add_checks() = firmware.ok()
                              ? ShowTimes(std::move(broker), *std::move(firmware), vm.value_or(""))
                              : Failed("reads", std::string(firmware.status().message()), kSeeLog);
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Selftest(Context& context, const std::string& device) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  std::optional<SwitchPlan> plan;
  if (!device.empty()) {
    BPMP_ASSIGN_OR_RETURN(plan, PlanSwitch(*admin, device));
  }
  v1::SelftestReport report;
  BPMP_RETURN_IF_ERROR(Look(*admin, &report));
  if (plan.has_value()) {
    SwitchTest(admin, *std::move(plan), &report).Run();
  }
  return ShowReport(context, std::move(report));
}

}  // namespace

void AddSelftestVerb(VerbTree& verbs) {
  auto device = std::make_shared<std::string>();
  CLI::App* verb =
      verbs.Add("selftest", "Do the broker and what is behind it work? Changes nothing",
                [device](Context& context) { return Selftest(context, *device); });
  verb->add_option("--switch", *device,
                   "Also switch this device, which must be idle, on and off as a VM 'selftest' "
                   "that exists for this alone")
      ->type_name("DEVICE");
}

}  // namespace bpmp::ctl
