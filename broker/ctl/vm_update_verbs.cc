// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/json.h"
#include "broker/ctl/line_reader.h"
#include "broker/ctl/policy_view.h"
#include "broker/ctl/verbs.h"
#include "broker/ctl/vm_changes.h"

namespace bpmp::ctl {
namespace {

struct Arguments {
  std::string name;
  std::string file;
  VmChanges changes;
  bool drop = false;
  bool keep = false;
  bool dry_run = false;
};

// The entry that the changes are made to: the VM's own, or the file's.
absl::StatusOr<v1::VmConfig> EntryBefore(Context& context, const Arguments& arguments) {
  v1::VmConfig entry;
  if (arguments.file.empty()) {
    BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
    v1::GetVmRequest request;
    request.set_name(arguments.name);
    BPMP_ASSIGN_OR_RETURN(const v1::Vm vm, admin->Call(&v1::Admin::Stub::GetVm, request));
    entry = vm.config();
  } else {
    BPMP_ASSIGN_OR_RETURN(const std::string json, ReadInput(context.in_fd(), arguments.file));
    BPMP_RETURN_IF_ERROR(FromJson(json, &entry));
  }
  entry.set_name(arguments.name);
  return entry;
}

std::string UpdateText(const v1::UpdateVmResponse& done, const Arguments& arguments) {
  std::string text = DifferenceText(done.difference(), arguments.dry_run, arguments.drop);
  for (const std::string& note : done.notes()) {
    absl::StrAppend(&text, "note: ", note, "\n");
  }
  if (arguments.dry_run) {
    return text;
  }
  return absl::StrCat(text, arguments.name,
                      " updated, until the broker ends or its file, if it has the VM, is reloaded; "
                      "for good, change the file too\n");
}

absl::StatusOr<ExitCode> Update(Context& context, const Arguments& arguments) {
  if (arguments.changes.empty() && arguments.file.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("nothing to change; write e.g.: bpmpctl vm update ", arguments.name,
                     " --device gpu --without-device vic"));
  }
  BPMP_ASSIGN_OR_RETURN(v1::VmConfig before, EntryBefore(context, arguments));
  v1::UpdateVmRequest request;
  // A file says what is to be, whatever was.
  if (arguments.file.empty()) *request.mutable_before() = before;
  BPMP_ASSIGN_OR_RETURN(*request.mutable_vm(),
                        ChangeVmConfig(std::move(before), arguments.changes));
  request.set_votes(arguments.drop ? v1::ReloadPolicyRequest::DROP : v1::ReloadPolicyRequest::KEEP);
  request.set_dry_run(arguments.dry_run);
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(const v1::UpdateVmResponse done,
                        admin->Call(&v1::Admin::Stub::UpdateVm, request));
  return context.Show(done, [&] { return UpdateText(done, arguments); });
}

void AddChangeOptions(CLI::App* verb, VmChanges* changes) {
  AddOption(verb, "--device", changes->devices, "DEVICE",
            "Give it a device (may be repeated, as all of these)");
  AddOption(verb, "--clock", changes->clocks, "CLOCK=ACCESS",
            "Give it a single clock: get, vote or exclusive");
  AddOption(verb, "--reset", changes->resets, "RESET=ACCESS", "Give it a single reset");
  AddOption(verb, "--domain", changes->domains, "DOMAIN=ACCESS", "Give it a single power domain");
  AddOption(verb, "--without-device", changes->without_devices, "DEVICE", "Take a device from it");
  AddOption(verb, "--without-clock", changes->without_clocks, "CLOCK",
            "Take a single clock from it");
  AddOption(verb, "--without-reset", changes->without_resets, "RESET",
            "Take a single reset from it");
  AddOption(verb, "--without-domain", changes->without_domains, "DOMAIN",
            "Take a single power domain from it");
  AddOption(verb, "--thermal-zone", changes->thermal_zones, "NUMBER",
            "Let it read a thermal zone, by the firmware's number");
  AddOption(verb, "--without-thermal-zone", changes->without_thermal_zones, "NUMBER",
            "Don't let it read one any more");
  AddOption(verb, "--pcie-controller", changes->pcie_controllers, "NUMBER",
            "Give it a PCIe controller, which it alone switches");
  AddOption(verb, "--without-pcie-controller", changes->without_pcie_controllers, "NUMBER",
            "Take a PCIe controller from it");
  AddEither(verb,
            {"--emc-latency", changes->emc_latency,
             "Let it read the latencies of the memory's frequencies"},
            {"--no-emc-latency", changes->no_emc_latency, "Don't let it any more"});
  AddEither(verb,
            {"--audit-only", changes->audit_only, "Allow, count and log what its policy denies"},
            {"--no-audit-only", changes->no_audit_only, "Deny it again"});
  AddEither(verb, {"--hide-ids", changes->hide_ids, "Don't show the names of what it may not use"},
            {"--show-ids", changes->show_ids, "Show them"});
}

}  // namespace

void AddVmUpdateVerb(VerbTree& verbs, CLI::App* vm_group) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = verbs.Add(vm_group, "update", "Change what a VM may use while it runs",
                             [arguments](Context& context) { return Update(context, *arguments); });
  AddArgument(verb, "VM", &arguments->name, "Name of the VM");
  AddChangeOptions(verb, &arguments->changes);
  verb->add_option(
          "--json", arguments->file,
          "Its whole new VmConfig as JSON, - is standard input; the other options change it")
      ->type_name("FILE");
  AddEither(verb, {"--drop", arguments->drop, "Undo at once what VMs hold and may no longer"},
            {"--keep", arguments->keep, "Leave it until they drop it or are released [default]"});
  verb->add_flag("--dry-run", arguments->dry_run, "Only say what would change");
}

}  // namespace bpmp::ctl
