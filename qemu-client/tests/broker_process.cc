// SPDX-License-Identifier: Apache-2.0
#include "qemu-client/tests/broker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/lib/spawn.h"

namespace bpmp::client {
int RunProgram(const std::vector<std::string>& arguments, std::string* output) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) std::abort();
  const pid_t pid = testing::Spawn(arguments, pipe_ends[1]);
  if (pid < 0) std::abort();
  close(pipe_ends[1]);
  char buffer[4096];
  for (ssize_t size = 0; (size = read(pipe_ends[0], buffer, sizeof(buffer))) > 0;) {
    output->append(buffer, static_cast<size_t>(size));
  }
  close(pipe_ends[0]);
  return testing::WaitForEnd(pid);
}

BrokerProcess::BrokerProcess(const std::string& devices) {
  std::ofstream(directory_.path() + "/broker.yaml") << "runtime_dir: " << directory_.path()
                                                    << "\nmetrics: {listen: \"off\"}\n"
                                                       "vms:\n  - {name: a, devices: ["
                                                    << devices << "]}\n";
  Start();
}

BrokerProcess::~BrokerProcess() { Kill(); }

void BrokerProcess::Start() {
  const std::string log = directory_.path() + "/log";
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  pid_ =
      testing::Spawn({BPMP_BROKER_BINARY, "--config", directory_.path() + "/broker.yaml"}, output);
  if (pid_ < 0) std::abort();
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

std::string BrokerProcess::Log() const {
  std::ifstream log(directory_.path() + "/log");
  return {std::istreambuf_iterator<char>(log), {}};
}

void BrokerProcess::WaitUntilLogged(const std::string& text) const {
  WaitUntilLog([&](const std::string& log) { return log.find(text) != std::string::npos; });
}

void BrokerProcess::WaitUntilLog(const std::function<bool(const std::string& log)>& wanted) const {
  // A file can't be waited for; nothing depends on how often it is looked at.
  while (!wanted(Log())) poll(nullptr, 0, 20);
}

void BrokerProcess::Signal(int signal) {
  if (pid_ > 0) kill(pid_, signal);
}

void BrokerProcess::WaitForEnd() {
  if (pid_ > 0) testing::WaitForEnd(pid_);
  pid_ = -1;
}

}  // namespace bpmp::client
