// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/completion.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "broker/base/string_view.h"
#include "broker/ctl/request_grammar.h"
#include "broker/ctl/tree_walk.h"

namespace bpmp::ctl {
namespace {

using Words = std::vector<std::string>;

// bash splits words at : and = too, and replaces what follows the last of those.
constexpr std::string_view kBash = R"bash(# bash completion of bpmpctl
_bpmpctl() {
  local line="${COMP_LINE:0:COMP_POINT}" breaks="${COMP_WORDBREAKS//[^:=]/}" words lines last
  read -ra words <<<"$line"
  [[ "$line" != *[[:space:]] ]] || words+=('')
  mapfile -t lines < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
  COMPREPLY=("${lines[@]%%$'\t'*}")
  last="${words[-1]}"
  [[ -z "$breaks" ]] || COMPREPLY=("${COMPREPLY[@]#"${last%"${last##*["$breaks"]}"}"}")
  [[ "${COMPREPLY[*]}" != *[:=] ]] || compopt -o nospace
}
complete -o default -F _bpmpctl bpmpctl
)bash";

constexpr std::string_view kZsh = R"zsh(#compdef bpmpctl
_bpmpctl() {
  local -a lines
  lines=(${(f)"$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)"})
  lines=("${(@)lines//:/\\:}")
  lines=("${(@)lines/$'\t'/:}")
  local -a options
  [[ "${lines[1]}" != *[:=] ]] || options=(-S '')
  _describe bpmpctl lines "${(@)options}" || _files
}
if [ "$funcstack[1]" = _bpmpctl ]; then _bpmpctl "$@"; else compdef _bpmpctl bpmpctl; fi
)zsh";

constexpr std::string_view kFish = R"fish(# fish completion of bpmpctl
function __bpmpctl_complete
  set -l lines (bpmpctl __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
  if test (count $lines) -gt 0
    printf '%s\n' $lines
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c bpmpctl -f -a '(__bpmpctl_complete)'
)fish";

// The arguments of one request, by the grammar's own table.
void AddRequest(const Words& before, const NameSource& names, std::vector<Candidate>* candidates) {
  for (const Form& form : Forms()) {
    if (before.empty()) {
      candidates->push_back({std::string(form.noun), ""});
      continue;
    }
    if (form.noun != before[0]) {
      continue;
    }
    const size_t words = form.verb.empty() ? 1 : 2;
    if (before.size() == 1 && words == 2) {
      candidates->push_back({std::string(form.verb), Usage(form)});
    } else if (before.size() >= words && (words == 1 || form.verb == before[1]) &&
               before.size() - words < kMaxArguments) {
      const Argument& argument = form.arguments[before.size() - words];
      const char* what = argument.kind == ArgumentKind::kClock    ? "CLOCK"
                         : argument.kind == ArgumentKind::kReset  ? "RESET"
                         : argument.kind == ArgumentKind::kDomain ? "DOMAIN"
                                                                  : "";
      for (const std::string& name : names(what)) {
        candidates->push_back({name, ""});
      }
    }
  }
  if (before.empty()) {
    candidates->push_back({std::string(kRaw), "bytes as they are"});
  }
}

// The kinds of resources, as arguments are called and as a word may begin.
struct KindPrefix {
  std::string_view what;
  std::string_view prefix;
};
constexpr KindPrefix kPrefixes[] = {
    {"CLOCK", "clock:"}, {"DOMAIN", "domain:"}, {"RESET", "reset:"}};
constexpr char kAnyKind[] = "CLOCK|DOMAIN|RESET";
constexpr std::string_view kGrant = "=ACCESS";

// One of several kinds: by its name alone, or after its kind where somebody begins to write that.
void AddOfKind(const KindPrefix& kind, const std::string& partial, const NameSource& names,
               std::vector<Candidate>* candidates) {
  const std::string prefix(kind.prefix);
  const bool prefixed = absl::StartsWith(partial, prefix);
  for (const std::string& name : names(std::string(kind.what))) {
    candidates->push_back({prefixed ? prefix + name : name, ""});
  }
  if (!prefixed && !partial.empty()) {
    candidates->push_back({prefix, ""});
  }
}

// NAME=ACCESS: first the names, then what may be granted.
void AddGrants(const std::string& kind, const std::string& partial, const NameSource& names,
               std::vector<Candidate>* candidates) {
  const size_t equals = partial.find('=');
  if (equals == std::string::npos) {
    for (const std::string& name : names(kind)) {
      candidates->push_back({name + "=", ""});
    }
    return;
  }
  for (const char* access : {"get", "vote", "exclusive"}) {
    candidates->push_back({partial.substr(0, equals + 1) + access, ""});
  }
}

// The value of an option or positional argument that is called `what`.
void AddValues(std::string what, const std::string& partial, const NameSource& names,
               std::vector<Candidate>* candidates) {
  if (what == "RESOURCE") {
    what = kAnyKind;
  }
  if (absl::EndsWith(what, ToAbsl(kGrant))) {
    AddGrants(what.substr(0, what.size() - kGrant.size()), partial, names, candidates);
    return;
  }
  // What is written in small letters stands for itself.
  const bool itself = !what.empty() && absl::ascii_islower(static_cast<unsigned char>(what[0]));
  if (!itself && !absl::StrContains(what, '|')) {
    for (const std::string& name : names(what)) {
      candidates->push_back({name, ""});
    }
    return;
  }
  for (const absl::string_view value : absl::StrSplit(what, '|')) {
    const auto* kind =
        std::find_if(std::begin(kPrefixes), std::end(kPrefixes),
                     [value](const KindPrefix& known) { return ToAbsl(known.what) == value; });
    if (kind == std::end(kPrefixes)) {
      candidates->push_back({std::string(value), ""});
    } else {
      AddOfKind(*kind, partial, names, candidates);
    }
  }
}

void AddPositional(const Position& at, const std::string& partial, const NameSource& names,
                   std::vector<Candidate>* candidates) {
  size_t position = 0;
  for (const CLI::Option* option : at.app->get_options()) {
    if (!option->get_positional()) {
      continue;
    }
    const std::string& what = option->get_name(true);
    if (what == "REQUEST" && at.positionals.size() >= position) {
      AddRequest(Words(at.positionals.begin() + static_cast<std::ptrdiff_t>(position),
                       at.positionals.end()),
                 names, candidates);
    } else if (position == at.positionals.size()) {
      AddValues(option->get_type_name().empty() ? what : option->get_type_name(), partial, names,
                candidates);
    }
    ++position;
  }
}

// --option=VALUE in one word.
void AddJoined(const CLI::App& root, Words before, const std::string& partial,
               const NameSource& names, std::vector<Candidate>* candidates) {
  const size_t equals = partial.find('=');
  before.push_back(partial.substr(0, equals));
  const Position at = Walk(root, before);
  std::vector<Candidate> values;
  if (at.expects != nullptr) {
    AddValues(at.expects->get_type_name(), partial.substr(equals + 1), names, &values);
  }
  for (const Candidate& value : values) {
    candidates->push_back({partial.substr(0, equals + 1) + value.word, value.help});
  }
}

void AddOptions(const CLI::App* app, std::vector<Candidate>* candidates) {
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        candidates->push_back({"--" + name, option->get_description()});
      }
    }
  }
}

}  // namespace

std::vector<Candidate> Complete(const CLI::App& root, const std::vector<std::string>& words,
                                const NameSource& names) {
  const Words before(words.begin(), words.end() - (words.empty() ? 0 : 1));
  const Position at = Walk(root, before);
  const std::string partial = words.empty() ? "" : words.back();
  std::vector<Candidate> all;
  if (at.expects != nullptr) {
    AddValues(at.expects->get_type_name(), partial, names, &all);
  } else if (absl::StartsWith(partial, "--") && absl::StrContains(partial, '=')) {
    AddJoined(root, before, partial, names, &all);
  } else if (absl::StartsWith(partial, "-")) {
    AddOptions(at.app, &all);
  } else {
    for (const CLI::App* verb : VerbsOf(*at.app)) {
      if (at.positionals.empty()) {
        all.push_back({verb->get_name(), verb->get_description()});
      }
    }
    AddPositional(at, partial, names, &all);
  }
  std::vector<Candidate> candidates;
  for (const Candidate& candidate : all) {
    if (absl::StartsWith(candidate.word, partial) &&
        std::none_of(candidates.begin(), candidates.end(),
                     [&](const Candidate& other) { return other.word == candidate.word; })) {
      candidates.push_back(candidate);
    }
  }
  return candidates;
}

std::string CompletionScript(std::string_view shell) {
  return std::string(shell == "bash"   ? kBash
                     : shell == "zsh"  ? kZsh
                     : shell == "fish" ? kFish
                                       : "");
}

}  // namespace bpmp::ctl
