// SPDX-License-Identifier: Apache-2.0
// How many requests a second the core decides and commits on one thread, when no hardware edge is
// needed: what most of a guest's requests are. No locks, no gRPC.
#include <time.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/policy.h"
#include "tests/bench/figures.h"

namespace bpmp::bench {
namespace {

constexpr uint32_t kClocks = 477;
constexpr uint32_t kVms = 8;
constexpr int kRounds = 2'000'000;
constexpr int kRepeats = 7;

// A chain of roots and leaves, all pinned by the host so that no vote makes an edge.
core::Inventory MakeInventory() {
  core::Inventory inventory;
  inventory.fw_tag = "bench";
  inventory.clocks.resize(kClocks);
  inventory.max_reset_id = 173;
  for (uint32_t id = 1; id < kClocks; ++id) {
    core::ClockInfo& clock = inventory.clocks[id];
    clock.name = "clock" + std::to_string(id);
    clock.rate_hz = 1'000'000;
    clock.found_on = true;
    if (id > 8) {
      clock.parent = ClockId(id % 8 + 1);
      clock.parents = {*clock.parent};
    }
  }
  return inventory;
}

core::PolicySpec MakeSpec() {
  core::PolicySpec spec;
  for (uint32_t i = 0; i < kVms; ++i) {
    core::VmSpec vm;
    vm.name = "vm" + std::to_string(i);
    for (uint32_t id = 9; id < kClocks; ++id) {
      core::ResourceGrant grant;
      grant.resource = std::to_string(id);
      grant.access = core::Access::kVote;
      vm.clocks.push_back(grant);
    }
    spec.vms.push_back(std::move(vm));
  }
  return spec;
}

// Of this thread, in seconds: what others on the machine do with it doesn't count.
double CpuTime() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Requests per second of one pass, nothing where some weren't answered as they must be: ENABLE,
// IS_ENABLED, ENABLE again, DISABLE over VMs and clocks.
std::optional<double> Pass(core::Core* core) {
  constexpr mrq::ClkCmd kCommands[] = {mrq::ClkCmd::kEnable, mrq::ClkCmd::kIsEnabled,
                                       mrq::ClkCmd::kEnable, mrq::ClkCmd::kDisable};
  core::Effects effects;
  core::Call call;
  mrq::ClkRequest request;
  int64_t wrong = 0;
  const double begin = CpuTime();
  for (int i = 0; i < kRounds; ++i) {
    const auto step = static_cast<uint32_t>(i);
    request.cmd = kCommands[step % 4];
    request.clock = ClockId(9 + step / 4 % (kClocks - 9));
    call.vm = VmId(1 + step / 4 % kVms);
    call.ticket = Ticket(step + 1);
    call.request = request;
    const core::Decision decision = core->Decide(call, &effects);
    wrong += decision.kind != core::Decision::Kind::kReply || decision.response.error != 0;
  }
  const double took = CpuTime() - begin;
  if (wrong != 0 || !effects.transfers.empty()) {
    std::fprintf(stderr, "core_bench: %lld requests were not answered at once\n",
                 static_cast<long long>(wrong));
    return std::nullopt;
  }
  return kRounds / took;
}

int Measure() {
  core::Inventory inventory = MakeInventory();
  const core::Profile profile;
  auto policy = core::Compile(MakeSpec(), profile, inventory, nullptr);
  if (!policy.ok()) {
    std::fprintf(stderr, "core_bench: %s\n", policy.status().ToString().c_str());
    return 1;
  }
  core::Observer observer;
  core::Core core(std::move(inventory), profile, *std::move(policy), &observer);
  core::Effects effects;
  core.Start(&effects);
  std::vector<double> rates;
  for (int i = 0; i < kRepeats; ++i) {
    const std::optional<double> rate = Pass(&core);
    if (!rate.has_value()) return 1;
    rates.push_back(*rate);
  }
  Print({"core decide+commit, no edge, one thread", Median(rates) / 1e6, "million/s", false, 5});
  return 0;
}

}  // namespace
}  // namespace bpmp::bench

// Nobody is there to catch what the standard library throws when memory ends.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main() { return bpmp::bench::Measure(); }
