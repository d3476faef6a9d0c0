// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/app.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/status_macros.h"
#include "broker/ctl/completion.h"
#include "broker/ctl/device_view.h"
#include "broker/ctl/event_view.h"
#include "broker/ctl/man_page.h"
#include "broker/ctl/tree_walk.h"
#include "broker/ctl/units.h"
#include "broker/ctl/verbs.h"

namespace bpmp::ctl {
namespace {

// In the order of --help.
constexpr void (*kVerbs[])(VerbTree&) = {
    AddStatusVerb,  AddVmVerbs,     AddDeviceVerbs,    AddResourceVerbs, AddWhyVerbs,
    AddPinVerbs,    AddPolicyVerbs, AddWatchVerb,      AddAuditVerb,     AddTopVerb,
    AddRequestVerb, AddSessionVerb, AddSelftestVerb,   AddProfileVerbs,  AddGuestDtVerb,
    AddTraceVerbs,  AddDoctorVerb,  AddCompletionVerb,
};

constexpr char kFooter[] =
    "Ends with 0: done, 1: refused by the broker or the firmware, 2: wrong usage, 3: no broker to "
    "talk to, 4: no such VM or resource, 5: no answer in time, 6: anything else.";

void AddGlobals(CLI::App* root, Globals* globals) {
  root->add_option("--socket", globals->socket,
                   "The admin socket [$BPMP_BROKER_ADMIN, else /run/bpmp-broker/admin.sock, else "
                   "$XDG_RUNTIME_DIR/bpmp-broker/admin.sock]")
      ->type_name("PATH");
  root->add_option("--output,-o", globals->output, "How to show the answer [table]")
      ->check(CLI::IsMember({"table", "json"}).description(""))
      ->type_name("table|json");
  root->add_option("--timeout", globals->timeout_text, "How long to wait for each answer [5s]")
      ->type_name("TIME");
  root->set_version_flag("--version", std::string("bpmpctl ") + BPMP_VERSION);
  root->require_subcommand(1);
  root->fallthrough();  // options of the program may follow the verb
  root->footer(kFooter);
}

// What a broker within reach calls its VMs, clocks and so on; a shell doesn't wait longer than
// this.
std::vector<std::string> NamesFromBroker(Context& context, const std::string& what) {
  if (what == "EVENT") {
    return EventKinds();
  }
  context.globals().timeout = absl::Seconds(1);
  const absl::StatusOr<AdminClient*> admin = context.Admin();
  std::vector<std::string> names;
  if (!admin.ok()) {
    return names;
  }
  if (what == "VM") {
    const auto vms = (*admin)->Call(&v1::Admin::Stub::ListVms, v1::ListVmsRequest());
    if (vms.ok()) {
      for (const v1::Vm& vm : vms->vms()) {
        names.push_back(vm.name());
      }
    }
    return names;
  }
  if (what == "DEVICE") {
    const auto devices = (*admin)->Call(&v1::Admin::Stub::ListDevices, v1::ListDevicesRequest());
    return devices.ok() ? DeviceNames(*devices) : names;
  }
  constexpr std::pair<const char*, v1::ResourceKind> kKinds[] = {
      {"CLOCK", v1::RESOURCE_KIND_CLOCK},
      {"RESET", v1::RESOURCE_KIND_RESET},
      {"DOMAIN", v1::RESOURCE_KIND_POWER_DOMAIN},
  };
  const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                  [&what](const auto& known) { return what == known.first; });
  if (kind == std::end(kKinds)) {
    return names;
  }
  v1::ListResourcesRequest request;
  request.set_kind(kind->second);
  const auto list = (*admin)->Call(&v1::Admin::Stub::ListResources, request);
  if (list.ok()) {
    for (const v1::ResourceState& resource : list->resources()) {
      names.push_back(resource.name());
    }
  }
  return names;
}

ExitCode RunCompletion(const CLI::App& root, const std::vector<std::string>& words,
                       Context& context) {
  // Of the broker that the line is for.
  context.globals().socket = Walk(root, words).socket;
  const auto names = [&context](const std::string& what) { return NamesFromBroker(context, what); };
  for (const Candidate& candidate : Complete(root, words, names)) {
    context.Print(candidate.help.empty() ? candidate.word + "\n"
                                         : candidate.word + "\t" + candidate.help + "\n");
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> RunVerb(const VerbTree& verbs, Context& context) {
  Globals& globals = context.globals();
  BPMP_ASSIGN_OR_RETURN(globals.timeout, ParseTimeout(globals.timeout_text));
  return verbs.chosen()(context);
}

ExitCode RunArguments(const std::vector<std::string>& arguments, const Io& io, Context& context) {
  CLI::App root("Talks to bpmp-broker: who holds which clocks, resets and power domains, and why.",
                "bpmpctl");
  VerbTree verbs(&root);
  AddAllVerbs(verbs, &context.globals());
  if (!arguments.empty() && arguments[0] == kCompleteVerb) {
    return RunCompletion(root, {arguments.begin() + 1, arguments.end()}, context);
  }
  if (!arguments.empty() && arguments[0] == kManPageVerb) {
    context.Print(ManPage(root));
    return ExitCode::kOk;
  }
  try {  // CLI11 reports by exceptions; they end here
    root.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    const std::string unknown = UnknownVerb(root, arguments);
    if (error.get_exit_code() == 0 || unknown.empty()) {
      std::ostringstream out;
      const int code = root.exit(error, out, *io.err);
      context.Print(out.str());
      return code == 0 ? ExitCode::kOk : ExitCode::kUsage;
    }
    context.Warn(unknown);
    return ExitCode::kUsage;
  }
  const absl::StatusOr<ExitCode> code = RunVerb(verbs, context);
  if (!code.ok()) {
    context.Warn(std::string(code.status().message()));
  }
  return code.ok() ? *code : ExitCodeOf(code.status());
}

}  // namespace

void AddAllVerbs(VerbTree& verbs, Globals* globals) {
  AddGlobals(verbs.root(), globals);
  for (const auto add : kVerbs) {
    add(verbs);
  }
}

int Run(const std::vector<std::string>& arguments, const Io& io, const Style& style) {
  Context context(io, style);
  return static_cast<int>(context.Finish(RunArguments(arguments, io, context)));
}

}  // namespace bpmp::ctl
