// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/sides.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
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

Bench::Bench(const std::string& broker, const std::string& echo, int vms)
    : broker_({broker, "--config", WriteConfig(directory_.path(), vms)},
              directory_.path() + "/broker.log", SocketsOf(directory_.path(), vms)),
      echo_({echo, directory_.path() + "/echo.sock"}, directory_.path() + "/echo.log",
            {directory_.path() + "/echo.sock"}) {}

}  // namespace bpmp::bench
