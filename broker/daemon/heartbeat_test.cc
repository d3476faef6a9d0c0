// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/heartbeat.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "broker/backend/inventory_reader.h"
#include "broker/backend/sim/sim_backend.h"
#include "broker/base/clock.h"
#include "broker/core/core.h"

namespace bpmp::daemon {
namespace {

class NullObserver : public core::Observer {
 public:
  void OnChange(const core::Change&) override {}
  void OnEvent(const core::Event&) override {}
};

// A broker without VMs on the simulator, with short timeouts.
class HeartbeatTest : public testing::Test {
 protected:
  HeartbeatTest() {
    auto inventory = backend::ReadInventory(&sim_, MonotonicClock(), {}, nullptr);
    EXPECT_TRUE(inventory.ok()) << inventory.status();
    backend::EngineOptions options;
    options.request_timeout = absl::Milliseconds(30);
    options.transfer_timeout = absl::Milliseconds(30);
    options.tick = absl::Milliseconds(1);
    engine_ = std::make_unique<backend::Engine>(
        std::make_unique<core::Core>(*std::move(inventory), core::Profile(), core::Policy(),
                                     &observer_),
        &sim_, &MonotonicClock(), options, nullptr);
    heartbeat_ = std::make_unique<Heartbeat>(engine_.get(), &MonotonicClock(), options.slots);
  }
  ~HeartbeatTest() override { sim_.Shutdown(); }

  // Beats until the heart says what is expected; the test's own timeout ends it otherwise.
  void BeatUntil(bool backend_alive) {
    Heartbeat::State state;
    do {
      heartbeat_->Beat();
      state = heartbeat_->state(absl::InfiniteDuration());
    } while (!state.broker_alive || state.backend_alive != backend_alive);
  }

  backend::sim::SimBackend sim_;
  NullObserver observer_;
  std::unique_ptr<backend::Engine> engine_;
  std::unique_ptr<Heartbeat> heartbeat_;
};

TEST_F(HeartbeatTest, ItIsNotAliveBeforeItWasAsked) {
  EXPECT_FALSE(heartbeat_->state(absl::InfiniteDuration()).broker_alive);
}

TEST_F(HeartbeatTest, AHealthyBackendAnswers) {
  const uint64_t before = sim_.calls();
  BeatUntil(/*backend_alive=*/true);
  EXPECT_GT(sim_.calls(), before) << "it goes all the way to the firmware";
  EXPECT_GT(heartbeat_->state(absl::InfiniteDuration()).latency, absl::ZeroDuration());
}

TEST_F(HeartbeatTest, ABackendThatHangsIsNotTheBrokersFault) {
  BeatUntil(/*backend_alive=*/true);
  sim_.AddFault(*backend::sim::ParseFault("* hang"));
  BeatUntil(/*backend_alive=*/false);
  // All slots are taken by calls that hang, and beats wait in the queue: the broker lives.
  for (int i = 0; i < 5; ++i) BeatUntil(/*backend_alive=*/false);
  sim_.ClearFaults();
  sim_.ReleaseHangs();
  BeatUntil(/*backend_alive=*/true);
}

TEST_F(HeartbeatTest, ABackendThatFailsIsNotTheBrokersFault) {
  sim_.AddFault(*backend::sim::ParseFault("* unavailable"));
  BeatUntil(/*backend_alive=*/false);
}

TEST_F(HeartbeatTest, AFirmwareThatRefusesIsAlive) {
  sim_.AddFault(*backend::sim::ParseFault("CLK GET_RATE * error=EIO"));
  BeatUntil(/*backend_alive=*/true);
}

}  // namespace
}  // namespace bpmp::daemon
