// SPDX-License-Identifier: Apache-2.0
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
  uint64_t count = 0;  // 0: for ever
  std::vector<std::string> vms;
  std::vector<std::string> kinds;
};

v1::WatchRequest ToRequest(const WatchOptions& options) {
  v1::WatchRequest request;
  request.set_since(options.since);
  request.mutable_vms()->Add(options.vms.begin(), options.vms.end());
  request.mutable_kinds()->Add(options.kinds.begin(), options.kinds.end());
  return request;
}

absl::StatusOr<ExitCode> Watch(Context& context, const WatchOptions& options) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  grpc::ClientContext call;
  const InterruptGuard guard([&call] { call.TryCancel(); });
  const auto stream = admin->stub().Watch(&call, ToRequest(options));
  const absl::TimeZone zone = absl::LocalTimeZone();
  bool wanted = true;
  uint64_t seen = 0;
  v1::Event event;
  while (wanted && stream->Read(&event)) {
    wanted = context.Print(context.globals().json() ? ToJson(event, JsonLayout::kOneLine)
                                                    : EventLine(event, zone, context.style()));
    ++seen;
    wanted = wanted && (options.count == 0 || seen < options.count);
  }
  if (!wanted) {
    call.TryCancel();
  }
  const grpc::Status status = stream->Finish();
  if (!wanted || WasInterrupted()) {
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
  CLI::App* watch = verbs.Add("watch", "Events as they happen, until Ctrl-C",
                              [options](Context& context) { return Watch(context, *options); });
  watch->add_option("--since", options->since, "First the remembered events from this number on")
      ->type_name("NUMBER");
  watch->add_option("--vm", options->vms, "Only of this VM (may be repeated)")->type_name("VM");
  watch->add_option("--kind", options->kinds, "Only of this kind, e.g. denied (may be repeated)")
      ->type_name("EVENT");
  watch->add_option("--count", options->count, "End after as many events")->type_name("NUMBER");
}

}  // namespace bpmp::ctl
