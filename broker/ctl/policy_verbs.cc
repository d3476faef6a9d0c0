// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "broker/base/status_macros.h"
#include "broker/ctl/line_reader.h"
#include "broker/ctl/policy_view.h"
#include "broker/ctl/verbs.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {
namespace {

struct ReloadFlags {
  bool drop = false;
  bool keep = false;
  bool dry_run = false;
};

// For the broker, which may run in another directory: what the file names is relative to it.
std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

absl::StatusOr<ExitCode> Check(Context& context, const std::string& path) {
  v1::CheckPolicyRequest request;
  BPMP_ASSIGN_OR_RETURN(*request.mutable_contents(), ReadInput(context.in_fd(), path));
  request.set_file(path == "-" ? "standard input" : AbsolutePath(path));
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(const v1::CheckPolicyResponse check,
                        admin->Call(&v1::Admin::Stub::CheckPolicy, request));
  return context.Show(
      check, [&] { return CheckText(check, path); },
      check.problems_size() == 0 ? ExitCode::kOk : ExitCode::kRefused);
}

absl::StatusOr<ExitCode> Reload(Context& context, const ReloadFlags& flags) {
  v1::ReloadPolicyRequest request;
  request.set_votes(flags.drop ? v1::ReloadPolicyRequest::DROP : v1::ReloadPolicyRequest::KEEP);
  request.set_dry_run(flags.dry_run);
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(const v1::ReloadPolicyResponse done,
                        admin->Call(&v1::Admin::Stub::ReloadPolicy, request));
  return context.Show(
      done, [&] { return ReloadText(done, flags.dry_run, flags.drop); },
      done.problems_size() == 0 ? ExitCode::kOk : ExitCode::kRefused);
}

absl::StatusOr<ExitCode> Suggest(Context& context, const std::string& vm) {
  v1::SuggestPolicyRequest request;
  request.set_vm(vm);
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(const v1::SuggestPolicyResponse suggestion,
                        admin->Call(&v1::Admin::Stub::SuggestPolicy, request));
  return context.Show(suggestion, [&] { return SuggestionText(suggestion); });
}

void AddVotesFlags(CLI::App* verb, ReloadFlags* flags) {
  AddEither(
      verb,
      {"--drop", flags->drop, "Undo at once what VMs hold and may no longer; release VMs that go"},
      {"--keep", flags->keep, "Leave it until they drop it or are released [default]"});
}

}  // namespace

void AddPolicyVerbs(VerbTree& verbs) {
  CLI::App* group = verbs.Group("policy", "The policy: check, diff, reload, suggest, import");

  auto file = std::make_shared<std::string>();
  CLI::App* check =
      verbs.Add(group, "check", "What is wrong with a configuration, and what it says",
                [file](Context& context) { return Check(context, *file); });
  AddArgument(check, "FILE", file.get(), "A configuration file; - is standard input");

  auto diff_flags = std::make_shared<ReloadFlags>();
  diff_flags->dry_run = true;
  CLI::App* diff =
      verbs.Add(group, "diff", "What a reload would change, VM by VM; nothing is done",
                [diff_flags](Context& context) { return Reload(context, *diff_flags); });
  AddVotesFlags(diff, diff_flags.get());

  auto flags = std::make_shared<ReloadFlags>();
  CLI::App* reload =
      verbs.Add(group, "reload", "Put the policy of the broker's configuration file into force",
                [flags](Context& context) { return Reload(context, *flags); });
  AddVotesFlags(reload, flags.get());
  reload->add_flag("--dry-run", flags->dry_run, "Only say what would change, as diff does");

  auto vm = std::make_shared<std::string>();
  CLI::App* suggest =
      verbs.Add(group, "suggest", "The least policy that allows what a VM has asked for",
                [vm](Context& context) { return Suggest(context, *vm); });
  AddArgument(suggest, "VM", vm.get(), "Name of the VM");

  AddPolicyImportVerb(verbs, group);
}

}  // namespace bpmp::ctl
