// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/man_page.h"

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "broker/base/string_view.h"
#include "broker/ctl/tree_walk.h"

namespace bpmp::ctl {
namespace {

// Text as it is: nothing in it is a request, an escape, or a hyphen that isn't meant.
std::string Escaped(std::string_view text) {
  std::string escaped = absl::StrReplaceAll(ToAbsl(text), {{"\\", "\\e"}, {"-", "\\-"}});
  // A line that begins so would be a request.
  absl::StrReplaceAll({{"\n.", "\n\\&."}, {"\n'", "\n\\&'"}}, &escaped);
  const bool request = !escaped.empty() && (escaped[0] == '.' || escaped[0] == '\'');
  return request ? "\\&" + escaped : escaped;
}

std::string Bold(std::string_view text) { return absl::StrCat("\\fB", Escaped(text), "\\fR"); }
std::string Italic(std::string_view text) { return absl::StrCat("\\fI", Escaped(text), "\\fR"); }

// "--output, -o table|json".
std::string OptionTitle(const CLI::Option& option) {
  std::string title;
  for (const std::string& name : option.get_lnames()) {
    absl::StrAppend(&title, title.empty() ? "" : ", ", Bold("--" + name));
  }
  for (const std::string& name : option.get_snames()) {
    absl::StrAppend(&title, title.empty() ? "" : ", ", Bold("-" + name));
  }
  if (option.get_type_size() != 0) absl::StrAppend(&title, " ", Italic(option.get_type_name()));
  return title;
}

std::string Paragraph(const std::string& title, std::string_view text) {
  return absl::StrCat(".TP\n", title, "\n", Escaped(text), "\n");
}

std::string OptionsText(const CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      absl::StrAppend(&text, Paragraph(Italic(option->get_name(true)), option->get_description()));
    } else if (option != app.get_help_ptr()) {
      absl::StrAppend(&text, Paragraph(OptionTitle(*option), option->get_description()));
    }
  }
  return text;
}

// "vm show VM": what is written to call it.
std::string Usage(const CLI::App& verb, const std::string& name) {
  std::string usage = Bold(name);
  bool options = false;
  for (const CLI::Option* option : verb.get_options()) {
    if (option->get_positional()) {
      const std::string argument = Italic(option->get_name(true));
      absl::StrAppend(&usage, " ", option->get_required() ? argument : "[" + argument + "]");
    } else if (option != verb.get_help_ptr()) {
      options = true;
    }
  }
  return options ? usage + " [options]" : usage;
}

// `common` is what every verb inherits of the program, and is said once.
void AddVerbs(const CLI::App& app, const std::string& prefix, const std::string& common,
              std::string* page) {
  for (const CLI::App* verb : VerbsOf(app)) {
    const std::string name = prefix + verb->get_name();
    if (!VerbsOf(*verb).empty()) {
      AddVerbs(*verb, name + " ", common, page);
      continue;
    }
    absl::StrAppend(page, ".SS ", Usage(*verb, name), "\n", Escaped(verb->get_description()), "\n",
                    OptionsText(*verb));
    if (!verb->get_footer().empty() && verb->get_footer() != common) {
      absl::StrAppend(page, ".PP\n.nf\n", Escaped(verb->get_footer()), "\n.fi\n");
    }
  }
}

}  // namespace

std::string ManPage(const CLI::App& root) {
  std::string page = absl::StrCat(
      ".TH BPMPCTL 1 \"\" \"", Escaped(root.version()), "\" \"User Commands\"\n.SH NAME\nbpmpctl ",
      "\\- ", Escaped(root.get_description()), "\n.SH SYNOPSIS\n", Bold("bpmpctl"), " [options] ",
      Italic("verb"), " [arguments]\n.SH OPTIONS\nThey may stand before or after the verb.\n",
      OptionsText(root), ".SH VERBS\n");
  AddVerbs(root, "", root.get_footer(), &page);
  absl::StrAppend(&page, ".SH EXIT STATUS\n", Escaped(root.get_footer()), "\n");
  return page;
}

}  // namespace bpmp::ctl
