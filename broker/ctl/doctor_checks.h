// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_DOCTOR_CHECKS_H_
#define BROKER_CTL_DOCTOR_CHECKS_H_

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "bpmp/v1/admin.pb.h"
#include "bpmp/v1/selftest.pb.h"
#include "broker/ctl/doctor_host.h"

// What `bpmpctl doctor` finds right or wrong with a host, from what its broker and its kernel say.
// All that is compared is in the arguments.
namespace bpmp::ctl {

// What the broker says of itself.
struct Patient {
  v1::ServerStatus status;
  v1::ListVmsResponse vms;
  v1::ListDevicesResponse devices;
  v1::ListResourcesResponse resources;
};

// Nothing is left in doubt.
v1::SelftestCheck CheckQuarantine(const Patient& patient);
// Every guest that has been connected for a while has asked for something.
v1::SelftestCheck CheckGuests(const Patient& patient, absl::Time now);
// The device trees that VMMs give to their guests have the window where the VMM has it.
v1::SelftestCheck CheckWindows(const Patient& patient, const HostView& host);
// The host proxy lets through what the VMs may do. `allowed` is its list.
v1::SelftestCheck CheckAllowList(const Patient& patient, std::string_view allowed);
// No driver of the host's has a device of a VM's.
v1::SelftestCheck CheckDrivers(const Patient& patient, const HostView& host);
// vfio-platform takes devices that it has no reset driver for.
v1::SelftestCheck CheckVfio(const HostView& host);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_DOCTOR_CHECKS_H_
