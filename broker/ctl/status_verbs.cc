// SPDX-License-Identifier: Apache-2.0
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/verbs.h"
#include "broker/ctl/vm_view.h"

namespace bpmp::ctl {
namespace {

absl::StatusOr<Resources> Quarantined(AdminClient& admin) {
  v1::ListResourcesRequest request;
  request.set_active_only(true);
  BPMP_ASSIGN_OR_RETURN(const v1::ListResourcesResponse active,
                        admin.Call(&v1::Admin::Stub::ListResources, request));
  Resources quarantined;
  for (const v1::ResourceState& resource : active.resources()) {
    if (!resource.quarantined_for().empty()) {
      quarantined.push_back(resource);
    }
  }
  return quarantined;
}

absl::StatusOr<ExitCode> Status(Context& context) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(
      const v1::ServerStatus status,
      admin->Call(&v1::Admin::Stub::GetServerStatus, v1::GetServerStatusRequest()));
  Resources quarantined;
  if (status.quarantined() > 0 && !context.globals().json()) {
    BPMP_ASSIGN_OR_RETURN(quarantined, Quarantined(*admin));
  }
  return context.Show(
      status, [&] { return StatusText(status, quarantined, absl::Now(), context.style()); });
}

}  // namespace

void AddStatusVerb(VerbTree& verbs) {
  verbs.Add("status", "Is the broker well, and how busy is it?", Status);
}

}  // namespace bpmp::ctl
