// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_COMPLETION_H_
#define BROKER_CTL_COMPLETION_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "CLI/CLI.hpp"

namespace bpmp::ctl {

// The hidden first word by which a shell asks for completions: bpmpctl __complete WORD...
inline constexpr std::string_view kCompleteVerb = "__complete";

struct Candidate {
  std::string word;
  std::string help;
  friend bool operator==(const Candidate&, const Candidate&) = default;
};

// Names of what an argument is: "VM", "CLOCK", "RESET", "DOMAIN", "EVENT". Empty where the broker
// can't be asked, and for all else.
using NameSource = std::function<std::vector<std::string>(const std::string& what)>;

// What may stand for the last of `words` (which may be empty), found by walking the tree of the
// command line along the words before it. Pure but for `names`.
std::vector<Candidate> Complete(const CLI::App& root, const std::vector<std::string>& words,
                                const NameSource& names);

// A script that makes `shell` (bash, zsh, fish) complete bpmpctl by asking bpmpctl itself, so it
// never goes out of date. Empty for another shell.
std::string CompletionScript(std::string_view shell);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_COMPLETION_H_
