// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/event_stream.h"

#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/event_view.h"
#include "broker/ctl/interrupt.h"
#include "broker/ctl/suggest.h"

namespace bpmp::ctl {

absl::Status ReadEvents(AdminClient& admin, const v1::WatchRequest& request,
                        absl::FunctionRef<bool(const v1::Event& event)> take) {
  grpc::ClientContext call;
  const InterruptGuard guard([&call] { call.TryCancel(); });
  const auto stream = admin.stub().Watch(&call, request);
  bool go_on = true;
  v1::Event event;
  while (go_on && stream->Read(&event)) {
    go_on = take(event);
  }
  if (!go_on) {
    call.TryCancel();
  }
  const grpc::Status status = stream->Finish();
  if (!go_on || WasInterrupted()) {
    return absl::OkStatus();
  }
  if (status.ok()) {
    return absl::UnavailableError("the broker ended the stream of events; is it stopping?");
  }
  return ExplainFailure(status, admin.endpoint(), admin.timeout());
}

bool EventFilter::Wants(const v1::Event& event) const {
  return (kinds.empty() || absl::c_linear_search(kinds, event.kind())) &&
         (vms.empty() || absl::c_linear_search(vms, event.vm()) ||
          absl::c_linear_search(vms, event.other()));
}

void AddFilterOptions(CLI::App* verb, EventFilter* filter) {
  verb->add_option("--vm", filter->vms, "Only of this VM (may be repeated)")
      ->type_name("VM")
      ->allow_extra_args(false);
  verb->add_option("--kind", filter->kinds, "Only of this kind, e.g. denied (may be repeated)")
      ->type_name("EVENT")
      ->allow_extra_args(false);
}

absl::Status CheckFilter(AdminClient& admin, const EventFilter& filter) {
  const std::vector<std::string> known = EventKinds();
  for (const std::string& kind : filter.kinds) {
    if (!absl::c_linear_search(known, kind)) {
      return absl::InvalidArgumentError(
          absl::StrCat("there are no events of kind ", Quoted(kind), DidYouMean(kind, known),
                       " The kinds are: ", absl::StrJoin(known, ", ")));
    }
  }
  for (const std::string& vm : filter.vms) {
    v1::GetVmRequest request;
    request.set_name(vm);
    if (vm != "host") {
      BPMP_RETURN_IF_ERROR(admin.Call(&v1::Admin::Stub::GetVm, request).status());
    }
  }
  return absl::OkStatus();
}

}  // namespace bpmp::ctl
