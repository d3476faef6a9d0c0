// SPDX-License-Identifier: Apache-2.0
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/verbs.h"
#include "broker/ctl/vm_view.h"

namespace bpmp::ctl {
namespace {

absl::StatusOr<ExitCode> Status(Context& context) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(
      const v1::ServerStatus status,
      admin->Call(&v1::Admin::Stub::GetServerStatus, v1::GetServerStatusRequest()));
  return context.Show(status, [&] { return StatusText(status, absl::Now(), context.style()); });
}

}  // namespace

void AddStatusVerb(VerbTree& verbs) {
  verbs.Add("status", "Is the broker well, and how busy is it?", Status);
}

}  // namespace bpmp::ctl
