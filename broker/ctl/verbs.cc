// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/verbs.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "broker/ctl/style.h"

namespace bpmp::ctl {

CLI::App* VerbTree::Group(const std::string& name, const std::string& help) {
  CLI::App* group = root_->add_subcommand(name, help);
  group->require_subcommand(1);
  return group;
}

CLI::App* VerbTree::Add(const std::string& name, const std::string& help, Action action) {
  return Add(root_, name, help, std::move(action));
}

CLI::App* VerbTree::Add(CLI::App* group, const std::string& name, const std::string& help,
                        Action action) {
  CLI::App* verb = group->add_subcommand(name, help);
  verb->callback([this, action = std::move(action)] { chosen_ = action; });
  return verb;
}

CLI::Validator WholeNumber() {
  const auto check = [](const std::string& text) {
    const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
      return absl::ascii_isdigit(static_cast<unsigned char>(c));
    });
    return digits ? "" : Quoted(text) + " is no number; write 0 or more";
  };
  return CLI::Validator(check, "");
}

CLI::Option* AddArgument(CLI::App* verb, const std::string& name, std::string* value,
                         const std::string& help) {
  return verb->add_option(name, *value, help)->required()->type_name("");
}

}  // namespace bpmp::ctl
