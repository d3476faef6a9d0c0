// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/sides.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "tests/bench/guest_client.h"

namespace bpmp::bench {
namespace {

std::string WriteConfig(const std::string& dir, int vms) {
  std::ofstream config(dir + "/broker.yaml");
  config << "runtime_dir: " << dir
         << "\nmetrics: {listen: \"off\"}\npins: [{clock: uarta}]\nvms:\n";
  for (int vm = 0; vm < vms; ++vm) {
    config << "  - {name: vm" << vm << ", clocks: [{name: uarta, access: vote}]}\n";
  }
  return dir + "/broker.yaml";
}

std::vector<std::string> SocketsOf(const std::string& dir, int vms) {
  std::vector<std::string> sockets;
  sockets.reserve(static_cast<size_t>(vms));
  for (int vm = 0; vm < vms; ++vm) {
    sockets.push_back(dir + "/vms/vm" + std::to_string(vm) + ".sock");
  }
  return sockets;
}

// The CPUs that this process may use.
std::vector<int> Cpus() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  }
  return cpus;
}

// Makes the calling thread stay on `cpu`, and run only when nobody else wants to. False: it can't,
// and must not be in the others' way.
bool GiveWayOn(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  const sched_param parameters = {};
  if (pthread_setaffinity_np(pthread_self(), sizeof(one), &one) == 0 &&
      pthread_setschedparam(pthread_self(), SCHED_IDLE, &parameters) == 0) {
    return true;
  }
  std::fprintf(stderr, "a CPU may halt between requests: figures vary more\n");
  return false;
}

}  // namespace

void Fail(const std::string& what) { throw Failure(what); }

int Run(const char* program, const std::function<void()>& measure) {
  try {
    measure();
  } catch (const Failure& failure) {
    std::fprintf(stderr, "%s: %s\n", program, failure.what());
    return 1;
  }
  return 0;
}

Side::Side(const std::vector<std::string>& command, const std::string& log,
           std::vector<std::string> sockets)
    : process_(command, log), sockets_(std::move(sockets)) {}

std::shared_ptr<grpc::Channel> Side::Channel(size_t vm) const {
  auto channel = Connect(socket(vm));
  if (channel == nullptr) Fail("can't connect to " + socket(vm));
  return channel;
}

CpusAwake::CpusAwake() : fd_(open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC)) {
  const int32_t microseconds = 0;  // the longest wake that we tolerate
  if (fd_ < 0 || write(fd_, &microseconds, sizeof(microseconds)) != sizeof(microseconds)) {
    std::fprintf(stderr, "the CPUs may sleep between requests (not root?): figures vary more\n");
  }
}

CpusAwake::~CpusAwake() {
  if (fd_ >= 0) close(fd_);
}

CpusNeverHalt::CpusNeverHalt() {
  for (const int cpu : Cpus()) {
    spinners_.emplace_back([this, cpu] {
      const bool spin = GiveWayOn(cpu);
      while (spin && !stop_.load(std::memory_order_relaxed)) {
      }
    });
  }
}

CpusNeverHalt::~CpusNeverHalt() {
  stop_ = true;
  for (std::thread& spinner : spinners_) spinner.join();
}

Bench::Bench(const std::string& broker, const std::string& echo, int vms)
    : broker_({broker, "--config", WriteConfig(directory_.path(), vms)},
              directory_.path() + "/broker.log", SocketsOf(directory_.path(), vms)),
      echo_({echo, directory_.path() + "/echo.sock"}, directory_.path() + "/echo.log",
            {directory_.path() + "/echo.sock"}) {}

}  // namespace bpmp::bench
