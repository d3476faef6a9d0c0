// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/event_stream.h"
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
  EventFilter filter;
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
  const EventFilter& filter = options.filter;
  request.mutable_vms()->Add(filter.vms.begin(), filter.vms.end());
  request.mutable_kinds()->Add(filter.kinds.begin(), filter.kinds.end());
  return request;
}

// Prints what the stream brings.
class Watcher {
 public:
  Watcher(Context& context, const WatchOptions& options, uint64_t last)
      : context_(context),
        options_(options),
        last_(last),
        gap_(options.replay_only || options.since > 0 ? Gap::kForgotten : Gap::kTooSlow) {}

  // False when no more is wanted.
  bool Take(v1::Event event) {
    missing_ += event.lost();
    if (event.number() <= last_ && (!options_.replay_only || options_.filter.Wants(event))) {
      event.set_lost(std::exchange(missing_, 0));
      if (!Show(event) || ++shown_ == options_.count) {
        return false;
      }
    }
    gap_ = Gap::kTooSlow;
    return event.number() < last_;
  }
  uint64_t shown() const { return shown_; }

 private:
  bool Show(const v1::Event& event) {
    if (context_.globals().json()) {
      return context_.Print(ToJson(event, JsonLayout::kOneLine));
    }
    const Style& style = context_.style();
    return context_.Print(absl::StrCat(event.lost() > 0 ? GapLine(event.lost(), gap_, style) : "",
                                       EventLine(event, absl::LocalTimeZone(), style)));
  }

  Context& context_;
  const WatchOptions& options_;
  const uint64_t last_;
  // Where the past is asked for, what is missing before the first event was so already.
  Gap gap_;
  uint64_t missing_ = 0;
  uint64_t shown_ = 0;
};

absl::StatusOr<ExitCode> Watch(Context& context, const WatchOptions& options) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  // The stream has no deadline, so a broker that doesn't answer must be noticed before.
  BPMP_ASSIGN_OR_RETURN(
      const v1::ServerStatus status,
      admin->Call(&v1::Admin::Stub::GetServerStatus, v1::GetServerStatusRequest()));
  const v1::WatchRequest request = ToRequest(options);
  Watcher watcher(context, options,
                  options.replay_only ? status.last_event() : std::numeric_limits<uint64_t>::max());
  if (!options.replay_only || request.since() <= status.last_event()) {
    BPMP_RETURN_IF_ERROR(
        ReadEvents(*admin, request, [&](const v1::Event& event) { return watcher.Take(event); }));
  }
  if (options.replay_only && watcher.shown() == 0 && !WasInterrupted()) {
    BPMP_RETURN_IF_ERROR(CheckFilter(*admin, options.filter));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddWatchVerb(VerbTree& verbs) {
  auto options = std::make_shared<WatchOptions>();
  CLI::App* watch = verbs.Add("watch", "Events as they happen, until Ctrl-C",
                              [options](Context& context) { return Watch(context, *options); });
  watch->add_option("--since", options->since, "First the remembered events from this number on")
      ->type_name("NUMBER")
      ->check(WholeNumber());
  AddFilterOptions(watch, &options->filter);
  watch->add_option("--count", options->count, "End after as many events")
      ->type_name("NUMBER")
      ->check(WholeNumber());
  watch->add_flag("--replay-only", options->replay_only,
                  "Only what the broker remembers (all of it without --since), then end");
}

}  // namespace bpmp::ctl
