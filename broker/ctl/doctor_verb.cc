// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/check_report.h"
#include "broker/ctl/doctor_checks.h"
#include "broker/ctl/selftest_checks.h"
#include "broker/ctl/style.h"
#include "broker/ctl/verbs.h"

namespace bpmp::ctl {
namespace {

absl::StatusOr<Patient> Examine(AdminClient& admin) {
  Patient patient;
  BPMP_ASSIGN_OR_RETURN(
      patient.status, admin.Call(&v1::Admin::Stub::GetServerStatus, v1::GetServerStatusRequest()));
  BPMP_ASSIGN_OR_RETURN(patient.vms, admin.Call(&v1::Admin::Stub::ListVms, v1::ListVmsRequest()));
  BPMP_ASSIGN_OR_RETURN(patient.devices,
                        admin.Call(&v1::Admin::Stub::ListDevices, v1::ListDevicesRequest()));
  BPMP_ASSIGN_OR_RETURN(patient.resources,
                        admin.Call(&v1::Admin::Stub::ListResources, v1::ListResourcesRequest()));
  return patient;
}

v1::SelftestCheck CheckProxy(const Patient& patient, const HostView& host) {
  if (patient.status.backend() != "kernel") {
    return Passed("allow-list", "none is asked: the backend is " + patient.status.backend());
  }
  const auto allowed = host.AllowedByProxy();
  if (allowed.has_value()) return CheckAllowList(patient, *allowed);
  return Failed("allow-list", "can't read /sys/kernel/debug/bpmp-host/allowed",
                "run as root, with debugfs mounted; known proxies don't have it");
}

absl::StatusOr<ExitCode> Doctor(Context& context, const std::string& root) {
  std::error_code error;
  if (!root.empty() && !std::filesystem::is_directory(root, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--host-root ", Quoted(root), " is no directory"));
  }
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(const Patient patient, Examine(*admin));
  const HostView host(root);
  const absl::Time now = absl::Now();
  v1::SelftestReport report;
  for (const v1::SelftestCheck& check :
       {CheckBroker(patient.status, now), CheckBackend(patient.status), CheckQuarantine(patient),
        CheckGuests(patient, now), CheckWindows(patient, host), CheckProxy(patient, host),
        CheckDrivers(patient, host), CheckVfio(host)}) {
    *report.add_checks() = check;
  }
  return ShowReport(context, std::move(report));
}

}  // namespace

void AddDoctorVerb(VerbTree& verbs) {
  auto root = std::make_shared<std::string>();
  CLI::App* verb = verbs.Add("doctor", "Is this host ready for its VMs? Changes nothing",
                             [root](Context& context) { return Doctor(context, *root); });
  verb->add_option("--host-root", *root, "Where the host's /sys and /proc are, if not at /")
      ->type_name("DIRECTORY");
}

}  // namespace bpmp::ctl
