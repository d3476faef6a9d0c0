// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/sides.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
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

std::string WriteConfig(const std::string& dir, int vms, Rates rates) {
  std::ofstream config(dir + "/broker.yaml");
  config << "runtime_dir: " << dir << "\n";
  if (rates == Rates::kUnlimited) {
    // The most that the configuration takes.
    config << "limits: {requests_per_second: 10000000, burst: 10000000}\n";
  }
  config << "metrics: {listen: \"off\"}\npins: [{clock: uarta}]\nvms:\n";
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

// The CPUs that this process may use, or might before CpuEach.
const std::vector<int>& Cpus() {
  static const std::vector<int> cpus = [] {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    std::vector<int> found;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return found;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &allowed)) found.push_back(cpu);
    }
    return found;
  }();
  return cpus;
}

// Lets the threads that a process has, and those that they start, run only on `cpus`.
void Confine(const std::string& process, const std::vector<int>& cpus) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  for (const int cpu : cpus) CPU_SET(cpu, &allowed);
  std::error_code error;
  std::filesystem::directory_iterator task("/proc/" + process + "/task", error);
  for (; !error && task != std::filesystem::directory_iterator(); task.increment(error)) {
    const pid_t thread = std::stoi(task->path().filename());
    // One that has ended meanwhile needn't be.
    if (sched_setaffinity(thread, sizeof(allowed), &allowed) != 0 && errno != ESRCH) {
      std::fprintf(stderr, "threads can't be kept on a CPU: figures vary more\n");
      return;
    }
  }
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

Bench::Bench(const std::string& broker, const std::string& echo, int vms, Rates rates)
    : broker_({broker, "--config", WriteConfig(directory_.path(), vms, rates)},
              directory_.path() + "/broker.log", SocketsOf(directory_.path(), vms)),
      echo_({echo, directory_.path() + "/echo.sock"}, directory_.path() + "/echo.log",
            {directory_.path() + "/echo.sock"}) {}

CpuEach::CpuEach(const Bench& bench) {
  const std::vector<int>& cpus = Cpus();
  if (cpus.size() < 2) {
    std::fprintf(stderr, "the servers and their clients share one CPU\n");
    return;
  }
  Confine(std::to_string(bench.broker().process().pid()), {cpus[1]});
  Confine(std::to_string(bench.echo().process().pid()), {cpus[1]});
  Confine("self", {cpus[0]});
}

CpuEach::~CpuEach() { Confine("self", Cpus()); }

}  // namespace bpmp::bench
