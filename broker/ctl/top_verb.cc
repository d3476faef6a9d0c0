// SPDX-License-Identifier: Apache-2.0
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/interrupt.h"
#include "broker/ctl/json.h"
#include "broker/ctl/top_view.h"
#include "broker/ctl/units.h"
#include "broker/ctl/verbs.h"

namespace bpmp::ctl {
namespace {

struct TopOptions {
  std::string interval = "1s";
  uint64_t count = 0;  // 0: until Ctrl-C
};

absl::StatusOr<Sample> Take(AdminClient& admin) {
  Sample sample;
  BPMP_ASSIGN_OR_RETURN(
      sample.status, admin.Call(&v1::Admin::Stub::GetServerStatus, v1::GetServerStatusRequest()));
  BPMP_ASSIGN_OR_RETURN(sample.vms, admin.Call(&v1::Admin::Stub::ListVms, v1::ListVmsRequest()));
  sample.at = absl::Now();
  return sample;
}

// Draws over its last picture, for somebody who looks on.
bool IsLive(Context& context) { return context.style().color && !context.globals().json(); }

// Of the terminal; without one, all that there is.
size_t Lines(bool live) {
  winsize size{};
  if (!live || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) {
    return std::numeric_limits<size_t>::max();
  }
  return size.ws_row;
}

// One picture, over the last one where the terminal can.
bool Show(Context& context, const Sample& before, const Sample& now) {
  if (context.globals().json()) return context.Print(ToJson(now.vms, JsonLayout::kOneLine));
  const bool live = IsLive(context);
  const std::string text = TopText(before, now, Lines(live), context.style());
  return context.Print(live ? OverLast(text) : absl::StrCat(text, "\n"));
}

// A person looks on through a restart of the broker; a script is told, and ends.
absl::Status Missing(Context& context, const absl::Status& why) {
  if (!IsLive(context)) return why;
  context.Print(OverLast(absl::StrCat(
      Paint(std::string(why.message()), Tone::kBad, context.style()), "; trying again\n")));
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Top(Context& context, const TopOptions& options) {
  BPMP_ASSIGN_OR_RETURN(const absl::Duration interval, ParseTimeout(options.interval));
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(Sample before, Take(*admin));
  absl::Notification interrupted;
  const InterruptGuard guard([&interrupted] { interrupted.Notify(); });
  for (uint64_t shown = 0; options.count == 0 || shown < options.count;) {
    if (interrupted.WaitForNotificationWithTimeout(interval)) break;
    absl::StatusOr<Sample> now = Take(*admin);
    if (!now.ok()) {
      BPMP_RETURN_IF_ERROR(Missing(context, now.status()));
      continue;
    }
    if (!Show(context, before, *now)) break;
    before = *std::move(now);
    ++shown;
  }
  // What comes next begins below the last picture.
  if (IsLive(context)) context.Print("\n");
  return ExitCode::kOk;
}

}  // namespace

void AddTopVerb(VerbTree& verbs) {
  auto options = std::make_shared<TopOptions>();
  CLI::App* top = verbs.Add("top", "How busy the VMs are, as it changes, until Ctrl-C",
                            [options](Context& context) { return Top(context, *options); });
  top->add_option("--interval", options->interval, "How often [1s]")->type_name("TIME");
  top->add_option("--count", options->count, "End after as many pictures")
      ->type_name("NUMBER")
      ->check(WholeNumber());
}

}  // namespace bpmp::ctl
