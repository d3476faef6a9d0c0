// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_BENCH_SIDES_H_
#define TESTS_BENCH_SIDES_H_

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "grpcpp/channel.h"
#include "tests/bench/process.h"
#include "tests/lib/temporary_directory.h"

namespace bpmp::bench {

// What couldn't be measured, and why. Thrown, and caught in main(), within this one program: the
// servers and their directory must go on every way out.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
[[noreturn]] void Fail(const std::string& what);
// What a benchmark's main() does with its measuring: 0, or 1 when it failed, which is said.
int Run(const char* program, const std::function<void()>& measure);

// One server and how to reach it as the n-th VM.
class Side {
 public:
  Side(const std::vector<std::string>& command, const std::string& log,
       std::vector<std::string> sockets);

  // Throws Failure where nobody answers.
  std::shared_ptr<grpc::Channel> Channel(size_t vm) const;
  const std::string& socket(size_t vm) const { return sockets_[vm % sockets_.size()]; }
  const Process& process() const { return process_; }

 private:
  Process process_;
  const std::vector<std::string> sockets_;
};

// While it lives, the machine's CPUs wait without sleeping. How long a CPU takes to wake, tens of
// microseconds in a virtual machine and on both sides, is no figure of ours, and hides those that
// are. Needs root; where it can't, it says so on standard error.
class CpusAwake {
 public:
  CpusAwake();
  ~CpusAwake();
  CpusAwake(const CpusAwake&) = delete;
  CpusAwake& operator=(const CpusAwake&) = delete;

 private:
  int fd_ = -1;
};

// While it lives, each CPU has something to do that gives way to everything else. A virtual
// machine's CPU halts as soon as it has nothing to do, and then every wake of a thread there is an
// interrupt through the host: tens of microseconds, paid as often as a server hands over from one
// thread to another. For figures of one request after the other; where all CPUs are busy anyway it
// would only disturb.
class CpusNeverHalt {
 public:
  CpusNeverHalt();
  ~CpusNeverHalt();
  CpusNeverHalt(const CpusNeverHalt&) = delete;
  CpusNeverHalt& operator=(const CpusNeverHalt&) = delete;

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> spinners_;
};

// How fast a VM may ask: as the daemon's defaults let it; or faster, where one VM asks more than a
// VM does, for one that is read more slowly costs timers and wakes that the echo hasn't.
enum class Rates { kDefaults, kUnlimited };

// The two servers, running, in a directory of their own.
class Bench {
 public:
  // `broker` and `echo` are the programs. Each VM may vote for one clock, which the host pins.
  Bench(const std::string& broker, const std::string& echo, int vms,
        Rates rates = Rates::kDefaults);

  const Side& broker() const { return broker_; }
  const Side& echo() const { return echo_; }
  std::string admin_socket() const { return directory_.path() + "/admin.sock"; }

 private:
  const testing::TemporaryDirectory directory_;
  const CpusAwake awake_;
  Side broker_;
  Side echo_;
};

// While it lives, the servers have one CPU and this process another, if there are two. For figures
// of one request after the other: else the kernel finds each thread a CPU, and what it finds weighs
// as much as what is measured, since waking a thread on another CPU of a virtual machine takes ten
// microseconds: 31 us for a request that all threads on one CPU take part in, 75 us on two.
class CpuEach {
 public:
  explicit CpuEach(const Bench& bench);
  ~CpuEach();
  CpuEach(const CpuEach&) = delete;
  CpuEach& operator=(const CpuEach&) = delete;
};

}  // namespace bpmp::bench

#endif  // TESTS_BENCH_SIDES_H_
