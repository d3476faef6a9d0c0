// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/heartbeat.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "broker/backend/inventory_reader.h"
#include "broker/backend/sim/sim_backend.h"
#include "broker/base/clock.h"
#include "broker/core/core.h"
#include "broker/service/acceptor.h"
#include "broker/service/self_probe.h"

namespace bpmp::daemon {
namespace {

class NullObserver : public core::Observer {
 public:
  void OnChange(const core::Change&) override {}
  void OnEvent(const core::Event&) override {}
};

// As the daemon's.
constexpr absl::Duration kPatience = absl::Seconds(5);

// A broker without VMs on the simulator. A VM's request may wait for a minute.
class HeartbeatTest : public testing::Test {
 protected:
  HeartbeatTest() {
    auto inventory = backend::ReadInventory(&sim_, MonotonicClock(), {}, nullptr);
    EXPECT_TRUE(inventory.ok()) << inventory.status();
    options_.request_timeout = absl::Seconds(60);
    options_.transfer_timeout = absl::Milliseconds(30);
    options_.tick = absl::Milliseconds(1);
    engine_ = std::make_unique<backend::Engine>(
        std::make_unique<core::Core>(*std::move(inventory), core::Profile(), core::Policy(),
                                     &observer_),
        &sim_, &MonotonicClock(), options_, nullptr);
    probe_ = std::make_unique<service::SelfProbe>(
        service::GuestDeps{engine_.get(), nullptr, nullptr, &acceptor_});
    heartbeat_ =
        std::make_unique<Heartbeat>(engine_.get(), probe_.get(), &MonotonicClock(), options_.slots);
  }
  ~HeartbeatTest() override {
    probe_.reset();
    sim_.Shutdown();
  }

  // Beats until the heart says what is expected of the backend; the test's own timeout ends it
  // otherwise. All the while, nobody may think that the broker is dead.
  void BeatUntil(bool backend_alive) {
    Heartbeat::State state;
    do {
      heartbeat_->Beat();
      state = heartbeat_->state(kPatience);
      ASSERT_NE(state.broker_alive, std::optional<bool>(false));
    } while (!state.broker_alive || state.backend_alive != backend_alive);
  }
  void BeatUntilDead(Heartbeat* heartbeat) {
    while (heartbeat->state(kPatience).broker_alive != false) heartbeat->Beat();
  }

  backend::EngineOptions options_;
  backend::sim::SimBackend sim_;
  NullObserver observer_;
  service::Acceptor acceptor_;
  std::unique_ptr<backend::Engine> engine_;
  std::unique_ptr<service::SelfProbe> probe_;
  std::unique_ptr<Heartbeat> heartbeat_;
};

TEST_F(HeartbeatTest, NothingIsKnownBeforeItWasAsked) {
  const Heartbeat::State state = heartbeat_->state(kPatience);
  EXPECT_EQ(state.broker_alive, std::nullopt);
  EXPECT_EQ(state.backend_alive, std::nullopt);
}

TEST_F(HeartbeatTest, NothingIsKnownUntilTheFirstAnswer) {
  sim_.AddFault(*backend::sim::ParseFault("* hang"));
  heartbeat_->Beat();
  sim_.WaitUntilHanging(1);
  const Heartbeat::State state = heartbeat_->state(kPatience);
  EXPECT_EQ(state.broker_alive, std::nullopt);
  EXPECT_EQ(state.backend_alive, std::nullopt);
  // Whoever has no patience left is told.
  EXPECT_EQ(heartbeat_->state(absl::ZeroDuration()).broker_alive, false);
}

TEST_F(HeartbeatTest, AHealthyBackendAnswers) {
  const uint64_t before = sim_.calls();
  BeatUntil(/*backend_alive=*/true);
  EXPECT_GT(sim_.calls(), before) << "it goes all the way to the firmware";
  EXPECT_GT(heartbeat_->state(kPatience).latency, absl::ZeroDuration());
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

TEST_F(HeartbeatTest, ABackendThatIsDeadFromTheStartIsFoundOut) {
  sim_.AddFault(*backend::sim::ParseFault("* hang"));
  BeatUntil(/*backend_alive=*/false);
}

TEST_F(HeartbeatTest, ABackendThatFailsIsNotTheBrokersFault) {
  sim_.AddFault(*backend::sim::ParseFault("* unavailable"));
  BeatUntil(/*backend_alive=*/false);
}

TEST_F(HeartbeatTest, AFirmwareThatRefusesIsAlive) {
  sim_.AddFault(*backend::sim::ParseFault("CLK GET_RATE * error=EIO"));
  BeatUntil(/*backend_alive=*/true);
}

TEST_F(HeartbeatTest, ABrokerWhoseServersDontAnswerIsDead) {
  BeatUntil(/*backend_alive=*/true);
  probe_->Shutdown();
  BeatUntilDead(heartbeat_.get());
  EXPECT_EQ(heartbeat_->state(kPatience).backend_alive, true) << "the beat was answered";
}

TEST_F(HeartbeatTest, WithoutAProbeTheBeatCountsAlone) {
  Heartbeat alone(engine_.get(), nullptr, &MonotonicClock(), options_.slots);
  while (alone.state(kPatience).broker_alive != true) alone.Beat();
}

}  // namespace
}  // namespace bpmp::daemon
