// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/device_view.h"
#include "broker/ctl/json.h"
#include "broker/ctl/line_reader.h"
#include "broker/ctl/verbs.h"
#include "broker/ctl/vm_flags.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {
namespace {

// What the broker refused, and, where that may be for the devices' names, which it may have meant.
absl::Status WithSuggestions(const absl::Status& refused, AdminClient& admin,
                             const v1::VmConfig& vm) {
  if (!absl::IsFailedPrecondition(refused) || vm.devices_size() == 0) {
    return refused;
  }
  const auto devices = admin.Call(&v1::Admin::Stub::ListDevices, v1::ListDevicesRequest());
  if (!devices.ok()) {
    return refused;
  }
  return absl::Status(refused.code(),
                      absl::StrCat(refused.message(), UnknownDevices(vm, *devices)));
}

absl::StatusOr<ExitCode> Add(Context& context, const VmFlags& flags) {
  std::string json;
  BPMP_ASSIGN_OR_RETURN(const std::string file, FileOf(flags));
  if (!file.empty()) {
    BPMP_ASSIGN_OR_RETURN(json, ReadInput(context.in_fd(), file));
  }
  v1::DefineVmRequest request;
  BPMP_ASSIGN_OR_RETURN(*request.mutable_vm(), MakeVmConfig(flags, json));
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  const absl::StatusOr<v1::DefineVmResponse> answer =
      admin->Call(&v1::Admin::Stub::DefineVm, request);
  if (!answer.ok()) {
    return WithSuggestions(answer.status(), *admin, request.vm());
  }
  const v1::DefineVmResponse& done = *answer;
  return context.Show(done, [&] {
    std::string text =
        absl::StrCat(done.vm().name(), " added; its socket is ", done.vm().socket(), "\n");
    for (const std::string& note : done.notes()) {
      absl::StrAppend(&text, "  note: ", note, "\n");
    }
    return text;
  });
}

}  // namespace

void AddVmAddVerb(VerbTree& verbs, CLI::App* vm_group) {
  auto flags = std::make_shared<VmFlags>();
  CLI::App* verb = verbs.Add(vm_group, "add", "Add a VM while the broker runs",
                             [flags](Context& context) { return Add(context, *flags); });
  verb->add_option("NAME", flags->name,
                   "Name of the VM, or a file with its VmConfig as JSON (x.json, a path, or - for "
                   "standard input)")
      ->type_name("");
  verb->add_option("--json", flags->file, "VmConfig as JSON; flags add to it, - is standard input")
      ->type_name("FILE");
  AddOption(verb, "--device", flags->devices, "DEVICE", "A device of the board (may be repeated)");
  AddOption(verb, "--clock", flags->clocks, "CLOCK=ACCESS",
            "A single clock: get, vote or exclusive");
  AddOption(verb, "--reset", flags->resets, "RESET=ACCESS", "A single reset");
  AddOption(verb, "--domain", flags->domains, "DOMAIN=ACCESS", "A single power domain");
  AddOption(verb, "--thermal-zone", flags->thermal_zones, "NUMBER",
            "A thermal zone that it may read, by the firmware's number");
  AddOption(verb, "--pcie-controller", flags->pcie_controllers, "NUMBER",
            "A PCIe controller, which it alone switches");
  verb->add_flag("--emc-latency", flags->emc_latency,
                 "The latencies of the memory's frequencies, to read");
  AddOption(verb, "--vm-socket", flags->socket, "PATH", "Where the VM's socket is");
  AddOption(verb, "--owner", flags->owner, "USER", "Owner of that socket");
  AddOption(verb, "--group", flags->group, "GROUP", "Group of that socket");
  AddOption(verb, "--mode", flags->mode, "OCTAL", "Mode of that socket, e.g. 0660");
  AddOption(verb, "--peer-user", flags->peer_user, "USER", "Who may connect besides root");
  AddOption(verb, "--peer-unit", flags->peer_unit, "UNIT",
            "The systemd unit that the VMM must run in");
  verb->add_flag("--all-exclusive", flags->all_exclusive,
                 "Everything, for the one VM that stands for a host");
  verb->add_flag("--hide-ids", flags->hide_ids, "Don't show the names of what it may not use");
  verb->add_flag("--audit-only", flags->audit_only,
                 "Allow, count and log what its policy denies, for policy suggest");
}

}  // namespace bpmp::ctl
