// SPDX-License-Identifier: Apache-2.0
// The arbiter on the simulated Tegra234, whose SET_RATE re-rates PLLs that several VMs' clocks
// share, and doesn't set them back by itself.
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "broker/backend/engine_fixture.h"
#include "broker/backend/sim/sim_backend.h"
#include "broker/core/core.h"
#include "broker/mrq/codec.h"
#include "gtest/gtest.h"

namespace bpmp::backend {
namespace {

constexpr ClockId kI2s1{56};
constexpr ClockId kI2s2{58};
constexpr ClockId kPlla{93};
constexpr VmId kA{1};
constexpr VmId kB{2};

mrq::ClkRequest Clk(mrq::ClkCmd cmd, ClockId clock, int64_t rate_hz = 0) {
  mrq::ClkRequest request;
  request.cmd = cmd;
  request.clock = clock;
  request.rate_hz = rate_hz;
  return request;
}

// Two VMs, each with an I2S clock of its own below plla. Every step is run to its end.
class SharedPllTest : public ::testing::Test {
 protected:
  void SetUp() override {
    core_ = MadeCore(&sim_,
                     {VmWithClocks("a", {"i2s1"}, core::Access::kExclusive),
                      VmWithClocks("b", {"i2s2"}, core::Access::kExclusive)},
                     &observer_);
    core::Effects effects;
    core_->Start(&effects);
    Run(std::move(effects));
  }

  mrq::Response Ask(VmId vm, const mrq::Request& request) {
    core::Call call;
    call.vm = vm;
    call.ticket = Ticket(++tickets_);
    call.request = request;
    core::Effects effects;
    const core::Decision decision = core_->Decide(call, &effects);
    answer_ = decision.response;
    Run(std::move(effects));
    return answer_;
  }
  void Release(VmId vm) {
    core::Effects effects;
    core_->Release(vm, &effects);
    Run(std::move(effects));
    EXPECT_FALSE(core_->IsReleasing(vm));
  }
  void Run(core::Effects effects) {
    std::deque<core::Transfer> waiting(effects.transfers.begin(), effects.transfers.end());
    Hear(effects);
    for (; !waiting.empty(); waiting.pop_front()) {
      const auto result = sim_.Transfer(waiting.front().request, absl::InfiniteFuture());
      core::Effects next;
      core_->Complete(waiting.front().id, core::OutcomeOf(result), &next);
      waiting.insert(waiting.end(), next.transfers.begin(), next.transfers.end());
      Hear(next);
    }
  }
  void Hear(const core::Effects& effects) {
    for (const core::Reply& reply : effects.replies) {
      if (reply.ticket == Ticket(tickets_)) answer_ = reply.response;
    }
  }
  int64_t Hardware(ClockId clock) {
    return sim_.WithModel([&](sim::TegraModel& model) {
      return *mrq::ReadRate(model.HostDoes(Clk(mrq::ClkCmd::kGetRate, clock)));
    });
  }
  int64_t Told(ClockId clock) { return core_->Status(core::Resource::Of(clock))->rate_hz; }

  sim::SimBackend sim_;
  core::Observer observer_;
  std::unique_ptr<core::Core> core_;
  uint64_t tickets_ = 0;
  mrq::Response answer_;
};

TEST_F(SharedPllTest, ARefusedChangeLeavesTheNeighbourAsItWas) {
  const int64_t pll = Hardware(kPlla);
  const int64_t neighbour = Hardware(kI2s2);
  ASSERT_TRUE(Ask(kA, Clk(mrq::ClkCmd::kEnable, kI2s1)).ok());
  ASSERT_TRUE(Ask(kB, Clk(mrq::ClkCmd::kEnable, kI2s2)).ok());
  for (const int64_t hz : {11'289'600, 22'579'200, 11'289'600}) {
    EXPECT_EQ(Ask(kA, Clk(mrq::ClkCmd::kSetRate, kI2s1, hz)), mrq::Fail(mrq::Error::kBusy)) << hz;
    EXPECT_EQ(Hardware(kPlla), pll);
    EXPECT_EQ(Hardware(kI2s2), neighbour);
    EXPECT_EQ(Told(kI2s2), neighbour);
  }
}

TEST_F(SharedPllTest, AReleaseSetsThePllAndItsOtherClocksBack) {
  const int64_t pll = Hardware(kPlla);
  const int64_t own = Hardware(kI2s1);
  const int64_t neighbour = Hardware(kI2s2);
  ASSERT_TRUE(Ask(kA, Clk(mrq::ClkCmd::kSetRate, kI2s1, 11'289'600)).ok());
  ASSERT_NE(Hardware(kPlla), pll) << "or this test shows nothing";
  Release(kA);
  EXPECT_EQ(Hardware(kPlla), pll);
  EXPECT_EQ(Hardware(kI2s1), own);
  EXPECT_EQ(Hardware(kI2s2), neighbour);
}

TEST_F(SharedPllTest, WhoRunsKeepsItsRateUntilItLeaves) {
  const int64_t pll = Hardware(kPlla);
  ASSERT_TRUE(Ask(kA, Clk(mrq::ClkCmd::kSetRate, kI2s1, 11'289'600)).ok());
  ASSERT_TRUE(Ask(kB, Clk(mrq::ClkCmd::kEnable, kI2s2)).ok());
  const int64_t running = Hardware(kI2s2);
  Release(kA);
  EXPECT_EQ(Hardware(kI2s2), running);
  Release(kB);
  EXPECT_EQ(Hardware(kPlla), pll);
}

}  // namespace
}  // namespace bpmp::backend
