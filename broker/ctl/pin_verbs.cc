// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/units.h"
#include "broker/ctl/verbs.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {
namespace {

absl::StatusOr<v1::ResourceState> Find(Context& context, const std::string& name,
                                       const Wanted& wanted) {
  BPMP_ASSIGN_OR_RETURN(const ResourceWord word, ParseResourceWord(name));
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  return FindResource(*admin, word, wanted);
}

v1::ResourceRef RefOf(const v1::ResourceState& resource) {
  v1::ResourceRef ref;
  ref.set_kind(resource.kind());
  ref.set_id(resource.id());
  return ref;
}

std::string Title(const v1::ResourceState& resource) {
  return absl::StrCat(KindWord(resource.kind()), " ", resource.name());
}

ExitCode CodeOf(const v1::Outcome& outcome) {
  return outcome.error() == 0 ? ExitCode::kOk : ExitCode::kRefused;
}

// `done` for success, the error for a refusal, and the broker's reason after either.
std::string OutcomeText(const v1::Outcome& outcome, const std::string& done) {
  if (outcome.error() != 0) {
    return absl::StrCat("refused: ", ErrorAndReason(outcome.error(), outcome.reason()), "\n");
  }
  const std::string reason = WithoutVerdict(outcome.reason());
  return absl::StrCat(done, reason.empty() ? "" : absl::StrCat(": ", reason), "\n");
}

absl::StatusOr<ExitCode> Pin(Context& context, const std::string& name, const std::string& rate) {
  v1::PinRequest request;
  if (!rate.empty()) {
    BPMP_ASSIGN_OR_RETURN(const int64_t hz, ParseRate(rate));
    if (hz == 0) {
      return absl::InvalidArgumentError("a pinned rate can't be 0; leave --rate out to let it be");
    }
    request.set_rate_hz(hz);
  }
  const Wanted wanted =
      rate.empty() ? Wanted{{v1::RESOURCE_KIND_CLOCK, v1::RESOURCE_KIND_POWER_DOMAIN}, "be pinned"}
                   : Wanted{{v1::RESOURCE_KIND_CLOCK}, "be pinned at a rate"};
  BPMP_ASSIGN_OR_RETURN(const v1::ResourceState resource, Find(context, name, wanted));
  *request.mutable_resource() = RefOf(resource);
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(const v1::PinResponse done, admin->Call(&v1::Admin::Stub::Pin, request));
  std::string at;
  if (request.rate_hz() > 0 && done.outcome().error() == 0) {
    // The one that the clock can have.
    BPMP_ASSIGN_OR_RETURN(const v1::ResourceState now, Find(context, name, wanted));
    at = absl::StrCat(" at ", FormatExactRate(now.pinned_rate_hz()));
  }
  return context.Show(
      done,
      [&] {
        return OutcomeText(done.outcome(), absl::StrCat("the host pins ", Title(resource), at));
      },
      CodeOf(done.outcome()));
}

absl::StatusOr<ExitCode> Unpin(Context& context, const std::string& name) {
  BPMP_ASSIGN_OR_RETURN(
      const v1::ResourceState resource,
      Find(context, name,
           {{v1::RESOURCE_KIND_CLOCK, v1::RESOURCE_KIND_POWER_DOMAIN}, "be pinned"}));
  if (!resource.pinned()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the host doesn't pin ", Title(resource), "; what keeps it on: bpmpctl why-on ",
        resource.kind() == v1::RESOURCE_KIND_CLOCK ? "clock:" : "domain:", resource.name()));
  }
  v1::UnpinRequest request;
  *request.mutable_resource() = RefOf(resource);
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(const v1::UnpinResponse done,
                        admin->Call(&v1::Admin::Stub::Unpin, request));
  if (done.reboot_to_see_size() > 0) {
    context.Warn(absl::StrCat(absl::StrJoin(done.reboot_to_see(), ", "),
                              ": saw the pin when booting and relies on it until the next reboot"));
  }
  return context.Show(
      done,
      [&] {
        return OutcomeText(done.outcome(),
                           absl::StrCat("the host no longer pins ", Title(resource)));
      },
      CodeOf(done.outcome()));
}

// A name that several kinds share means the one in quarantine.
absl::StatusOr<v1::ResourceState> FindQuarantined(Context& context, const std::string& name) {
  BPMP_ASSIGN_OR_RETURN(ResourceWord word, ParseResourceWord(name));
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  const Wanted any = {{v1::RESOURCE_KIND_CLOCK, v1::RESOURCE_KIND_POWER_DOMAIN,
                       v1::RESOURCE_KIND_RESET, v1::RESOURCE_KIND_PCIE_CONTROLLER},
                      "be in quarantine"};
  BPMP_ASSIGN_OR_RETURN(const Resources found, FindResources(*admin, word, any));
  Resources quarantined;
  for (const v1::ResourceState& resource : found) {
    if (!resource.quarantined_for().empty()) {
      quarantined.push_back(resource);
    }
  }
  if (quarantined.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(Quoted(name), " is not in quarantine"));
  }
  return quarantined.size() == 1 ? absl::StatusOr<v1::ResourceState>(quarantined.front())
                                 : FindResource(*admin, word, any);
}

absl::StatusOr<ExitCode> ClearQuarantine(Context& context, const std::string& name) {
  BPMP_ASSIGN_OR_RETURN(const v1::ResourceState resource, FindQuarantined(context, name));
  v1::ClearQuarantineRequest request;
  *request.mutable_resource() = RefOf(resource);
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(const v1::ClearQuarantineResponse done,
                        admin->Call(&v1::Admin::Stub::ClearQuarantine, request));
  return context.Show(
      done, [&] { return absl::StrCat(Title(resource), " may be used by every VM again\n"); });
}

}  // namespace

void AddPinVerbs(VerbTree& verbs) {
  auto name = std::make_shared<std::string>();
  auto rate = std::make_shared<std::string>();
  CLI::App* pin = verbs.Add("pin", "Let the host hold a clock or power domain",
                            [=](Context& context) { return Pin(context, *name, *rate); });
  AddArgument(pin, "RESOURCE", name.get(), "Name or id; clock:NAME or domain:NAME")
      ->type_name(kGateType);
  pin->add_option("--rate", *rate, "Clocks: also set this rate and let nobody change it")
      ->type_name("RATE");
  CLI::App* unpin = verbs.Add("unpin", "End what pin did",
                              [=](Context& context) { return Unpin(context, *name); });
  AddArgument(unpin, "RESOURCE", name.get(), "Name or id; clock:NAME or domain:NAME")
      ->type_name(kGateType);
  CLI::App* clear =
      verbs.Add("clear-quarantine", "Declare what a failed release left in doubt fit for use",
                [=](Context& context) { return ClearQuarantine(context, *name); });
  AddArgument(clear, "RESOURCE", name.get(), "Name or id; reset:NAME and so on");
}

}  // namespace bpmp::ctl
