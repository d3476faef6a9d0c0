// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/doctor_checks.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/base/string_view.h"
#include "broker/ctl/device_view.h"
#include "broker/ctl/selftest_checks.h"

namespace bpmp::ctl {
namespace {

// A guest's kernel asks for all clocks while it boots, long before this.
constexpr absl::Duration kSilence = absl::Seconds(30);
constexpr char kVfio[] = "vfio-platform";

// "serial@3100000", of the device's names and paths; "" where it has none of this kind.
std::string NodeOf(const v1::Device& device) {
  std::string of_path;
  for (const std::string& name : NamesOf(device)) {
    const size_t slash = name.rfind('/');
    const std::string last = slash == std::string::npos ? name : name.substr(slash + 1);
    if (!absl::StrContains(last, "@")) continue;
    if (slash == std::string::npos) return name;
    of_path = last;
  }
  return of_path;
}

absl::Time Since(const v1::VmSession& session) {
  return absl::FromUnixSeconds(session.since().seconds());
}

}  // namespace

v1::SelftestCheck CheckQuarantine(const Patient& patient) {
  const uint32_t count = patient.status.quarantined();
  if (count == 0) return Passed("quarantine", "nothing");
  return Failed("quarantine", absl::StrCat(count, count == 1 ? " resource" : " resources"),
                "bpmpctl status names them; once fit for use: bpmpctl clear-quarantine RESOURCE");
}

v1::SelftestCheck CheckGuests(const Patient& patient, absl::Time now) {
  std::vector<std::string> silent;
  int sessions = 0;
  for (const v1::Vm& vm : patient.vms.vms()) {
    if (!vm.session().connected()) continue;
    ++sessions;
    // A client that came back to a broker that was started again has said what its guest holds, and
    // a guest that holds its devices has no more to ask.
    const bool holds = vm.clock_votes() + vm.power_domain_votes() > 0;
    if (vm.session().requests() == 0 && !holds && now - Since(vm.session()) > kSilence) {
      silent.push_back(vm.name());
    }
  }
  if (silent.empty()) {
    return Passed("guests", absl::StrCat(sessions, " connected, each has asked or began just now"));
  }
  return Failed(
      "guests",
      absl::StrCat(FirstOf(silent), silent.size() == 1 ? " is" : " are",
                   " connected and asks for nothing"),
      "no BPMP driver in the guest's kernel (for nvidia-bpmp-guest: no guest proxy), or its /bpmp "
      "node isn't of QEMU's device: look for tegra-bpmp in its dmesg");
}

v1::SelftestCheck CheckDrivers(const Patient& patient, const HostView& host) {
  std::vector<std::string> taken;
  int vfio = 0;
  int unbound = 0;
  int absent = 0;
  for (const v1::Vm& vm : patient.vms.vms()) {
    for (const v1::DeviceGrantConfig& grant : vm.config().devices()) {
      const v1::Device* const device = FindDevice(patient.devices, grant.device());
      const std::string node = device == nullptr ? "" : NodeOf(*device);
      const auto driver = host.DriverOf(node);
      if (!host.HasDevice(node)) {
        ++absent;
      } else if (!driver.has_value()) {
        ++unbound;
      } else if (*driver == kVfio) {
        ++vfio;
      } else {
        taken.push_back(absl::StrCat(node, " of ", vm.name(), " by ", *driver));
      }
    }
  }
  if (!taken.empty()) {
    return Failed("drivers", "the host's own drivers have devices of VMs: " + FirstOf(taken),
                  "unbind them, and let vfio-platform have them (driver_override)");
  }
  return Passed("drivers", absl::StrCat("devices of VMs: ", vfio, " bound to ", kVfio, ", ",
                                        unbound, " to no driver, ", absent, " not on this host"));
}

v1::SelftestCheck CheckVfio(const HostView& host) {
  const auto required = host.ModuleParameter("vfio_platform", "reset_required");
  if (!required.has_value()) return Passed("vfio", "vfio_platform isn't loaded");
  if (*required != "Y") return Passed("vfio", "vfio_platform takes devices without a reset driver");
  return Failed("vfio", "vfio_platform refuses devices that it has no reset driver for",
                "load it with reset_required=0; the broker resets what a VM leaves");
}

}  // namespace bpmp::ctl
