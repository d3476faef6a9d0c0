// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/status_macros.h"
#include "broker/ctl/event_view.h"
#include "broker/ctl/interrupt.h"
#include "broker/ctl/json.h"
#include "broker/ctl/verbs.h"

namespace bpmp::ctl {
namespace {

struct WatchOptions {
  uint64_t since = 0;
  uint64_t count = 0;  // 0: any number
  bool replay_only = false;
  std::vector<std::string> vms;
  std::vector<std::string> kinds;
};

v1::WatchRequest ToRequest(const WatchOptions& options) {
  v1::WatchRequest request;
  request.set_since(options.since);
  if (options.replay_only) {
    // All events are asked for and chosen from here: the last one may be nobody's, and it is what
    // says that the past is over.
    request.set_since(std::max<uint64_t>(options.since, 1));
    return request;
  }
  request.mutable_vms()->Add(options.vms.begin(), options.vms.end());
  request.mutable_kinds()->Add(options.kinds.begin(), options.kinds.end());
  return request;
}

// As the broker would choose.
bool IsWanted(const WatchOptions& options, const v1::Event& event) {
  if (!options.replay_only) {
    return true;  // it did
  }
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return (options.kinds.empty() || has(options.kinds, event.kind())) &&
         (options.vms.empty() || has(options.vms, event.vm()) || has(options.vms, event.other()));
}

// The last event to wait for.
absl::StatusOr<uint64_t> LastEvent(AdminClient& admin, const WatchOptions& options) {
  if (!options.replay_only) {
    return std::numeric_limits<uint64_t>::max();
  }
  BPMP_ASSIGN_OR_RETURN(const v1::ServerStatus status, admin.Call(&v1::Admin::Stub::GetServerStatus,
                                                                  v1::GetServerStatusRequest()));
  return status.last_event();
}

bool Show(Context& context, const v1::Event& event) {
  return context.Print(context.globals().json()
                           ? ToJson(event, JsonLayout::kOneLine)
                           : EventLine(event, absl::LocalTimeZone(), context.style()));
}

absl::StatusOr<ExitCode> Watch(Context& context, const WatchOptions& options) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(const uint64_t last, LastEvent(*admin, options));
  const v1::WatchRequest request = ToRequest(options);
  if (request.since() > last || last == 0) {
    return ExitCode::kOk;  // nothing happened yet
  }
  grpc::ClientContext call;
  const InterruptGuard guard([&call] { call.TryCancel(); });
  const auto stream = admin->stub().Watch(&call, request);
  bool go_on = true;
  uint64_t shown = 0;
  v1::Event event;
  while (go_on && stream->Read(&event)) {
    if (event.number() <= last && IsWanted(options, event)) {
      go_on = Show(context, event) && ++shown != options.count;
    }
    go_on = go_on && event.number() < last;
  }
  if (!go_on) {
    call.TryCancel();
  }
  const grpc::Status status = stream->Finish();
  if (!go_on || WasInterrupted()) {
    return ExitCode::kOk;
  }
  if (status.ok()) {
    return absl::UnavailableError("the broker ended the stream of events; is it stopping?");
  }
  return ExplainFailure(status, admin->endpoint(), admin->timeout());
}

}  // namespace

void AddWatchVerb(VerbTree& verbs) {
  auto options = std::make_shared<WatchOptions>();
  const CLI::Validator not_negative = CLI::Validator(CLI::NonNegativeNumber).description("");
  CLI::App* watch = verbs.Add("watch", "Events as they happen, until Ctrl-C",
                              [options](Context& context) { return Watch(context, *options); });
  watch->add_option("--since", options->since, "First the remembered events from this number on")
      ->type_name("NUMBER")
      ->check(not_negative);
  watch->add_option("--vm", options->vms, "Only of this VM (may be repeated)")
      ->type_name("VM")
      ->allow_extra_args(false);
  watch->add_option("--kind", options->kinds, "Only of this kind, e.g. denied (may be repeated)")
      ->type_name("EVENT")
      ->allow_extra_args(false);
  watch->add_option("--count", options->count, "End after as many events")
      ->type_name("NUMBER")
      ->check(not_negative);
  watch->add_flag("--replay-only", options->replay_only,
                  "Only what the broker remembers (all of it without --since), then end");
}

}  // namespace bpmp::ctl
