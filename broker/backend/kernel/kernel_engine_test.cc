// SPDX-License-Identifier: Apache-2.0
// A VM's view of it: the engine and its worker on the kernel backend, before the simulated
// firmware.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker/backend/engine.h"
#include "broker/backend/engine_fixture.h"
#include "broker/backend/inventory_reader.h"
#include "broker/backend/kernel/fake_host_device.h"
#include "broker/backend/kernel/kernel_backend.h"
#include "broker/backend/sim/sim_backend.h"
#include "broker/base/clock.h"
#include "broker/mrq/codec.h"

namespace bpmp::backend::kernel {
namespace {

constexpr VmId kVm{1};
constexpr absl::Duration kPatient = absl::Hours(1);

mrq::Request Enable(const char* clock) {
  mrq::ClkRequest request;
  request.cmd = mrq::ClkCmd::kEnable;
  request.clock = ClockId(static_cast<uint32_t>(std::stoul(clock)));
  return request;
}

class KernelEngineTest : public testing::TestWithParam<int> {
 protected:
  KernelEngineTest()
      : device_(std::make_shared<FakeHostDevice>(
            static_cast<FakeHostDevice::Proxy>(GetParam()),
            [sim = sim_](uint32_t mrq, absl::Span<const uint8_t> tx) {
              const auto request = mrq::DecodeRequest(mrq, tx);
              if (!request.ok()) return mrq::Fail(mrq::ErrorFromStatus(request.status()));
              return *sim->Transfer(*request, absl::InfiniteFuture());
            })),
        backend_(device_, &MonotonicClock(), {}) {}
  ~KernelEngineTest() override {
    device_->LetGo();
    backend_.Shutdown();
    engine_.reset();
    EXPECT_EQ(device_->misuses(), 0u);
  }

  absl::StatusOr<core::Inventory> Read(std::vector<std::string>* notes) {
    return ReadInventory(&backend_, MonotonicClock(), {}, notes);
  }

  void Serve(absl::Duration transfer_timeout) {
    EngineOptions options;
    options.request_timeout = kPatient;
    options.transfer_timeout = transfer_timeout;
    options.tick = absl::Milliseconds(1);
    std::vector<core::VmSpec> vms = {VmWithClocks("vm", {"155", "40"}, core::Access::kVote)};
    engine_ = std::make_unique<Engine>(MadeCore(&backend_, std::move(vms), &observer_), &backend_,
                                       &MonotonicClock(), options, nullptr);
  }

  int32_t Ask(const mrq::Request& request) {
    Answer answer;
    engine_->Submit(kVm, request, kPatient, answer.Take());
    return answer.Wait().error;
  }

  core::Observer observer_;
  const std::shared_ptr<sim::SimBackend> sim_ = std::make_shared<sim::SimBackend>();
  const std::shared_ptr<FakeHostDevice> device_;
  KernelBackend backend_;
  std::unique_ptr<Engine> engine_;
};
INSTANTIATE_TEST_SUITE_P(EachProxy, KernelEngineTest,
                         testing::Values(static_cast<int>(FakeHostDevice::Proxy::kFlat),
                                         static_cast<int>(FakeHostDevice::Proxy::kWrite48),
                                         static_cast<int>(FakeHostDevice::Proxy::kWrite56),
                                         static_cast<int>(FakeHostDevice::Proxy::kOldest)));

TEST_P(KernelEngineTest, TheFirmwareIsReadOutAsItIs) {
  const auto read = Read(nullptr);
  ASSERT_TRUE(read.ok()) << read.status();
  const auto straight = ReadInventory(sim_.get(), MonotonicClock(), {}, nullptr);
  ASSERT_TRUE(straight.ok());
  EXPECT_EQ(read->fw_tag, straight->fw_tag);
  ASSERT_EQ(read->clocks.size(), straight->clocks.size());
  for (size_t id = 0; id < read->clocks.size(); ++id) {
    EXPECT_EQ(read->clocks[id].name, straight->clocks[id].name) << id;
    EXPECT_EQ(read->clocks[id].rate_hz, straight->clocks[id].rate_hz) << id;
  }
  EXPECT_EQ(read->domains.size(), straight->domains.size());
}

TEST_P(KernelEngineTest, AVmsVoteReachesTheFirmware) {
  Serve(kPatient);
  EXPECT_EQ(Ask(Enable("155")), 0);
  EXPECT_TRUE(
      sim_->WithModel([](sim::TegraModel& model) { return model.IsEnabled(ClockId(155)); }));
}

TEST_P(KernelEngineTest, ADeviceThatCameBackServesTheNextRequest) {
  Serve(kPatient);
  device_->Vanish();
  EXPECT_EQ(Ask(Enable("155")), mrq::Fail(mrq::Error::kIo).error);
  device_->ComeBack(static_cast<FakeHostDevice::Proxy>(GetParam()));
  while (Ask(Enable("155")) != 0) std::this_thread::yield();
}

class KernelWriteEngineTest : public KernelEngineTest {};
INSTANTIATE_TEST_SUITE_P(EachWriteProxy, KernelWriteEngineTest,
                         testing::Values(static_cast<int>(FakeHostDevice::Proxy::kWrite48),
                                         static_cast<int>(FakeHostDevice::Proxy::kWrite56)));

TEST_P(KernelWriteEngineTest, WithBothSlotsLateAVmMayTryAgain) {
  Serve(absl::Milliseconds(5));
  device_->Hang();
  // The edge, and the question whether it happened: both late, and both still with the kernel.
  // (What waits for a slow machine's thread for too long is refused as well, differently.)
  while (device_->hanging() < 2) EXPECT_NE(Ask(Enable("155")), 0);
  while (Ask(Enable("40")) != mrq::Fail(mrq::Error::kAgain).error) std::this_thread::yield();
  device_->LetGo();
  while (Ask(Enable("40")) != 0) std::this_thread::yield();
}

}  // namespace
}  // namespace bpmp::backend::kernel
