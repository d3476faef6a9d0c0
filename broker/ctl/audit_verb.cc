// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/audit_view.h"
#include "broker/ctl/event_stream.h"
#include "broker/ctl/event_view.h"
#include "broker/ctl/interrupt.h"
#include "broker/ctl/json.h"
#include "broker/ctl/verbs.h"

namespace bpmp::ctl {
namespace {

struct AuditOptions {
  EventFilter filter;
  bool all = false;
};

bool IsWanted(const AuditOptions& options, const v1::Event& event) {
  const bool decides = options.all || !options.filter.kinds.empty() || IsDecision(event.kind());
  return decides && options.filter.Wants(event);
}

// What is remembered, up to the event that is the last now.
struct Past {
  AuditView view;
  std::string json;
  uint64_t forgotten = 0;
  uint64_t missing = 0;  // of those, before the next event that is wanted
  uint64_t found = 0;
};
absl::Status Read(AdminClient& admin, const AuditOptions& options, uint64_t last, Past* past) {
  v1::WatchRequest request;
  request.set_since(1);
  return ReadEvents(admin, request, [&](const v1::Event& event) {
    past->forgotten += event.lost();
    past->missing += event.lost();
    if (event.number() <= last && IsWanted(options, event)) {
      ++past->found;
      past->view.Add(event);
      v1::Event told = event;
      told.set_lost(std::exchange(past->missing, 0));
      past->json += ToJson(told, JsonLayout::kOneLine);
    }
    return event.number() < last;
  });
}

absl::StatusOr<ExitCode> Audit(Context& context, const AuditOptions& options) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(
      const v1::ServerStatus status,
      admin->Call(&v1::Admin::Stub::GetServerStatus, v1::GetServerStatusRequest()));
  Past past;
  if (status.last_event() > 0) {
    BPMP_RETURN_IF_ERROR(Read(*admin, options, status.last_event(), &past));
  }
  if (past.found == 0 && !WasInterrupted()) {
    BPMP_RETURN_IF_ERROR(CheckFilter(*admin, options.filter));
  }
  if (context.globals().json()) {
    context.Print(past.json);
    return ExitCode::kOk;
  }
  const Style& style = context.style();
  context.Print(
      absl::StrCat(past.forgotten > 0 ? GapLine(past.forgotten, Gap::kForgotten, style) : "",
                   past.found > 0 ? past.view.Text(absl::LocalTimeZone(), style)
                                  : "nothing of that kind is remembered\n"));
  return ExitCode::kOk;
}

}  // namespace

void AddAuditVerb(VerbTree& verbs) {
  auto options = std::make_shared<AuditOptions>();
  CLI::App* audit =
      verbs.Add("audit", "Who was refused what, and why, and what became of VMs and the policy",
                [options](Context& context) { return Audit(context, *options); });
  AddFilterOptions(audit, &options->filter);
  audit->add_flag("--all", options->all, "Also the ordinary use: votes, edges, rates, resets");
}

}  // namespace bpmp::ctl
