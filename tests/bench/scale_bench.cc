// SPDX-License-Identifier: Apache-2.0
// The broker with 1,024 VMs, each with its session and a clock of it on: what a session takes in
// time and memory, how quickly each is answered, and how long the administrator's questions take.
// Lines without targets (PrintPart).
//
//   scale_bench BROKER ECHO-SERVER
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bpmp/v1/admin.grpc.pb.h"
#include "broker/mrq/types.h"
#include "tests/bench/figures.h"
#include "tests/bench/guest_client.h"
#include "tests/bench/sides.h"

namespace bpmp::bench {
namespace {

constexpr int kVms = 1024;
constexpr int kRounds = 20;

class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

v1::MrqRequest Clk(mrq::ClkCmd command) {
  mrq::ClkRequest request;
  request.cmd = command;
  request.clock = ClockId(155);
  return Encode(request);
}

void Must(const grpc::Status& status) {
  if (!status.ok()) Fail(status.error_message());
}

std::vector<std::unique_ptr<LockStep>> OpenAll(const Side& broker) {
  std::vector<std::unique_ptr<LockStep>> vms;
  const Stopwatch watch;
  for (size_t vm = 0; vm < kVms; ++vm) {
    vms.push_back(std::make_unique<LockStep>(broker.Channel(vm)));
    if (!vms.back()->Ask(Clk(mrq::ClkCmd::kEnable))) Fail(vms.back()->error());
  }
  PrintPart("1024 VMs: a session and its first request", watch.Seconds() * 1e3 / kVms, "ms");
  return vms;
}

void AskAll(const std::vector<std::unique_ptr<LockStep>>& vms) {
  std::vector<double> micros;
  for (int round = 0; round < kRounds; ++round) {
    for (const auto& vm : vms) {
      if (!vm->Time(Clk(mrq::ClkCmd::kIsEnabled), 1, &micros)) Fail(vm->error());
    }
  }
  PrintPart("1024 VMs: IS_ENABLED p50, one VM after the other", Median(micros), "us");
  PrintPart("1024 VMs: IS_ENABLED p99, one VM after the other", Quantile(micros, 0.99), "us");
}

void Administrate(v1::Admin::Stub* admin) {
  {
    const Stopwatch watch;
    grpc::ClientContext context;
    v1::ListVmsResponse vms;
    Must(admin->ListVms(&context, {}, &vms));
    if (vms.vms_size() != kVms) Fail("the broker lists another number of VMs");
    PrintPart("1024 VMs: bpmpctl vm list", watch.Seconds() * 1e3, "ms");
  }
  const Stopwatch watch;
  grpc::ClientContext context;
  v1::ReloadPolicyRequest request;
  request.set_dry_run(true);
  v1::ReloadPolicyResponse response;
  Must(admin->ReloadPolicy(&context, request, &response));
  PrintPart("1024 VMs: bpmpctl policy diff", watch.Seconds() * 1e3, "ms");
}

void Measure(const std::string& broker_program, const std::string& echo_program) {
  const Bench bench(broker_program, echo_program, kVms);
  const auto channel = Connect(bench.broker().socket(0));
  if (channel == nullptr) Fail("the broker doesn't start");
  const double before = bench.broker().process().ResidentMiB();
  const auto vms = OpenAll(bench.broker());
  PrintPart("1024 VMs: resident memory of the broker for each session",
            (bench.broker().process().ResidentMiB() - before) * 1024 / kVms, "KiB");
  AskAll(vms);
  const auto admin = v1::Admin::NewStub(Connect(bench.admin_socket()));
  Administrate(admin.get());
}

}  // namespace
}  // namespace bpmp::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: scale_bench BROKER ECHO-SERVER\n");
    return 2;
  }
  return bpmp::bench::Run("scale_bench", [argv] { bpmp::bench::Measure(argv[1], argv[2]); });
}
