// SPDX-License-Identifier: Apache-2.0
// The program itself: what needs a process, a shell or a signal.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "broker/ctl/fake_broker.h"

extern char** environ;

namespace bpmp::ctl {
namespace {

using testing::HasSubstr;

// A running bpmpctl with pipes to its input and output.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments) {
    EXPECT_EQ(::pipe2(in_, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(out_, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in_[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out_[1], STDOUT_FILENO);
    std::vector<char*> argv;
    for (std::string& argument : arguments) {
      argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    EXPECT_EQ(::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(in_[0]);
    ::close(out_[1]);
  }
  ~Process() {
    CloseInput();
    ::close(out_[0]);
  }

  void CloseInput() {
    if (in_[1] >= 0) {
      ::close(in_[1]);
      in_[1] = -1;
    }
  }
  void Write(const std::string& text) {
    EXPECT_EQ(::write(in_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string ReadLine() {
    std::string line;
    char c = 0;
    while (::read(out_[0], &c, 1) == 1 && c != '\n') {
      line += c;
    }
    return line;
  }
  std::string ReadAll() {
    std::string text;
    char chunk[256];
    for (ssize_t got = 0; (got = ::read(out_[0], chunk, sizeof(chunk))) > 0;) {
      text.append(chunk, static_cast<size_t>(got));
    }
    return text;
  }
  void Signal(int signal) { ::kill(pid_, signal); }
  // The exit code, or minus the signal.
  int Wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  int in_[2];
  int out_[2];
};

std::string Shell(const std::string& script) {
  Process shell(
      {"bash", "--norc", "--noprofile", "-c",
       "PATH=$(dirname " BPMPCTL "):$PATH\nexport BPMP_BROKER_ADMIN=/nowhere\n" + script});
  shell.CloseInput();
  const std::string out = shell.ReadAll();
  shell.Wait();
  return out;
}

constexpr char kComplete[] =
    "source <(bpmpctl completion bash)\n"
    "complete_line() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _bpmpctl;\n"
    "  printf '%s\\n' \"${COMPREPLY[@]}\"; }\n";

TEST(BashCompletion, CompletesAVerb) {
  EXPECT_EQ(Shell(std::string(kComplete) + "complete_line bpmpctl v"), "vm\n");
  EXPECT_EQ(Shell(std::string(kComplete) + "complete_line bpmpctl vm re"), "remove\nrelease\n");
  EXPECT_EQ(Shell(std::string(kComplete) + "complete_line bpmpctl --output ''"), "table\njson\n");
}

TEST(BashCompletion, IsRegistered) {
  EXPECT_THAT(Shell(std::string(kComplete) + "complete -p bpmpctl"), HasSubstr("-F _bpmpctl"));
}

TEST(OtherShells, AcceptTheirScripts) {
  if (Shell("command -v zsh fish").empty()) {
    GTEST_SKIP() << "neither zsh nor fish is here";
  }
  EXPECT_EQ(Shell("for s in zsh fish; do command -v $s >/dev/null && "
                  "{ bpmpctl completion $s | $s -n /dev/stdin || echo bad $s; }; done; true"),
            "");
}

TEST(Watch, EndsInOrderWithCtrlC) {
  FakeBroker broker;
  broker.watch_stays = true;
  broker.events.resize(1);
  broker.events[0].set_number(1);
  for (const int signal : {SIGINT, SIGTERM}) {
    Process watch({BPMPCTL, "--socket", broker.socket(), "watch", "-o", "json"});
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
  Process session({BPMPCTL, "--socket", broker.socket(), "session", "net-vm", "--stay"});
  EXPECT_EQ(session.ReadLine(), "session 7 of net-vm, epoch 0");
  session.Write("keep-alive\n");
  EXPECT_EQ(session.ReadLine(), "keep-alive: ok");
  session.CloseInput();
  session.Signal(SIGTERM);
  EXPECT_EQ(session.Wait(), 0);
}

TEST(Output, HasNoColoursInAPipe) {
  FakeBroker broker;
  Process list({BPMPCTL, "--socket", broker.socket(), "status"});
  EXPECT_EQ(list.ReadAll().find('\x1b'), std::string::npos);
  EXPECT_EQ(list.Wait(), 0);
}

}  // namespace
}  // namespace bpmp::ctl
