// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/drain_view.h"
#include "broker/ctl/verbs.h"

namespace bpmp::ctl {
namespace {

absl::StatusOr<ExitCode> Drain(Context& context, const std::string& name, bool end_session) {
  v1::DrainVmRequest request;
  request.set_name(name);
  request.set_session(end_session ? v1::DrainVmRequest::END : v1::DrainVmRequest::KEEP);
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(const v1::DrainVmResponse done,
                        admin->Call(&v1::Admin::Stub::DrainVm, request));
  return context.Show(done, [&] { return DrainText(done.vm()); });
}

absl::StatusOr<ExitCode> Undrain(Context& context, const std::string& name) {
  v1::UndrainVmRequest request;
  request.set_name(name);
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(const v1::UndrainVmResponse done,
                        admin->Call(&v1::Admin::Stub::UndrainVm, request));
  return context.Show(done, [&] { return absl::StrCat(name, " takes sessions again\n"); });
}

// The time is over: why, as far as the broker can tell.
absl::Status StillWaiting(Context& context, AdminClient& admin, const std::string& name,
                          const absl::Status& late) {
  v1::GetVmRequest request;
  request.set_name(name);
  const absl::StatusOr<v1::Vm> vm = admin.Call(&v1::Admin::Stub::GetVm, request);
  const std::string why = vm.ok() ? WhyNotFree(*vm) : "";
  if (why.empty()) {
    return late;
  }
  return absl::DeadlineExceededError(absl::StrCat(name, " is not free after ",
                                                  absl::FormatDuration(context.globals().timeout),
                                                  ": ", why, "\n  to wait longer: --timeout 5m"));
}

absl::StatusOr<ExitCode> WaitReleased(Context& context, const std::string& name) {
  v1::WaitReleasedRequest request;
  request.set_name(name);
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  const absl::StatusOr<v1::WaitReleasedResponse> done =
      admin->Call(&v1::Admin::Stub::WaitReleased, request);
  if (absl::IsDeadlineExceeded(done.status())) {
    return StillWaiting(context, *admin, name, done.status());
  }
  if (!done.ok()) {
    return done.status();
  }
  // What isn't fit for another VM isn't free.
  const bool fit = done->quarantined().empty();
  if (!fit) {
    AdminNames names(admin);
    context.Warn(QuarantineText(done->quarantined(), names));
  }
  return context.Show(
      *done, [&] { return ReleasedText(name, *done); }, fit ? ExitCode::kOk : ExitCode::kRefused);
}

}  // namespace

void AddVmDrainVerbs(VerbTree& verbs, CLI::App* vm_group) {
  auto drained = std::make_shared<std::string>();
  auto end_session = std::make_shared<bool>(false);
  CLI::App* drain =
      verbs.Add(vm_group, "drain", "Let a VM take no new session; the one that it has goes on",
                [=](Context& context) { return Drain(context, *drained, *end_session); });
  AddArgument(drain, "VM", drained.get(), "Name of the VM");
  drain->add_flag("--end-session", *end_session,
                  "End its session and undo all that it did, under a guest that may not expect it");

  auto undrained = std::make_shared<std::string>();
  CLI::App* undrain =
      verbs.Add(vm_group, "undrain", "Let a VM that was drained take sessions again",
                [undrained](Context& context) { return Undrain(context, *undrained); });
  AddArgument(undrain, "VM", undrained.get(), "Name of the VM");

  auto released = std::make_shared<std::string>();
  CLI::App* wait =
      verbs.Add(vm_group, "wait-released",
                "Wait until a VM holds nothing, and of a drained one also its session is over",
                [released](Context& context) { return WaitReleased(context, *released); });
  AddArgument(wait, "VM", released.get(), "Name of the VM");
  wait->footer(
      "Waits for --timeout at the longest, and then ends with 5. Ends with 1 where the "
      "release left something in quarantine.");
}

}  // namespace bpmp::ctl
