// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/tree_walk.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/ctl/style.h"
#include "broker/ctl/suggest.h"

namespace bpmp::ctl {
namespace {

// An option of `app`, or of one above it: those of the program may follow the verb.
const CLI::Option* FindOption(const CLI::App* app, const std::string& word) {
  for (; app != nullptr; app = app->get_parent()) {
    const CLI::Option* option = app->get_option_no_throw(word);
    if (option != nullptr) {
      return option;
    }
  }
  return nullptr;
}

void TakeValue(const CLI::App& root, const std::string& value, Position* at) {
  // A verb's option of the same name is another one.
  if (at->expects != nullptr && at->expects == root.get_option_no_throw("--socket")) {
    at->socket = value;
  }
  at->expects = nullptr;
}

void Step(const CLI::App& root, const std::string& word, Position* at) {
  if (at->expects != nullptr) {
    TakeValue(root, word, at);
    return;
  }
  if (absl::StartsWith(word, "-") && word.size() > 1) {
    const size_t equals = word.find('=');
    const CLI::Option* option = FindOption(at->app, word.substr(0, equals));
    at->expects = option != nullptr && option->get_items_expected_max() > 0 ? option : nullptr;
    if (equals != std::string::npos) {
      TakeValue(root, word.substr(equals + 1), at);
    }
    return;
  }
  for (const CLI::App* verb : VerbsOf(*at->app)) {
    if (at->positionals.empty() && verb->get_name() == word) {
      at->app = verb;
      return;
    }
  }
  at->positionals.push_back(word);
}

}  // namespace

Position Walk(const CLI::App& root, const std::vector<std::string>& words) {
  Position at;
  at.app = &root;
  for (const std::string& word : words) {
    Step(root, word, &at);
  }
  return at;
}

std::vector<const CLI::App*> VerbsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string UnknownVerb(const CLI::App& root, const std::vector<std::string>& words) {
  const Position at = Walk(root, words);
  std::vector<std::string> verbs;
  for (const CLI::App* verb : VerbsOf(*at.app)) {
    verbs.push_back(verb->get_name());
  }
  if (verbs.empty()) {
    return "";
  }
  const std::string choice = absl::StrCat("There are: ", absl::StrJoin(verbs, ", "));
  if (at.positionals.empty()) {
    return absl::StrCat(at.app->get_name(), " needs a verb. ", choice);
  }
  return absl::StrCat(at.app->get_name(), " has no ", Quoted(at.positionals[0]),
                      DidYouMean(at.positionals[0], verbs), " ", choice);
}

}  // namespace bpmp::ctl
