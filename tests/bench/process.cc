// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/lib/spawn.h"

namespace bpmp::bench {

Process::Process(const std::vector<std::string>& arguments, const std::string& log) {
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  pid_ = testing::Spawn(arguments, output);
  close(output);
}

Process::~Process() {
  if (pid_ < 0) return;  // it couldn't even be started
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

double Process::CpuSeconds() const {
  clockid_t clock = 0;
  timespec spent = {};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &spent) != 0) return 0;
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
}

double Process::ResidentMiB() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  std::string word;
  while (status >> word) {
    if (word != "VmRSS:") continue;
    double kib = 0;
    status >> kib;
    return kib / 1024;
  }
  return 0;
}

}  // namespace bpmp::bench
