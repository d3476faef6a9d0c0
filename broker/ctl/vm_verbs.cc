// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/drain_view.h"
#include "broker/ctl/verbs.h"
#include "broker/ctl/vm_view.h"

namespace bpmp::ctl {
namespace {

absl::StatusOr<ExitCode> List(Context& context) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(const v1::ListVmsResponse vms,
                        admin->Call(&v1::Admin::Stub::ListVms, v1::ListVmsRequest()));
  return context.Show(vms, [&] { return VmTable(vms, absl::Now(), context.style()); });
}

absl::StatusOr<ExitCode> Show(Context& context, const std::string& name) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  v1::GetVmRequest request;
  request.set_name(name);
  BPMP_ASSIGN_OR_RETURN(const v1::Vm vm, admin->Call(&v1::Admin::Stub::GetVm, request));
  return context.Show(vm, [&] { return VmText(vm, absl::Now(), context.style()); });
}

absl::StatusOr<ExitCode> Remove(Context& context, const std::string& name) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  v1::DeleteVmRequest request;
  request.set_name(name);
  BPMP_ASSIGN_OR_RETURN(const v1::DeleteVmResponse done,
                        admin->Call(&v1::Admin::Stub::DeleteVm, request));
  return context.Show(
      done, [&] { return absl::StrCat(name, " removed: released, its socket is gone\n"); });
}

absl::StatusOr<ExitCode> Release(Context& context, const std::string& name) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  v1::ReleaseVmRequest request;
  request.set_name(name);
  BPMP_ASSIGN_OR_RETURN(const v1::ReleaseVmResponse done,
                        admin->Call(&v1::Admin::Stub::ReleaseVm, request));
  if (done.quarantined_size() > 0) {
    AdminNames names(admin);
    context.Warn(QuarantineText(done.quarantined(), names));
  }
  return context.Show(
      done, [&] { return absl::StrCat(name, " released; its epoch is now ", done.epoch(), "\n"); });
}

using VmAction = absl::StatusOr<ExitCode> (*)(Context&, const std::string&);

void AddFor(VerbTree& verbs, CLI::App* group, const char* name, const char* help, VmAction action) {
  auto vm = std::make_shared<std::string>();
  CLI::App* verb =
      verbs.Add(group, name, help, [vm, action](Context& context) { return action(context, *vm); });
  AddArgument(verb, "VM", vm.get(), "Name of the VM");
}

}  // namespace

void AddVmVerbs(VerbTree& verbs) {
  CLI::App* group = verbs.Group(
      "vm", "VMs: list, show, add, update, remove, release, drain, undrain, wait-released");
  verbs.Add(group, "list", "All VMs, one a line", List);
  AddFor(verbs, group, "show", "One VM: session, permissions, what it holds", Show);
  AddVmAddVerb(verbs, group);
  AddVmUpdateVerb(verbs, group);
  AddFor(verbs, group, "remove", "Release a VM, end its session and remove its socket", Remove);
  AddFor(verbs, group, "release", "Undo all that a VM did; its session stays", Release);
  AddVmDrainVerbs(verbs, group);
}

}  // namespace bpmp::ctl
