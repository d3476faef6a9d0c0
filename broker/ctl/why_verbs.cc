// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include "broker/base/status_macros.h"
#include "broker/ctl/request_grammar.h"
#include "broker/ctl/request_parser.h"
#include "broker/ctl/verbs.h"
#include "broker/ctl/why.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {
namespace {

absl::StatusOr<ExitCode> On(Context& context, const std::string& name) {
  BPMP_ASSIGN_OR_RETURN(const ResourceWord word, ParseResourceWord(name));
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  // A reset is never on, so a name that a clock shares means the clock, unless `reset:` is written.
  Wanted wanted = {{v1::RESOURCE_KIND_CLOCK, v1::RESOURCE_KIND_POWER_DOMAIN}, "be on"};
  if (word.kind == v1::RESOURCE_KIND_RESET) {
    wanted.kinds = {v1::RESOURCE_KIND_RESET};
  }
  BPMP_ASSIGN_OR_RETURN(const Resources found, FindResources(*admin, word, wanted));
  v1::ListResourcesRequest request;
  request.set_kind(v1::RESOURCE_KIND_CLOCK);
  BPMP_ASSIGN_OR_RETURN(const v1::ListResourcesResponse all,
                        admin->Call(&v1::Admin::Stub::ListResources, request));
  const Resources clocks(all.resources().begin(), all.resources().end());
  v1::ListResourcesResponse shown;
  shown.mutable_resources()->Add(found.begin(), found.end());
  return context.Show(shown, [&] {
    std::string text;
    for (const v1::ResourceState& resource : found) {
      text += WhyOn(resource, clocks);
    }
    return text;
  });
}

absl::StatusOr<ExitCode> Denied(Context& context, const std::string& vm,
                                const std::vector<std::string>& words) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  AdminNames names(admin);
  BPMP_ASSIGN_OR_RETURN(const ParsedRequest parsed, ParseRequest(words, names));
  BPMP_RETURN_IF_ERROR(CheckGuestCanSay(parsed));
  v1::ExplainRequest request;
  request.set_vm(vm);
  *request.mutable_request() = parsed.wire;
  BPMP_ASSIGN_OR_RETURN(const v1::ExplainResponse explanation,
                        admin->Call(&v1::Admin::Stub::Explain, request));
  return context.Show(explanation, [&] { return WhyDenied(vm, parsed.text, explanation); });
}

}  // namespace

void AddWhyVerbs(VerbTree& verbs) {
  auto resource = std::make_shared<std::string>();
  CLI::App* on = verbs.Add("why-on", "What keeps a clock or power domain on",
                           [resource](Context& context) { return On(context, *resource); });
  AddArgument(on, "RESOURCE", resource.get(),
              "Name or id; clock:NAME or domain:NAME where both exist")
      ->type_name(kGateType);

  auto vm = std::make_shared<std::string>();
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* denied =
      verbs.Add("why-denied", "What a VM would be answered, and why; nothing is done",
                [vm, words](Context& context) { return Denied(context, *vm, *words); });
  AddArgument(denied, "VM", vm.get(), "Name of the VM");
  denied->add_option("REQUEST", *words, "What it asks, e.g. clk set-rate uarta 48MHz")
      ->required()
      ->type_name("");
  denied->footer(GrammarHelp());
}

}  // namespace bpmp::ctl
