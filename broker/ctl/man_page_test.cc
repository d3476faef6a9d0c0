// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/man_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "broker/ctl/tree_walk.h"
#include "broker/ctl/verbs.h"

namespace bpmp::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string AsWritten(const std::string& text) { return absl::StrReplaceAll(text, {{"-", "\\-"}}); }

void ExpectHasAll(const std::string& page, const CLI::App& app, const std::string& prefix) {
  for (const CLI::App* verb : VerbsOf(app)) {
    const std::string name = prefix + verb->get_name();
    if (!VerbsOf(*verb).empty()) {
      ExpectHasAll(page, *verb, name + " ");
      continue;
    }
    EXPECT_THAT(page, HasSubstr(".SS \\fB" + AsWritten(name) + "\\fR"));
    for (const CLI::Option* option : verb->get_options()) {
      for (const std::string& word : option->get_lnames()) {
        if (word != "help") {
          EXPECT_THAT(page, HasSubstr(AsWritten("--" + word)));
        }
      }
    }
  }
}

TEST(ManPageTest, HasEveryVerbAndOption) {
  CLI::App root{"Talks.", "bpmpctl"};
  Globals globals;
  VerbTree verbs{&root};
  AddAllVerbs(verbs, &globals);
  const std::string page = ManPage(root);
  EXPECT_THAT(page, StartsWith(".TH BPMPCTL 1 "));
  EXPECT_THAT(page, HasSubstr(".SS \\fBvm show\\fR \\fIVM\\fR\n"));
  EXPECT_THAT(page, HasSubstr("\n\\fB\\-\\-socket\\fR \\fIPATH\\fR\n"));
  EXPECT_THAT(page, HasSubstr(".SH EXIT STATUS\nEnds with 0: done"));
  ExpectHasAll(page, root, "");
  EXPECT_EQ(page.find("Ends with 0"), page.rfind("Ends with 0"));
  // Of a build, not of a machine.
  EXPECT_THAT(page, Not(HasSubstr("/tmp")));
}

TEST(ManPageTest, TextIsNoRequest) {
  CLI::App root{".so /etc/passwd\n'br\nback\\slash", "bpmpctl"};
  const std::string page = ManPage(root);
  EXPECT_THAT(page, HasSubstr("\\- \\&.so /etc/passwd\n\\&'br\nback\\eslash\n"));
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    EXPECT_THAT(std::string(line), Not(StartsWith(".so")));
  }
}

}  // namespace
}  // namespace bpmp::ctl
