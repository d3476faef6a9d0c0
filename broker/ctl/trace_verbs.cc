// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/json.h"
#include "broker/ctl/trace_diff.h"
#include "broker/ctl/trace_stats.h"
#include "broker/ctl/trace_view.h"
#include "broker/ctl/units.h"
#include "broker/ctl/verbs.h"
#include "broker/trace/reader.h"

namespace bpmp::ctl {
namespace {

struct ShowOptions {
  std::string file;
  std::vector<std::string> vms;
  std::string request;
  std::string slower;
  bool errors = false;
  uint64_t from = 1;
  uint64_t count = 0;  // 0: any number
};

// What is wrong with a file is wrong with the command line.
absl::StatusOr<trace::Reader> Open(const std::string& file) {
  absl::StatusOr<trace::Reader> reader = trace::Reader::Open(file);
  if (!reader.ok()) return absl::InvalidArgumentError(reader.status().message());
  return reader;
}

// "clk enable" is the beginning of "CLK ENABLE clock 155 (uarta)", and "clk en" isn't.
bool Begins(const std::string& text, const std::string& words) {
  return absl::StartsWithIgnoreCase(text, words) &&
         (text.size() == words.size() || text[words.size()] == ' ');
}

bool IsWanted(const ShowOptions& options, absl::Duration slower, const trace::Transfer& transfer,
              const v1::TraceTransfer& message) {
  if (message.number() < options.from) return false;
  if (options.errors && IsFine(transfer)) return false;
  if (transfer.took < slower) return false;
  if (!options.request.empty() && !Begins(message.request_text(), options.request)) return false;
  return options.vms.empty() ||
         std::find(options.vms.begin(), options.vms.end(), message.vm()) != options.vms.end();
}

absl::StatusOr<ExitCode> Show(Context& context, const ShowOptions& options) {
  absl::Duration slower;
  if (!options.slower.empty()) {
    BPMP_ASSIGN_OR_RETURN(slower, ParseTimeout(options.slower));
  }
  BPMP_ASSIGN_OR_RETURN(trace::Reader reader, Open(options.file));
  TraceWalk walk(&reader);
  const bool json = context.globals().json();
  if (!json) context.Print(TraceHead(walk.Summary(), absl::LocalTimeZone(), context.style()));
  trace::Transfer transfer;
  v1::TraceTransfer message;
  uint64_t shown = 0;
  while (true) {
    BPMP_ASSIGN_OR_RETURN(const bool more, walk.Next(&transfer, &message));
    if (!more) break;
    if (!IsWanted(options, slower, transfer, message)) continue;
    const std::string line =
        json ? ToJson(message, JsonLayout::kOneLine) : TraceLine(message, context.style());
    if (!context.Print(line) || ++shown == options.count) return ExitCode::kOk;
  }
  if (!json) context.Print(TraceFoot(walk.Summary(), context.style()));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Stats(Context& context, const std::string& file) {
  BPMP_ASSIGN_OR_RETURN(trace::Reader reader, Open(file));
  TraceWalk walk(&reader);
  TraceCounts counts;
  trace::Transfer transfer;
  v1::TraceTransfer message;
  while (true) {
    BPMP_ASSIGN_OR_RETURN(const bool more, walk.Next(&transfer, &message));
    if (!more) break;
    counts.Add(transfer, message.vm());
  }
  const v1::TraceStats stats = std::move(counts).Finish(walk.Summary());
  return context.Show(
      stats, [&] { return TraceStatsText(stats, absl::LocalTimeZone(), context.style()); });
}

absl::Status AddAll(const std::string& file, TraceComparison::Side side, TraceComparison* to) {
  BPMP_ASSIGN_OR_RETURN(trace::Reader reader, Open(file));
  TraceWalk walk(&reader);
  trace::Transfer transfer;
  v1::TraceTransfer message;
  while (true) {
    BPMP_ASSIGN_OR_RETURN(const bool more, walk.Next(&transfer, &message));
    if (!more) return absl::OkStatus();
    to->Add(side, transfer, message);
  }
}

struct DiffOptions {
  std::string a;
  std::string b;
  uint64_t count = 20;
  bool all = false;
};

absl::StatusOr<ExitCode> Diff(Context& context, const DiffOptions& options) {
  TraceComparison comparison(options.all);
  BPMP_RETURN_IF_ERROR(AddAll(options.a, TraceComparison::kA, &comparison));
  BPMP_RETURN_IF_ERROR(AddAll(options.b, TraceComparison::kB, &comparison));
  const v1::TraceDiff diff = comparison.Compare(options.count);
  return context.Show(
      diff, [&] { return TraceDiffText(diff, context.style()); },
      diff.total() == 0 ? ExitCode::kOk : ExitCode::kRefused);
}

void AddShow(VerbTree& verbs, CLI::App* group) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* show = verbs.Add(group, "show", "The transfers, one a line",
                             [options](Context& context) { return Show(context, *options); });
  AddArgument(show, "FILE", &options->file, "The trace");
  show->add_option("--vm", options->vms, "Only of this VM, or host (may be repeated)")
      ->type_name("VM")
      ->allow_extra_args(false);
  show->add_option("--request", options->request,
                   "Only requests that begin so, e.g. \"clk enable\"")
      ->type_name("WORDS");
  show->add_flag("--errors", options->errors, "Only what the firmware refused, or never answered");
  show->add_option("--slower", options->slower, "Only what took at least so long, e.g. 1ms")
      ->type_name("TIME");
  show->add_option("--from", options->from, "Begin with this transfer")
      ->type_name("NUMBER")
      ->check(WholeNumber());
  show->add_option("--count", options->count, "End after as many")
      ->type_name("NUMBER")
      ->check(WholeNumber());
}

}  // namespace

void AddTraceVerbs(VerbTree& verbs) {
  CLI::App* group =
      verbs.Group("trace", "Traces that a broker recorded: files, no broker is asked");
  AddShow(verbs, group);

  auto file = std::make_shared<std::string>();
  CLI::App* stats =
      verbs.Add(group, "stats", "How many, how often refused, how long: by VM and by request",
                [file](Context& context) { return Stats(context, *file); });
  AddArgument(stats, "FILE", file.get(), "The trace");

  auto options = std::make_shared<DiffOptions>();
  CLI::App* diff = verbs.Add(group, "diff", "What two runs asked or were answered differently",
                             [options](Context& context) { return Diff(context, *options); });
  AddArgument(diff, "FILE", &options->a, "The one");
  AddArgument(diff, "OTHER", &options->b, "The other");
  diff->add_option("--count", options->count, "Show as many differences [20]")
      ->type_name("NUMBER")
      ->check(WholeNumber());
  diff->add_flag("--all", options->all, "Repeated reads count, too");
}

}  // namespace bpmp::ctl
