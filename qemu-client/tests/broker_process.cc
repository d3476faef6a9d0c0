// SPDX-License-Identifier: Apache-2.0
#include "qemu-client/tests/broker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace bpmp::client {
namespace {

// Between fork and exec, where nothing but system calls is allowed.
[[noreturn]] void Become(char* const* arguments, int output) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execv(arguments[0], arguments);
  _exit(127);
}

pid_t Spawn(std::vector<std::string> arguments, int output) {
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) Become(pointers.data(), output);
  if (pid < 0) std::abort();
  return pid;
}

}  // namespace

int RunProgram(const std::vector<std::string>& arguments, std::string* output) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) std::abort();
  const pid_t pid = Spawn(arguments, pipe_ends[1]);
  close(pipe_ends[1]);
  char buffer[4096];
  for (ssize_t size = 0; (size = read(pipe_ends[0], buffer, sizeof(buffer))) > 0;) {
    output->append(buffer, static_cast<size_t>(size));
  }
  close(pipe_ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

BrokerProcess::BrokerProcess() : directory_("/tmp/bpmp-XXXXXX") {
  if (mkdtemp(directory_.data()) == nullptr) std::abort();
  std::ofstream(directory_ + "/broker.yaml") << "runtime_dir: " << directory_
                                             << "\nmetrics: {listen: \"off\"}\n"
                                                "vms:\n  - {name: a, devices: [uarta, vic]}\n";
  Start();
}

BrokerProcess::~BrokerProcess() {
  Kill();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void BrokerProcess::Start() {
  const std::string log = directory_ + "/log";
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  pid_ = Spawn({BPMP_BROKER_BINARY, "--config", directory_ + "/broker.yaml"}, output);
  close(output);
}

void BrokerProcess::Stop() {
  Signal(SIGTERM);
  WaitForEnd();
}

void BrokerProcess::Kill() {
  Signal(SIGKILL);
  WaitForEnd();
}

void BrokerProcess::Hang() {
  Signal(SIGSTOP);
  // Delivered to each of its threads in its own time.
  waitpid(pid_, nullptr, WUNTRACED);
}

void BrokerProcess::Resume() { Signal(SIGCONT); }

void BrokerProcess::Signal(int signal) {
  if (pid_ > 0) kill(pid_, signal);
}

void BrokerProcess::WaitForEnd() {
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace bpmp::client
