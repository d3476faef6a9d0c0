// SPDX-License-Identifier: Apache-2.0
#include "broker/core/testing/board.h"

#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "broker/mrq/types.h"

namespace bpmp::core::testing {
namespace {

using mrq::clk_flag::kHasMux;
using mrq::clk_flag::kHasSetRate;
using mrq::clk_flag::kIsRoot;

class ClockBuilder {
 public:
  ClockBuilder() : clocks_(kClockCount) {}

  // `parents` begins with the current one; none for a root.
  void Add(ClockId id, const char* name, uint32_t flags, int64_t mhz,
           std::vector<ClockId> parents) {
    ClockInfo& clock = clocks_[id.value()];
    clock.name = name;
    clock.flags = flags;
    clock.rate_hz = mhz * kMHz;
    if (!parents.empty()) clock.parent = parents.front();
    clock.parents = std::move(parents);
  }
  std::vector<ClockInfo> Take() { return std::move(clocks_); }

 private:
  std::vector<ClockInfo> clocks_;
};

std::vector<ClockInfo> MakeClocks() {
  constexpr uint32_t kMux = kHasMux | kHasSetRate;
  const std::vector<ClockId> slow = {kPllADiv, kPllBDiv, kClkM};
  const std::vector<ClockId> fast = {kPllB, kPllADiv, kClkM};
  ClockBuilder add;
  add.Add(kOsc, "osc", kIsRoot, 38, {});
  add.Add(kClkM, "clk_m", kIsRoot, 19, {});
  add.Add(kPllA, "plla", kHasSetRate, 400, {kOsc});
  add.Add(kPllB, "pllb", kHasSetRate, 600, {kOsc});
  add.Add(kPllADiv, "plla_div", kHasSetRate, 200, {kPllA});
  add.Add(kPllBDiv, "pllb_div", kHasSetRate, 300, {kPllB});
  add.Add(kPllAGate, "plla_gate", 0, 200, {kPllADiv});
  add.Add(kUart, "uart", kMux, kUartBootRate / kMHz, slow);
  add.Add(kSpi, "spi", kMux, 50, slow);
  add.Add(kI2c, "i2c", kMux, 40, slow);
  add.Add(kCan0, "can0", kHasSetRate, 19, {kClkM});
  add.Add(kCan1, "can1", kHasSetRate, 19, {kClkM});
  add.Add(kEthApp, "eth_app", kHasSetRate, 100, {kPllADiv});
  add.Add(kEthTx, "eth_tx", 0, 300, {kPllBDiv});
  add.Add(kEthRx, "eth_rx", 0, 300, {kPllBDiv});
  add.Add(kGpu, "gpu", kHasSetRate, 500, {kPllB});
  add.Add(kGpuSys, "gpu_sys", 0, 200, {kPllAGate});
  add.Add(kVic, "vic", kMux, 150, fast);
  add.Add(kNvdec, "nvdec", kMux, 150, fast);
  add.Add(kFuse, "fuse", 0, 19, {kClkM});
  add.Add(kBus, "bus", kHasSetRate, 60, {kPllBDiv});
  add.Add(kLink, "link", kHasSetRate, 60, {kPllBDiv});
  add.Add(kLane, "lane", kHasSetRate, 60, {kPllBDiv});
  add.Add(kFound, "found", kHasSetRate, 10, {kClkM});
  return add.Take();
}

Inventory MakeInventory() {
  Inventory inventory;
  inventory.fw_tag = "test-fw";
  inventory.clocks = MakeClocks();
  inventory.clocks[kFound.value()].found_on = true;
  for (const char* name : {"eth", "gpu", "video", "spare"}) {
    DomainInfo domain;
    domain.name = name;
    inventory.domains.push_back(domain);
  }
  inventory.domains[kGpuDomain.value()].found_on = true;
  inventory.max_reset_id = kResetCount - 1;
  return inventory;
}

Device MakeDevice(const char* name, std::vector<ClockId> clocks, std::vector<ResetId> resets,
                  std::vector<DomainId> domains) {
  Device device;
  device.names = {name};
  device.clocks = std::move(clocks);
  device.resets = std::move(resets);
  device.domains = std::move(domains);
  return device;
}

Profile MakeProfile() {
  std::vector<Device> devices;
  devices.push_back(MakeDevice("uart", {kUart}, {kUartReset}, {}));
  devices.push_back(MakeDevice("spi", {kSpi}, {kSpiReset}, {}));
  devices.push_back(
      MakeDevice("eth", {kEthApp, kEthTx, kEthRx, kFuse}, {kEthReset, kEthPcsReset}, {kEthDomain}));
  devices.push_back(MakeDevice("gpu", {kGpu, kGpuSys, kFuse}, {kGpuReset}, {kGpuDomain}));
  devices.push_back(MakeDevice("vic", {kVic}, {kVideoReset}, {kVideoDomain}));
  devices.push_back(MakeDevice("nvdec", {kNvdec}, {kVideoReset}, {kVideoDomain}));
  devices.push_back(MakeDevice("can0", {kCan0}, {}, {}));
  devices.push_back(MakeDevice("can1", {kCan1}, {}, {}));
  return Profile("test", std::move(devices),
                 {{"uart", kUartReset},
                  {"spi", kSpiReset},
                  {"eth", kEthReset},
                  {"eth_pcs", kEthPcsReset},
                  {"gpu", kGpuReset},
                  {"video", kVideoReset}});
}

VmSpec MakeVm(const char* name, const char* device) {
  VmSpec vm;
  vm.name = name;
  if (device != nullptr) {
    DeviceGrant grant;
    grant.device = device;
    vm.devices.push_back(grant);
  }
  return vm;
}

ResourceGrant Grant(const char* resource, Access access) {
  ResourceGrant grant;
  grant.resource = resource;
  grant.access = access;
  return grant;
}

ClockRule Rule(const char* clock, RatePolicy policy) {
  ClockRule rule;
  rule.clock = clock;
  rule.policy = policy;
  return rule;
}

PolicySpec MakeSpec() {
  PolicySpec spec;
  spec.vms = {MakeVm("uart-vm", "uart"), MakeVm("spi-vm", "spi"),   MakeVm("eth-vm", "eth"),
              MakeVm("gpu-vm", "gpu"),   MakeVm("vic-vm", "vic"),   MakeVm("nvdec-vm", "nvdec"),
              MakeVm("can0-vm", "can0"), MakeVm("can1-vm", "can1"), MakeVm("guest-vm", nullptr)};
  const auto vm = [&spec](VmId id) -> VmSpec& { return spec.vms[id.value() - 1]; };
  vm(kSpiVm).clocks.push_back(Grant("uart", Access::kVote));
  for (const VmId id : {kCan0Vm, kCan1Vm}) {
    for (const char* clock : {"bus", "link", "lane", "i2c"}) {
      vm(id).clocks.push_back(Grant(clock, Access::kVote));
    }
  }
  vm(kGuestVm).clocks.push_back(Grant("uart", Access::kGet));
  spec.clock_rules = {Rule("bus", RatePolicy::kMax), Rule("link", RatePolicy::kFirst),
                      Rule("lane", RatePolicy::kRange), Rule("i2c", RatePolicy::kFixed)};
  spec.shared_resets = {Grant("video", Access::kNone)};
  return spec;
}

}  // namespace

Board MakeBoard() { return {MakeInventory(), MakeProfile(), MakeSpec()}; }

Board PairBoard() {
  Board board = MakeBoard();
  board.spec.vms[kNvdecVm.value() - 1].clocks.push_back(Grant("vic", Access::kVote));
  return board;
}

Policy CompileOrDie(const Board& board) {
  absl::StatusOr<Policy> policy = Compile(board.spec, board.profile, board.inventory, nullptr);
  if (!policy.ok()) {
    std::fprintf(stderr, "the test's board: %s\n", policy.status().ToString().c_str());
    std::abort();
  }
  return *std::move(policy);
}

}  // namespace bpmp::core::testing
