// SPDX-License-Identifier: Apache-2.0
// The program itself: what needs a process, a shell or a signal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "broker/ctl/fake_broker.h"
#include "broker/ctl/tool_process.h"

namespace bpmp::ctl {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string Shell(const std::string& script) {
  ToolProcess shell(
      {"bash", "--norc", "--noprofile", "-c",
       "PATH=$(dirname " BPMPCTL "):$PATH\nexport BPMP_BROKER_ADMIN=/nowhere\n" + script});
  shell.CloseInput();
  const std::string out = shell.ReadAll();
  shell.Wait();
  return out;
}

constexpr char kComplete[] =
    "source <(bpmpctl completion bash)\n"
    "COMP_WORDBREAKS=' =:'\n"
    "compopt() { printf '%s ' \"$@\"; }\n"
    "complete_line() { COMP_LINE=\"$1\"; COMP_POINT=${#1}; _bpmpctl;\n"
    "  printf '%s\\n' \"${COMPREPLY[@]}\"; }\n";

TEST(BashCompletion, CompletesAVerb) {
  EXPECT_EQ(Shell(std::string(kComplete) + "complete_line 'bpmpctl v'"), "vm\n");
  EXPECT_EQ(Shell(std::string(kComplete) + "complete_line 'bpmpctl vm re'"), "remove\nrelease\n");
  EXPECT_EQ(Shell(std::string(kComplete) + "complete_line 'bpmpctl --output '"), "table\njson\n");
}

// bash replaces what follows the last : or = only.
TEST(BashCompletion, CompletesWithinAWord) {
  FakeBroker broker;
  broker.resources = {MakeResource(v1::RESOURCE_KIND_CLOCK, 155, "uarta", v1::GATE_STATE_ON, {})};
  const std::string line =
      std::string(kComplete) + "complete_line 'bpmpctl --socket " + broker.socket() + " ";
  EXPECT_EQ(Shell(line + "pin clock:u'"), "uarta\n");
  EXPECT_EQ(Shell(line + "pin cl'"), "-o nospace clock:\n");
  EXPECT_EQ(Shell(line + "vm add a --clock uarta=v'"), "vote\n");
  EXPECT_EQ(Shell(line + "vm add a --clock u'"), "-o nospace uarta=\n");
  EXPECT_EQ(Shell(line + "watch --kind release-'"), "release-started\nrelease-step\n");
}

TEST(BashCompletion, IsRegistered) {
  EXPECT_THAT(Shell(std::string(kComplete) + "complete -p bpmpctl"), HasSubstr("-F _bpmpctl"));
}

bool Has(const std::string& shell) { return !Shell("command -v " + shell).empty(); }

TEST(FishCompletion, CompletesAVerb) {
  if (!Has("fish")) {
    GTEST_SKIP() << "fish is not installed";
  }
  EXPECT_THAT(Shell("fish --no-config -c 'bpmpctl completion fish | source;"
                    " complete -C \"bpmpctl --output json vm re\"'"),
              AllOf(HasSubstr("release\t"), HasSubstr("remove\t")));
  EXPECT_THAT(Shell("fish --no-config -c 'bpmpctl completion fish | source;"
                    " complete -C \"bpmpctl trace show /proc/cmdl\"'"),
              HasSubstr("/proc/cmdline\n"));
}

// A shell at a terminal of its own, in which Tab completes, shows the line and clears it.
constexpr char kZshAtATerminal[] = R"zsh(
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'autoload -U compinit; compinit -u -D; source <(bpmpctl completion zsh)
  tab() { zle complete-word; print -r -- "<$BUFFER>"; zle kill-whole-line }
  zle -N tab; bindkey "^I" tab; PS1=; print re""ady'
zpty -r -m shell said '*ready*'
for line in "$@"; do
  zpty -w -n shell "$line"$'\t'
  zpty -r -m shell said '*<*>*'
  print -r -- "${${said##*<}%%>*}"
done
zpty -d shell
)zsh";

TEST(ZshCompletion, CompletesAtATerminal) {
  if (!Has("zsh")) {
    GTEST_SKIP() << "zsh is not installed";
  }
  FakeBroker broker;
  broker.resources = {MakeResource(v1::RESOURCE_KIND_CLOCK, 155, "uarta", v1::GATE_STATE_ON, {})};
  EXPECT_EQ(
      Shell(absl::StrCat("export BPMP_BROKER_ADMIN=", broker.socket(), "\nzsh -f -c '",
                         absl::StrReplaceAll(kZshAtATerminal, {{"'", "'\\''"}}),
                         "' zsh 'bpmpctl vm rem' 'bpmpctl vm add x --clock u'"
                         " 'bpmpctl vm add x --clock uarta=v' 'bpmpctl trace show /proc/cmdl'")),
      "bpmpctl vm remove \n"
      "bpmpctl vm add x --clock uarta=\n"
      "bpmpctl vm add x --clock uarta=vote \n"
      "bpmpctl trace show /proc/cmdline \n");
}

// Where the two functions that need a terminal stand in for the shell's own.
TEST(ZshCompletion, CompletesAVerb) {
  if (!Has("zsh")) {
    GTEST_SKIP() << "zsh is not installed";
  }
  EXPECT_EQ(Shell("zsh -f -c 'compdef() { }; _files() { print none; };"
                  " _describe() { (( ${#lines} )) && print -l -- $lines; };"
                  " source <(bpmpctl completion zsh);"
                  " words=(bpmpctl vm rem); CURRENT=3; _bpmpctl;"
                  " words=(bpmpctl zzz); CURRENT=2; _bpmpctl'"),
            "remove:Release a VM, end its session and remove its socket\nnone\n");
}

TEST(Watch, EndsInOrderWithCtrlC) {
  FakeBroker broker;
  broker.watch_stays = true;
  broker.events.resize(1);
  broker.events[0].set_number(1);
  for (const int signal : {SIGINT, SIGTERM}) {
    ToolProcess watch({BPMPCTL, "--socket", broker.socket(), "watch", "-o", "json"});
    EXPECT_THAT(watch.ReadLine(), HasSubstr("\"number\":\"1\""));  // flushed for each line
    watch.Signal(signal);
    EXPECT_EQ(watch.Wait(), 0);
  }
}

TEST(Session, StaysUntilKilledAndAnswersEachLineAtOnce) {
  FakeBroker broker;
  broker.vms.resize(1);
  broker.vms[0].set_name("net-vm");
  broker.vms[0].set_socket(broker.socket());
  ToolProcess session({BPMPCTL, "--socket", broker.socket(), "session", "net-vm", "--stay"});
  EXPECT_EQ(session.ReadLine(), "session 7 of net-vm, epoch 0");
  session.Write("keep-alive\n");
  EXPECT_EQ(session.ReadLine(), "keep-alive: ok");
  session.CloseInput();
  session.Signal(SIGTERM);
  EXPECT_EQ(session.Wait(), 0);
}

// Whoever keeps the output in a file must not take a full disk for an answer.
TEST(Output, FailsOnAFullDisk) {
  FakeBroker broker;
  broker.events.resize(2);
  broker.events[0].set_number(1);
  const std::string at = "export BPMP_BROKER_ADMIN=" + broker.socket() + "\n";
  for (const char* line :
       {"status", "--help", "--version", "completion bash", "__complete ''", "watch"}) {
    EXPECT_EQ(Shell(at + "bpmpctl " + line + " 2>&1 >/dev/full; echo $?"),
              "bpmpctl: can't write to standard output: No space left on device\n6\n")
        << line;
  }
}

TEST(Output, IsQuietWhenTheReaderHasSeenEnough) {
  FakeBroker broker;
  const std::string at = "export BPMP_BROKER_ADMIN=" + broker.socket() + "\n";
  // The reader is gone before the tool begins; with SIGPIPE as usual, and ignored.
  const std::string gone = "exec 3> >(:)\nwait $!\n";
  EXPECT_EQ(Shell(at + gone + "(bpmpctl status 2>&1 >&3); echo $?"), "141\n");
  EXPECT_EQ(Shell(at + gone + "trap '' PIPE; (bpmpctl status 2>&1 >&3); echo $?"), "6\n");
}

TEST(Output, HasNoColoursInAPipe) {
  FakeBroker broker;
  ToolProcess list({BPMPCTL, "--socket", broker.socket(), "status"});
  EXPECT_EQ(list.ReadAll().find('\x1b'), std::string::npos);
  EXPECT_EQ(list.Wait(), 0);
}

}  // namespace
}  // namespace bpmp::ctl
