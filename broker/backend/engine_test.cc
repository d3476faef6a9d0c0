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
#include "broker/base/endian.h"
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
    Start(std::move(specs), request_timeout, transfer_timeout);
  }
  void StartWithOneThatMayDoEverything() {
    core::VmSpec everything;
    everything.name = "everything";
    everything.all_exclusive = true;
    for (uint32_t zone = 0; zone <= core::kMaxThermalZoneId; ++zone) {
      everything.thermal_zones.push_back({zone, {}});
    }
    for (uint32_t controller = 0; controller <= core::kMaxPcieControllerId; ++controller) {
      everything.pcie_controllers.push_back({controller, {}});
    }
    everything.emc_latency = true;
    Start({everything}, kPatient, kPatient);
  }
  void Start(std::vector<core::VmSpec> specs, absl::Duration request_timeout,
             absl::Duration transfer_timeout) {
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

TEST_F(EngineTest, NoPolicyOpensWhatIsNotForVms) {
  StartWithOneThatMayDoEverything();
  const uint64_t calls = sim_.calls();
  // Also DEBUG, QUERY_TAG, BWMGR_INT, and what no ABI has; with any first word, which is often a
  // command.
  std::vector<uint32_t> codes = {0x100, 0x10016, 0xffff'ff16, 0xffff'ffff};
  for (uint32_t code = 0; code < 0x100; ++code) codes.push_back(code);
  for (const uint32_t code : codes) {
    if (mrq::IsForVms(code)) continue;
    for (uint8_t command = 0; command < 32; ++command) {
      std::vector<uint8_t> bytes(mrq::kPayloadSize);
      bytes[0] = command;
      Answer answer;
      engine_->SubmitBytes(kFirst, code, bytes, kPatient, answer.Take());
      EXPECT_EQ(answer.Wait(), mrq::Fail(mrq::Error::kInval)) << "mrq " << code;
      EXPECT_EQ(answer.reason(), core::Reason::kNotForwarded) << "mrq " << code;
    }
    EXPECT_EQ(mrq::ReadU32(Ask(kFirst, mrq::QueryAbiRequest{code})).value_or(0),
              static_cast<uint32_t>(-static_cast<int32_t>(mrq::Error::kNoDev)));
  }
  EXPECT_EQ(sim_.calls(), calls);
}

// Of an MRQ that a policy opens it opens what is safe for a VM, and no command besides.
TEST_F(EngineTest, NoPolicyOpensAnotherCommandOfWhatItOpens) {
  StartWithOneThatMayDoEverything();
  const uint64_t calls = sim_.calls();
  const auto refused = [this](uint32_t mrq, size_t offset, uint32_t command) {
    std::vector<uint8_t> bytes(24);
    StoreLe<uint32_t>(absl::MakeSpan(bytes), offset, command);
    Answer answer;
    engine_->SubmitBytes(kFirst, mrq, bytes, kPatient, answer.Take());
    EXPECT_EQ(answer.Wait(), mrq::Fail(mrq::Error::kInval)) << mrq << " command " << command;
  };
  // SET_TRIP, HOST_TRIP_REACHED, and what no ABI has.
  for (const uint32_t command : {2u, 5u, 100u, 0x101u, 0x1'0001u, 0x8000'0001u}) {
    refused(27, 0, command);
  }
  // Lane margining, and other users of the lanes.
  for (const uint32_t command : {0u, 1u, 2u, 6u, 7u, 8u, 0x104u}) refused(69, 2, command);
  EXPECT_EQ(sim_.calls(), calls);
}

TEST_F(EngineTest, NoPolicyOpensTheRawIdOfAnotherClock) {
  StartWithOneThatMayDoEverything();
  const uint64_t calls = sim_.calls();
  // ENABLE of UARTA in all but the bits that a short mask drops: other commands, other ids.
  for (const uint32_t word : {0x1700'009bu, 0x8700'009bu, 0x0710'009bu, 0x0700'109bu}) {
    std::vector<uint8_t> bytes(16);
    StoreLe<uint32_t>(absl::MakeSpan(bytes), 0, word);
    Answer answer;
    engine_->SubmitBytes(kFirst, 22, bytes, kPatient, answer.Take());
    EXPECT_EQ(answer.Wait(), mrq::Fail(mrq::Error::kInval)) << std::hex << word;
  }
  EXPECT_EQ(sim_.calls(), calls);
  EXPECT_FALSE(IsOn(kUarta));
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
  Start(1, absl::Milliseconds(300));
  AddFault("CLK ENABLE uarta hang");
  EXPECT_EQ(Ask(kFirst, Clk(mrq::ClkCmd::kEnable)), mrq::Fail(mrq::Error::kTimedOut));
  // Another resource still has a slot of the worker.
  EXPECT_TRUE(Ask(kFirst, Clk(mrq::ClkCmd::kEnable, kFuse)).ok());
}

TEST_F(EngineTest, WhatNobodyWaitedForIsUndone) {
  Start(2, absl::Milliseconds(300));
  AddFault("CLK ENABLE uarta hang count=1");
  EXPECT_EQ(Ask(kFirst, Clk(mrq::ClkCmd::kEnable)), mrq::Fail(mrq::Error::kTimedOut));
  sim_.ClearFaults();
  sim_.ReleaseHangs();
  // Comes after the edge and its undoing on the same resource.
  while (!Ask(VmId(2), Clk(mrq::ClkCmd::kGetRate)).ok()) {
  }
  EXPECT_FALSE(IsOn(kUarta));
}

TEST_F(EngineTest, AReleaseEndsAlthoughATransferHangs) {
  Start(1, absl::Milliseconds(300), absl::Milliseconds(300));
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
