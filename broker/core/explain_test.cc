// SPDX-License-Identifier: Apache-2.0
// Explain() says beforehand what Decide() would answer, and says it in words.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/mrq/codec.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using Fate = FakeBackend::Fate;
using Setup = std::function<void(Rig*)>;

const std::vector<mrq::ClkCmd> kClkCommands = {
    mrq::ClkCmd::kGetRate,     mrq::ClkCmd::kSetRate,       mrq::ClkCmd::kRoundRate,
    mrq::ClkCmd::kGetParent,   mrq::ClkCmd::kSetParent,     mrq::ClkCmd::kIsEnabled,
    mrq::ClkCmd::kEnable,      mrq::ClkCmd::kDisable,       mrq::ClkCmd::kGetAllInfo,
    mrq::ClkCmd::kGetMaxClkId, mrq::ClkCmd::kGetFmaxAtVmin, mrq::ClkCmd{9}};
const std::vector<ClockId> kClocks = {kUart,
                                      kPllADiv,
                                      kGpu,
                                      kVic,
                                      kFuse,
                                      kBus,
                                      kLink,
                                      kLane,
                                      kI2c,
                                      kHole,
                                      ClockId(0),
                                      ClockId(kClockCount),
                                      ClockId(0xffffff)};
const std::vector<ResetId> kResets = {kUartReset, kVideoReset, ResetId(0), ResetId(kResetCount)};
const std::vector<DomainId> kDomains = {kEthDomain, kGpuDomain, kVideoDomain, kSpareDomain,
                                        DomainId(kDomainCount)};
const std::vector<VmId> kVms = {kHost,    kUartVm, kSpiVm,  kEthVm,   kGpuVm,       kVicVm,
                                kNvdecVm, kCan0Vm, kCan1Vm, kGuestVm, VmId(kAgents)};

void AddClockRequests(std::vector<mrq::Request>* all) {
  for (const mrq::ClkCmd cmd : kClkCommands) {
    for (const ClockId clock : kClocks) {
      if (cmd == mrq::ClkCmd::kSetParent) {
        for (const ClockId parent : {kPllADiv, kPllBDiv, kClkM, kHole}) {
          all->push_back(Clk(cmd, clock, 0, parent));
        }
      } else if (cmd == mrq::ClkCmd::kSetRate || cmd == mrq::ClkCmd::kRoundRate) {
        for (const int64_t hz : {int64_t{-1}, int64_t{0}, 20 * kMHz, kUartBootRate, 90 * kMHz}) {
          all->push_back(Clk(cmd, clock, hz));
        }
      } else {
        all->push_back(Clk(cmd, clock));
      }
    }
  }
}

// Every kind of request, of ids that are there, that are holes and that are beyond the last.
std::vector<mrq::Request> AllRequests() {
  std::vector<mrq::Request> all = {
      mrq::PingRequest{false, 1},   mrq::PingRequest{true, 1},   mrq::QueryAbiRequest{22},
      mrq::QueryAbiRequest{75},     mrq::QueryFwTagRequest{},    mrq::ThermalRequest{},
      mrq::EmcDvfsLatencyRequest{}, mrq::CpuNdivLimitsRequest{}, mrq::UphyRequest{}};
  AddClockRequests(&all);
  for (const uint32_t number : {0u, 1u, 5u, 8u, 11u, 40u}) {
    for (uint32_t cmd : {0u, 1u, 3u, 4u}) {
      all.push_back(Thermal(static_cast<mrq::ThermalCmd>(cmd), number));
    }
    const PcieControllerId controller(number);
    for (const auto& request :
         {PcieOn(controller), PllOn(controller), PllOff(controller), PcieOff(controller)}) {
      all.push_back(request);
    }
  }
  for (const ResetId reset : kResets) {
    for (uint32_t cmd = 1; cmd <= 4; ++cmd) {
      all.push_back(mrq::ResetRequest{static_cast<mrq::ResetCmd>(cmd), reset});
    }
  }
  for (const DomainId domain : kDomains) {
    for (uint32_t cmd = 0; cmd <= 5; ++cmd) {
      for (const uint32_t arg : {0u, 1u, 2u, 3u, 4u, 5u, 7u}) {
        all.push_back(Pg(static_cast<mrq::PgCmd>(cmd), domain, arg));
      }
    }
  }
  return all;
}

// --- Situations ---

void OthersHold(Rig* rig) {
  for (const auto& [vm, request] :
       std::vector<std::pair<VmId, mrq::Request>>{{kSpiVm, Enable(kUart)},
                                                  {kSpiVm, Enable(kPllADiv)},
                                                  {kVicVm, Enable(kVic)},
                                                  {kVicVm, PowerOn(kVideoDomain)},
                                                  {kVicVm, Deassert(kVideoReset)},
                                                  {kCan0Vm, Enable(kBus)},
                                                  {kCan0Vm, SetRate(kBus, 70 * kMHz)},
                                                  {kCan0Vm, SetRate(kLink, 30 * kMHz)},
                                                  {kCan1Vm, SetRate(kLane, 40 * kMHz)},
                                                  {kGpuVm, PowerOn(kGpuDomain)}}) {
    EXPECT_EQ(rig->Error(vm, request), 0) << mrq::Describe(request);
  }
}

void HostPins(Rig* rig) {
  rig->Call(kHost, Enable(kUart));
  rig->Call(kHost, SetRate(kUart, 30 * kMHz));
  rig->Call(kHost, PowerOn(kVideoDomain));
  rig->Call(kUartVm, GetInfo(kUart));  // which relies on the pin from now on
}

// uart, video's shared reset and its domain are kept for those whose release failed on them.
void Quarantine(Rig* rig) {
  rig->Call(kSpiVm, Enable(kUart));
  rig->Call(kVicVm, PowerOn(kVideoDomain));
  rig->Call(kVicVm, Deassert(kVideoReset));
  for (const VmId vm : {kSpiVm, kVicVm}) {
    rig->Release(vm);
    while (rig->in_flight() > 0) rig->End(Fate::kRefused, mrq::Error::kIo);
  }
  EXPECT_EQ(rig->core().Quarantined().size(), 3u);
}

void InFlight(Rig* rig) {
  rig->Ask(kSpiVm, Enable(kUart));
  rig->Ask(kUartVm, SetRate(kUart, 20 * kMHz));
  rig->Ask(kVicVm, PowerOn(kVideoDomain));
  rig->Ask(kVicVm, Deassert(kVideoReset));
  EXPECT_GT(rig->in_flight(), 0u);
}

void Deleted(Rig* rig) {
  PolicySpec spec = MakeBoard().spec;
  spec.vms.erase(spec.vms.begin());  // uart-vm
  EXPECT_TRUE(rig->Install(spec).ok());
}

Board Plain() {
  Board board = MakeBoard();
  board.spec.vms[kCan0Vm.value() - 1].rate_limits = {{"lane", 50 * kMHz, 80 * kMHz, {}}};
  board.spec.vms[kCan1Vm.value() - 1].rate_limits = {{"lane", 10 * kMHz, 45 * kMHz, {}}};
  VmSpec& uart = board.spec.vms[kUartVm.value() - 1];
  uart.thermal_zones = {{0, {}}, {8, {}}};
  uart.pcie_controllers = {{5, {}}};
  board.spec.vms[kSpiVm.value() - 1].pcie_controllers = {{1, {}}};
  board.spec.vms[kSpiVm.value() - 1].emc_latency = true;
  return board;
}

Board Hiding() {
  Board board = Plain();
  for (VmSpec& vm : board.spec.vms) vm.hide_ids = true;
  return board;
}

// Asks everything of everybody, and asks Explain() first each time.
void ExpectAgreement(const std::function<Board()>& board, const Setup& setup) {
  const std::vector<mrq::Request> requests = AllRequests();
  std::unique_ptr<Rig> rig;
  for (const VmId vm : kVms) {
    for (const mrq::Request& request : requests) {
      if (rig == nullptr) {
        rig = std::make_unique<Rig>(board());
        setup(rig.get());
      }
      const size_t changes = rig->observer().changes.size();
      const Explanation said = rig->core().Explain(vm, request);
      const Ticket ticket = rig->Ask(vm, request);
      const Exchange& done = rig->Of(ticket);
      const bool at_once = done.kind == Decision::Kind::kReply;
      const std::string what =
          mrq::Describe(request) + " of vm " + std::to_string(vm.value()) + ": " + said.text;
      EXPECT_EQ(said.error, at_once ? done.answer->error : 0) << what;
      EXPECT_TRUE(!at_once || said.reason == done.reason) << what;
      EXPECT_FALSE(said.text.empty());
      if (!at_once || rig->observer().changes.size() != changes) rig.reset();
    }
  }
}

TEST(ExplainAgrees, AtRest) {
  ExpectAgreement(Plain, [](Rig*) {});
}
TEST(ExplainAgrees, WhileOthersHold) { ExpectAgreement(Plain, OthersHold); }
TEST(ExplainAgrees, WhileTheHostPins) { ExpectAgreement(Plain, HostPins); }
TEST(ExplainAgrees, AfterFailedReleases) { ExpectAgreement(Plain, Quarantine); }
TEST(ExplainAgrees, WhileTransfersFly) { ExpectAgreement(Plain, InFlight); }
TEST(ExplainAgrees, OfAVmThatIsGone) { ExpectAgreement(Plain, Deleted); }
TEST(ExplainAgrees, WithHiddenNames) { ExpectAgreement(Hiding, OthersHold); }

}  // namespace
}  // namespace bpmp::core::testing
