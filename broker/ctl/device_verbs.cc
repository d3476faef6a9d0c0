// SPDX-License-Identifier: Apache-2.0
#include "broker/base/status_macros.h"
#include "broker/ctl/device_view.h"
#include "broker/ctl/verbs.h"

namespace bpmp::ctl {
namespace {

absl::StatusOr<ExitCode> List(Context& context) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(const v1::ListDevicesResponse devices,
                        admin->Call(&v1::Admin::Stub::ListDevices, v1::ListDevicesRequest()));
  return context.Show(devices, [&] { return DeviceTable(devices, context.style()); });
}

}  // namespace

void AddDeviceVerbs(VerbTree& verbs) {
  CLI::App* group = verbs.Group("device", "Devices that VMs can be given");
  verbs.Add(group, "list", "All devices of the board: names, who has them, what they need", List);
}

}  // namespace bpmp::ctl
