// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/clock_tree.h"
#include "broker/ctl/resource_view.h"
#include "broker/ctl/verbs.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {
namespace {

// The three kinds' verbs differ in these only.
struct Kind {
  v1::ResourceKind kind;
  const char* verb;      // "clock"
  const char* argument;  // "CLOCK"
  const char* plural;    // "clocks"
  std::string (*table)(const Resources&, const Style&);
};
constexpr Kind kClock = {v1::RESOURCE_KIND_CLOCK, "clock", "CLOCK", "clocks", ClockTable};
constexpr Kind kReset = {v1::RESOURCE_KIND_RESET, "reset", "RESET", "resets", ResetTable};
constexpr Kind kDomain = {v1::RESOURCE_KIND_POWER_DOMAIN, "domain", "DOMAIN", "power domains",
                          DomainTable};

struct ListOptions {
  bool active = false;
  std::string vm;
};

absl::StatusOr<v1::ListResourcesResponse> Fetch(Context& context, const Kind& kind) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  v1::ListResourcesRequest request;
  request.set_kind(kind.kind);
  return admin->Call(&v1::Admin::Stub::ListResources, request);
}

Resources ToVector(const v1::ListResourcesResponse& response) {
  return Resources(response.resources().begin(), response.resources().end());
}

bool Concerns(const v1::ResourceState& resource, const std::string& vm) {
  const auto has = [&vm](const auto& names) {
    return std::find(names.begin(), names.end(), vm) != names.end();
  };
  return has(resource.holders()) || has(resource.implied()) || has(resource.exclusive());
}

void KeepIf(v1::ListResourcesResponse* response,
            absl::FunctionRef<bool(const v1::ResourceState&)> wanted) {
  auto* all = response->mutable_resources();
  all->erase(std::remove_if(all->begin(), all->end(),
                            [&](const v1::ResourceState& one) { return !wanted(one); }),
             all->end());
}

// NotFound, as the broker says it, where it knows no such VM; the host is one holder among them.
absl::Status CheckVm(Context& context, const std::string& vm) {
  if (vm.empty() || vm == "host") {
    return absl::OkStatus();
  }
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  v1::GetVmRequest request;
  request.set_name(vm);
  return admin->Call(&v1::Admin::Stub::GetVm, request).status();
}

absl::StatusOr<ExitCode> List(Context& context, const Kind& kind, const ListOptions& options) {
  BPMP_RETURN_IF_ERROR(CheckVm(context, options.vm));
  BPMP_ASSIGN_OR_RETURN(v1::ListResourcesResponse response, Fetch(context, kind));
  KeepIf(&response, [&](const v1::ResourceState& one) {
    return (!options.active || IsActive(one)) && (options.vm.empty() || Concerns(one, options.vm));
  });
  return context.Show(response, [&] { return kind.table(ToVector(response), context.style()); });
}

absl::StatusOr<v1::ResourceState> Get(Context& context, const Kind& kind, const std::string& name) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  return FindResource(*admin, {kind.kind, name}, {{kind.kind}, "be shown here"});
}

absl::StatusOr<ExitCode> Show(Context& context, const Kind& kind, const std::string& name) {
  BPMP_ASSIGN_OR_RETURN(const v1::ResourceState resource, Get(context, kind, name));
  return context.Show(resource, [&] { return ResourceText(resource, context.style()); });
}

bool IsHeld(const v1::ResourceState& resource) {
  return resource.holders_size() > 0 || resource.implied_size() > 0 || resource.residue();
}

absl::StatusOr<ExitCode> Holders(Context& context, const Kind& kind, const std::string& name) {
  v1::ListResourcesResponse response;
  if (name.empty()) {
    BPMP_ASSIGN_OR_RETURN(response, Fetch(context, kind));
    KeepIf(&response, IsHeld);
  } else {
    BPMP_ASSIGN_OR_RETURN(*response.add_resources(), Get(context, kind, name));
  }
  return context.Show(response, [&] {
    const Resources resources = ToVector(response);
    return std::any_of(resources.begin(), resources.end(), IsHeld)
               ? HolderTable(resources, context.style())
               : absl::StrCat("nobody holds ", name.empty() ? "any" : name, "\n");
  });
}

absl::StatusOr<ExitCode> Tree(Context& context, const std::string& root, bool all) {
  BPMP_ASSIGN_OR_RETURN(const v1::ListResourcesResponse response, Fetch(context, kClock));
  std::optional<v1::ResourceState> below;
  if (!root.empty()) {
    BPMP_ASSIGN_OR_RETURN(below, Get(context, kClock, root));
  }
  return context.Show(response, [&] {
    const Resources clocks = ToVector(response);
    const ClockTree tree(clocks);
    return below.has_value() ? tree.RenderBelow(below->id(), all, context.style())
                             : tree.Render(all, context.style());
  });
}

void AddListAndShow(VerbTree& verbs, CLI::App* group, const Kind& kind) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* list =
      verbs.Add(group, "list", absl::StrCat("All ", kind.plural, ", one a line"),
                [&kind, options](Context& context) { return List(context, kind, *options); });
  list->add_flag("--active", options->active, "Only what is held, on, in doubt or quarantined");
  list->add_option("--vm", options->vm, "Only what this VM, or host, holds or has exclusively")
      ->type_name("VM");

  auto name = std::make_shared<std::string>();
  CLI::App* show =
      verbs.Add(group, "show", absl::StrCat("Everything about one of the ", kind.plural),
                [&kind, name](Context& context) { return Show(context, kind, *name); });
  AddArgument(show, kind.argument, name.get(), "Name or id");
}

void AddHolders(VerbTree& verbs, CLI::App* group, const Kind& kind) {
  auto name = std::make_shared<std::string>();
  CLI::App* holders =
      verbs.Add(group, "holders", absl::StrCat("Who holds which of the ", kind.plural),
                [&kind, name](Context& context) { return Holders(context, kind, *name); });
  AddArgument(holders, kind.argument, name.get(), "Only this one, by name or id")->required(false);
}

void AddTree(VerbTree& verbs, CLI::App* group) {
  auto root = std::make_shared<std::string>();
  auto all = std::make_shared<bool>(false);
  CLI::App* tree = verbs.Add(group, "tree", "Clocks below the clocks that they run from",
                             [=](Context& context) { return Tree(context, *root, *all); });
  AddArgument(tree, "CLOCK", root.get(), "Only the part below this one")->required(false);
  tree->add_flag("--all", *all, "Also clocks that nobody uses");
}

}  // namespace

void AddResourceVerbs(VerbTree& verbs) {
  CLI::App* clock = verbs.Group(kClock.verb, "Clocks: list, show, tree, holders");
  AddListAndShow(verbs, clock, kClock);
  AddTree(verbs, clock);
  AddHolders(verbs, clock, kClock);
  AddListAndShow(verbs, verbs.Group(kReset.verb, "Resets: list, show"), kReset);
  CLI::App* domain = verbs.Group(kDomain.verb, "Power domains: list, show, holders");
  AddListAndShow(verbs, domain, kDomain);
  AddHolders(verbs, domain, kDomain);
}

}  // namespace bpmp::ctl
