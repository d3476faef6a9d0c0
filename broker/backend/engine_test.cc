// SPDX-License-Identifier: Apache-2.0
// The engine with real threads on the simulated BPMP; TSan runs it too.
#include "broker/backend/engine.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker/backend/engine_fixture.h"
#include "broker/backend/sim/sim_backend.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::backend {
namespace {

constexpr ClockId kUarta{155};
constexpr ClockId kFuse{40};
constexpr VmId kFirst{1};
constexpr absl::Duration kPatient = absl::Hours(1);

mrq::ClkRequest Clk(mrq::ClkCmd cmd, ClockId clock = kUarta) {
  mrq::ClkRequest request;
  request.cmd = cmd;
  request.clock = clock;
  return request;
}

// An engine with `vms` VMs that may all vote on uarta and fuse.
class EngineTest : public ::testing::Test {
 protected:
  void Start(int vms, absl::Duration request_timeout = kPatient,
             absl::Duration transfer_timeout = kPatient) {
    std::vector<core::VmSpec> specs;
    for (int i = 0; i < vms; ++i) {
      specs.push_back(VmWithClocks("vm" + std::to_string(i),
                                   {std::to_string(kUarta.value()), std::to_string(kFuse.value())},
                                   core::Access::kVote));
    }
    EngineOptions options;
    options.request_timeout = request_timeout;
    options.transfer_timeout = transfer_timeout;
    options.tick = absl::Milliseconds(1);
    engine_ = std::make_unique<Engine>(MadeCore(&sim_, std::move(specs), &observer_), &sim_,
                                       &MonotonicClock(), options, nullptr);
  }
  ~EngineTest() override {
    sim_.Shutdown();
    engine_.reset();
  }

  mrq::Response Ask(VmId vm, const mrq::Request& request) {
    Answer answer;
    engine_->Submit(vm, request, kPatient, answer.Take());
    return answer.Wait();
  }
  bool IsOn(ClockId clock) {
    return sim_.WithModel([&](sim::TegraModel& model) { return model.IsEnabled(clock); });
  }
  void AddFault(const char* text) {
    auto fault = sim::ParseFault(text);
    ASSERT_TRUE(fault.ok()) << fault.status();
    sim_.AddFault(*fault);
  }

  core::Observer observer_;
  sim::SimBackend sim_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineTest, CarriesAnEdgeToTheHardwareAndBack) {
  Start(1);
  EXPECT_TRUE(Ask(kFirst, Clk(mrq::ClkCmd::kEnable)).ok());
  EXPECT_TRUE(IsOn(kUarta));
  EXPECT_TRUE(Ask(kFirst, Clk(mrq::ClkCmd::kDisable)).ok());
  EXPECT_FALSE(IsOn(kUarta));
}

TEST_F(EngineTest, AnswersBytesThatAreNoRequest) {
  Start(1);
  Answer answer;
  const std::vector<uint8_t> truncated = {1, 2};
  engine_->SubmitBytes(kFirst, 22, truncated, kPatient, answer.Take());
  EXPECT_EQ(answer.Wait(), mrq::Fail(mrq::Error::kInval));
  EXPECT_EQ(answer.reason(), core::Reason::kBadArgument);
  Answer debug;
  engine_->SubmitBytes(kFirst, 75, truncated, kPatient, debug.Take());
  EXPECT_EQ(debug.Wait(), mrq::Fail(mrq::Error::kInval));
  EXPECT_EQ(debug.reason(), core::Reason::kNotForwarded);
}

TEST_F(EngineTest, ManyVmsAtOnceLeaveTheHardwareAsTheirVotesSay) {
  constexpr uint32_t kVms = 8;
  Start(kVms);
  std::vector<std::thread> threads;
  for (uint32_t vm = 1; vm <= kVms; ++vm) {
    threads.emplace_back([this, vm] {
      for (int i = 0; i < 200; ++i) {
        EXPECT_TRUE(Ask(VmId(vm), Clk(mrq::ClkCmd::kEnable)).ok());
        EXPECT_TRUE(IsOn(kUarta)) << "off although vm " << vm << " votes for it";
        EXPECT_TRUE(Ask(VmId(vm), Clk(mrq::ClkCmd::kGetRate)).ok());
        EXPECT_TRUE(Ask(VmId(vm), Clk(mrq::ClkCmd::kDisable)).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(IsOn(kUarta));
}

TEST_F(EngineTest, ACallerDoesNotWaitForAHangingTransfer) {
  Start(1, absl::Milliseconds(20));
  AddFault("CLK ENABLE uarta hang");
  EXPECT_EQ(Ask(kFirst, Clk(mrq::ClkCmd::kEnable)), mrq::Fail(mrq::Error::kTimedOut));
  // Another resource still has a slot of the worker.
  EXPECT_TRUE(Ask(kFirst, Clk(mrq::ClkCmd::kEnable, kFuse)).ok());
}

TEST_F(EngineTest, WhatNobodyWaitedForIsUndone) {
  Start(2, absl::Milliseconds(20));
  AddFault("CLK ENABLE uarta hang count=1");
  EXPECT_EQ(Ask(kFirst, Clk(mrq::ClkCmd::kEnable)), mrq::Fail(mrq::Error::kTimedOut));
  sim_.ReleaseHangs();
  // Comes after the edge and its undoing on the same resource.
  while (!Ask(VmId(2), Clk(mrq::ClkCmd::kGetRate)).ok()) {
  }
  EXPECT_FALSE(IsOn(kUarta));
}

TEST_F(EngineTest, AReleaseEndsAlthoughATransferHangs) {
  Start(1, absl::Milliseconds(20), absl::Milliseconds(20));
  EXPECT_TRUE(Ask(kFirst, Clk(mrq::ClkCmd::kEnable)).ok());
  AddFault("CLK DISABLE uarta hang");
  Mutex mutex;
  CondVar released_now;
  bool released = false;
  engine_->Release(kFirst, [&] {
    MutexLock lock(&mutex);
    released = true;
    released_now.SignalAll();
  });
  {
    MutexLock lock(&mutex);
    while (!released) released_now.Wait(&mutex);
  }
  const auto quarantined = engine_->Read([](const core::Core& core) { return core.Quarantined(); });
  EXPECT_THAT(quarantined, ::testing::ElementsAre(core::Resource::Of(kUarta)));
}

TEST_F(EngineTest, StopAnswersWhoWaits) {
  Start(1);
  AddFault("CLK ENABLE uarta hang");
  Answer answer;
  engine_->Submit(kFirst, Clk(mrq::ClkCmd::kEnable), kPatient, answer.Take());
  sim_.WaitUntilHanging(1);
  engine_->Stop();
  EXPECT_EQ(answer.Wait(), mrq::Fail(mrq::Error::kAgain));
  EXPECT_EQ(Ask(kFirst, Clk(mrq::ClkCmd::kEnable)), mrq::Fail(mrq::Error::kAgain));
}

}  // namespace
}  // namespace bpmp::backend
