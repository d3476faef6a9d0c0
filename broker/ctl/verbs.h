// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_VERBS_H_
#define BROKER_CTL_VERBS_H_

#include <functional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "broker/ctl/context.h"

namespace bpmp::ctl {

// What a verb does once the command line is parsed. An error is printed and becomes the exit code
// that ExitCodeOf gives it.
using Action = std::function<absl::StatusOr<ExitCode>(Context&)>;

// The type of a RESOURCE that is no reset, for completion.
inline constexpr char kGateType[] = "CLOCK|DOMAIN";

// The command line as a tree. Positional arguments are named after what they are (VM, CLOCK,
// RESET, DOMAIN, RESOURCE, REQUEST), unless a type name says it better: completion goes by these
// names, options' types among them.
class VerbTree {
 public:
  explicit VerbTree(CLI::App* root) : root_(root) {}  // not owned

  // A word that only groups verbs: "vm".
  CLI::App* Group(const std::string& name, const std::string& help);
  // A verb of the program itself, or of a group. Parsing it chooses `action`.
  CLI::App* Add(const std::string& name, const std::string& help, Action action);
  CLI::App* Add(CLI::App* group, const std::string& name, const std::string& help, Action action);

  const Action& chosen() const { return chosen_; }
  CLI::App* root() const { return root_; }

 private:
  CLI::App* const root_;
  Action chosen_;
};

// Adds a positional argument that must be given.
CLI::Option* AddArgument(CLI::App* verb, const std::string& name, std::string* value,
                         const std::string& help);
// For options with a number: CLI11 itself takes "-1" for a large one.
CLI::Validator WholeNumber();
// Adds an option with one value, so that what follows isn't taken for another; where `value` is a
// list it may be repeated.
template <typename Value>
void AddOption(CLI::App* verb, const char* name, Value& value, const char* type, const char* help) {
  verb->add_option(name, value, help)->type_name(type)->allow_extra_args(false);
}
// Adds two flags that can't both be given.
struct Flag {
  const char* name;
  bool& value;
  const char* help;
};
inline void AddEither(CLI::App* verb, const Flag& one, const Flag& other) {
  CLI::Option* option = verb->add_flag(one.name, one.value, one.help);
  verb->add_flag(other.name, other.value, other.help)->excludes(option);
}

// The whole command line. `globals` gets the options that every verb has; not owned.
void AddAllVerbs(VerbTree& verbs, Globals* globals);

// One for each file *_verbs.cc.
void AddStatusVerb(VerbTree& verbs);
void AddVmVerbs(VerbTree& verbs);
void AddDeviceVerbs(VerbTree& verbs);
void AddVmAddVerb(VerbTree& verbs, CLI::App* vm_group);
void AddVmUpdateVerb(VerbTree& verbs, CLI::App* vm_group);
void AddVmDrainVerbs(VerbTree& verbs, CLI::App* vm_group);
void AddResourceVerbs(VerbTree& verbs);
void AddWhyVerbs(VerbTree& verbs);
void AddPinVerbs(VerbTree& verbs);
void AddPolicyVerbs(VerbTree& verbs);
void AddPolicyImportVerb(VerbTree& verbs, CLI::App* policy_group);
void AddWatchVerb(VerbTree& verbs);
void AddAuditVerb(VerbTree& verbs);
void AddTopVerb(VerbTree& verbs);
void AddRequestVerb(VerbTree& verbs);
void AddSessionVerb(VerbTree& verbs);
void AddSelftestVerb(VerbTree& verbs);
void AddDoctorVerb(VerbTree& verbs);
void AddTraceVerbs(VerbTree& verbs);
void AddProfileVerbs(VerbTree& verbs);
void AddGuestDtVerb(VerbTree& verbs);
void AddCompletionVerb(VerbTree& verbs);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_VERBS_H_
