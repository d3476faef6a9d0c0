// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/tool_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace bpmp::ctl {
namespace {

void Check(bool ok, const char* what) {
  if (!ok) {
    std::perror(what);
    std::abort();
  }
}

}  // namespace

ToolProcess::ToolProcess(std::vector<std::string> arguments) {
  int in[2];
  int out[2];
  Check(::pipe2(in, O_CLOEXEC) == 0 && ::pipe2(out, O_CLOEXEC) == 0, "pipe2");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  Check(::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ) == 0, argv[0]);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  in_ = in[1];
  out_ = out[0];
}

ToolProcess::~ToolProcess() {
  if (pid_ > 0) {
    Signal(SIGKILL);
    Wait();
  }
  CloseInput();
  ::close(out_);
}

void ToolProcess::Write(const std::string& text) {
  Check(::write(in_, text.data(), text.size()) == static_cast<ssize_t>(text.size()), "write");
}

void ToolProcess::CloseInput() {
  if (in_ >= 0) {
    ::close(std::exchange(in_, -1));
  }
}

std::string ToolProcess::ReadLine() {
  std::string line;
  char c = 0;
  while (::read(out_, &c, 1) == 1 && c != '\n') {
    line += c;
  }
  return line;
}

std::string ToolProcess::ReadAll() {
  std::string text;
  char chunk[4096];
  for (ssize_t got = 0; (got = ::read(out_, chunk, sizeof(chunk))) > 0;) {
    text.append(chunk, static_cast<size_t>(got));
  }
  return text;
}

void ToolProcess::Signal(int signal) { ::kill(pid_, signal); }

int ToolProcess::Wait() {
  int status = 0;
  Check(::waitpid(std::exchange(pid_, -1), &status, 0) > 0, "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace bpmp::ctl
