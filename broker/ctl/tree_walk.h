// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_TREE_WALK_H_
#define BROKER_CTL_TREE_WALK_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"

// Reading a command line that may be unfinished or wrong, which CLI11's own parser refuses whole.
namespace bpmp::ctl {

// Where one stands after some words. Not owned: all points into the tree.
struct Position {
  const CLI::App* app = nullptr;         // the verb or group that is reached
  const CLI::Option* expects = nullptr;  // an option whose value comes next
  std::vector<std::string> positionals;  // of `app`, so far
  std::string socket;                    // the program's own --socket, where it was given
};

Position Walk(const CLI::App& root, const std::vector<std::string>& words);

// The verbs below `app`, in order of --help.
std::vector<const CLI::App*> VerbsOf(const CLI::App& app);

// "vm has no 'lits'; did you mean list? There are: ..." where a word stands in a verb's place that
// is none; empty otherwise.
std::string UnknownVerb(const CLI::App& root, const std::vector<std::string>& words);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_TREE_WALK_H_
