// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include "broker/base/status_macros.h"
#include "broker/ctl/guest_overlay.h"
#include "broker/ctl/host_tree.h"
#include "broker/ctl/verbs.h"

namespace bpmp::ctl {
namespace {

absl::StatusOr<ExitCode> Write(Context& context, const std::string& vm, const std::string& file) {
  BPMP_ASSIGN_OR_RETURN(const HostTree host, ReadHostTree(file));
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  v1::GetVmRequest request;
  request.set_name(vm);
  BPMP_ASSIGN_OR_RETURN(const v1::Vm entry, admin->Call(&v1::Admin::Stub::GetVm, request));
  BPMP_ASSIGN_OR_RETURN(const v1::ListDevicesResponse known,
                        admin->Call(&v1::Admin::Stub::ListDevices, v1::ListDevicesRequest()));
  BPMP_ASSIGN_OR_RETURN(const std::vector<GuestDevice> devices,
                        FindGuestDevices(entry.config(), known, host));
  BPMP_ASSIGN_OR_RETURN(const std::string overlay, GuestOverlay(vm, devices, host));
  for (const std::string& line : NotGiven(devices, host)) {
    context.Warn(line);
  }
  context.Print(overlay);
  return ExitCode::kOk;
}

}  // namespace

void AddGuestDtVerb(VerbTree& verbs) {
  struct Words {
    std::string vm;
    std::string file = devicetree::kLiveTree;
  };
  auto words = std::make_shared<Words>();
  CLI::App* verb =
      verbs.Add("guest-dt", "Write a device-tree overlay with a VM's devices, for its guest",
                [words](Context& context) { return Write(context, words->vm, words->file); });
  AddArgument(verb, "VM", &words->vm, "Name of the VM");
  verb->add_option("--host-dtb", words->file, "The host's compiled device tree [/sys/firmware/fdt]")
      ->type_name("FILE");
}

}  // namespace bpmp::ctl
