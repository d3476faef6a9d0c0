// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/sim_backend.h"

#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/base/mutex.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::backend::sim {
namespace {

using mrq::ClkCmd;

constexpr ClockId kUarta{155};
constexpr ClockId kUartb{156};

mrq::Request Clk(ClkCmd cmd, ClockId clock) {
  mrq::ClkRequest request;
  request.cmd = cmd;
  request.clock = clock;
  return request;
}

class SimBackendTest : public ::testing::Test {
 protected:
  absl::StatusOr<mrq::Response> Send(const mrq::Request& request) {
    return backend_.Transfer(request, absl::InfiniteFuture());
  }
  void Fail(std::string_view text) {
    const auto fault = ParseFault(text);
    ASSERT_TRUE(fault.ok()) << fault.status();
    backend_.AddFault(*fault);
  }
  bool Running(ClockId clock) {
    return backend_.WithModel([&](TegraModel& model) { return model.IsRunning(clock); });
  }

  SimBackend backend_;
};

TEST_F(SimBackendTest, AnswersAsTheModelDoes) {
  const auto response = Send(Clk(ClkCmd::kGetRate, kUarta));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(*mrq::ReadRate(*response), 102'000'000);
  EXPECT_EQ(Send(Clk(ClkCmd::kGetRate, ClockId(13)))->error, -22);
  EXPECT_TRUE(Send(Clk(ClkCmd::kEnable, kUarta))->ok());
  EXPECT_TRUE(Running(kUarta));
}

TEST_F(SimBackendTest, EveryKindOfRequestPassesTheWire) {
  EXPECT_EQ(*mrq::ReadU32(*Send(mrq::PingRequest{true, 5})), 10u);
  EXPECT_TRUE(Send(mrq::QueryAbiRequest{22})->ok());
  EXPECT_TRUE(Send(mrq::QueryFwTagRequest())->ok());
  EXPECT_TRUE(Send(mrq::ResetRequest{mrq::ResetCmd::kAssert, ResetId(100)})->ok());
  EXPECT_TRUE(Send(mrq::PgRequest{mrq::PgCmd::kSetState, DomainId(29), 1})->ok());
  EXPECT_TRUE(Send(mrq::ThermalRequest{mrq::ThermalCmd::kGetTemp, 0})->ok());
  EXPECT_TRUE(Send(mrq::EmcDvfsLatencyRequest())->ok());
  EXPECT_TRUE(Send(mrq::CpuNdivLimitsRequest{0})->ok());
  mrq::UphyRequest uphy;
  uphy.cmd = mrq::UphyCmd::kControllerState;
  uphy.payload = {4, 1};
  uphy.payload_size = 2;
  EXPECT_EQ(Send(uphy)->error, 0);
  mrq::ClkRequest rate;
  rate.cmd = ClkCmd::kSetRate;
  rate.clock = kUarta;
  rate.rate_hz = 51'000'000;
  EXPECT_EQ(*mrq::ReadRate(*Send(rate)), 51'000'000);
  rate.cmd = ClkCmd::kSetParent;
  rate.rate_hz = 0;
  rate.parent = ClockId(14);
  EXPECT_EQ(*mrq::ReadU32(*Send(rate)), 14u);
}

TEST_F(SimBackendTest, RecordsTheLatestRequests) {
  SimOptions options;
  options.record_limit = 2;
  SimBackend backend(options);
  for (const ClkCmd cmd : {ClkCmd::kGetRate, ClkCmd::kEnable, ClkCmd::kDisable}) {
    ASSERT_TRUE(backend.Transfer(Clk(cmd, kUarta), absl::InfiniteFuture()).ok());
  }
  EXPECT_THAT(backend.requests(),
              ::testing::ElementsAre(Clk(ClkCmd::kEnable, kUarta), Clk(ClkCmd::kDisable, kUarta)));
  EXPECT_EQ(backend.calls(), 3u);
  backend.ForgetRequests();
  EXPECT_TRUE(backend.requests().empty());
}

TEST_F(SimBackendTest, AnErrorIsAnAnswerWithoutEffect) {
  Fail("CLK ENABLE uarta error=EBUSY count=1");
  EXPECT_EQ(Send(Clk(ClkCmd::kEnable, kUarta))->error, -16);
  EXPECT_FALSE(Running(kUarta));
  EXPECT_TRUE(Send(Clk(ClkCmd::kEnable, kUarta))->ok());
  EXPECT_TRUE(Running(kUarta));
}

TEST_F(SimBackendTest, ALostAnswerHasHadItsEffect) {
  Fail("CLK ENABLE uarta lost");
  EXPECT_EQ(Send(Clk(ClkCmd::kEnable, kUarta)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(Running(kUarta));
}

TEST_F(SimBackendTest, ADroppedRequestHasNone) {
  Fail("CLK ENABLE uarta drop");
  EXPECT_EQ(Send(Clk(ClkCmd::kEnable, kUarta)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(Running(kUarta));
}

TEST_F(SimBackendTest, UnavailableHasNone) {
  Fail("* unavailable");
  EXPECT_EQ(Send(Clk(ClkCmd::kEnable, kUarta)).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(Running(kUarta));
  backend_.ClearFaults();
  EXPECT_TRUE(Send(Clk(ClkCmd::kEnable, kUarta)).ok());
}

TEST_F(SimBackendTest, DriftIsASuccessThatDoesNotLast) {
  Fail("CLK ENABLE uarta drift count=1");
  EXPECT_TRUE(Send(Clk(ClkCmd::kEnable, kUarta))->ok());
  EXPECT_FALSE(Running(kUarta));
  EXPECT_EQ(backend_.WithModel([](TegraModel& model) { return model.counters().clk_disable; }), 0u);
}

TEST_F(SimBackendTest, FaultsCanBeListedAndRemoved) {
  const uint64_t id = backend_.AddFault(*ParseFault("* unavailable"));
  EXPECT_FALSE(Send(mrq::PingRequest()).ok());
  ASSERT_EQ(backend_.faults().size(), 1u);
  EXPECT_EQ(backend_.faults()[0].fired, 1u);
  EXPECT_TRUE(backend_.RemoveFault(id));
  EXPECT_FALSE(backend_.RemoveFault(id));
  EXPECT_TRUE(Send(mrq::PingRequest()).ok());
}

TEST_F(SimBackendTest, LatencyAndDelayAddUp) {
  backend_.set_latency(absl::Milliseconds(2));
  Fail("CLK delay=3ms");
  const absl::Time before = MonotonicClock().Now();
  EXPECT_TRUE(Send(Clk(ClkCmd::kEnable, kUarta)).ok());
  EXPECT_GE(MonotonicClock().Now() - before, absl::Milliseconds(5));
}

TEST_F(SimBackendTest, AHangHoldsOnlyItsOwnCall) {
  Fail("CLK ENABLE uarta hang");
  absl::StatusOr<mrq::Response> result;
  std::thread caller([&] { result = Send(Clk(ClkCmd::kEnable, kUarta)); });
  backend_.WaitUntilHanging(1);
  EXPECT_FALSE(Running(kUarta));
  EXPECT_TRUE(Send(Clk(ClkCmd::kEnable, kUartb))->ok());
  backend_.ClearFaults();
  EXPECT_EQ(backend_.hanging(), 1u);
  backend_.ReleaseHangs();
  caller.join();
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->ok());
  EXPECT_TRUE(Running(kUarta));
  EXPECT_EQ(backend_.hanging(), 0u);
}

TEST_F(SimBackendTest, ShutdownEndsWhatHangsOrWaits) {
  Fail("CLK ENABLE hang");
  Fail("CLK DISABLE delay=1000h");
  absl::StatusOr<mrq::Response> hung;
  absl::StatusOr<mrq::Response> delayed;
  std::thread one([&] { hung = Send(Clk(ClkCmd::kEnable, kUarta)); });
  std::thread two([&] { delayed = Send(Clk(ClkCmd::kDisable, ClockId(157))); });
  backend_.WaitUntilHanging(1);
  backend_.Shutdown();
  one.join();
  two.join();
  EXPECT_EQ(hung.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(delayed.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(Running(kUarta));
  EXPECT_TRUE(Running(ClockId(157)));
  EXPECT_EQ(Send(mrq::PingRequest()).status().code(), absl::StatusCode::kUnavailable);
}

class Heard final : public core::InboundListener {
 public:
  // Which zones' trips.
  std::vector<uint32_t> zones() {
    MutexLock lock(&mutex_);
    return zones_;
  }
  void OnInbound(uint32_t mrq, absl::Span<const uint8_t> data) override {
    const auto trip = mrq::DecodeInbound(mrq, data);
    ASSERT_TRUE(trip.ok()) << trip.status();
    MutexLock lock(&mutex_);
    zones_.push_back(trip->zone.value());
  }

 private:
  Mutex mutex_;
  std::vector<uint32_t> zones_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(SimBackendTest, SaysWhichTripsWereReached) {
  const auto warm = [this](uint32_t zone, int32_t milli_c) {
    backend_.WithModel(
        [&](TegraModel& model) { model.thermal().SetTemperature(ThermalZoneId(zone), milli_c); });
  };
  Heard heard;
  warm(1, 99'000);  // nobody listens
  backend_.Listen(&heard);
  warm(8, 80'000);
  EXPECT_THAT(heard.zones(), ::testing::IsEmpty());
  warm(8, 96'000);
  EXPECT_THAT(heard.zones(), ::testing::ElementsAre(8));
  backend_.Listen(nullptr);
  warm(8, 50'000);
  EXPECT_THAT(heard.zones(), ::testing::ElementsAre(8));
}

TEST_F(SimBackendTest, ARequestMakesAZoneHot) {
  Heard heard;
  backend_.Listen(&heard);
  Fail("THERMAL GET_TEMP 8 heat=8:96000 nth=2");
  const mrq::Request read = mrq::ThermalRequest{mrq::ThermalCmd::kGetTemp, 8};
  EXPECT_EQ(*mrq::ReadU32(*Send(read)), 46'500u);
  EXPECT_THAT(heard.zones(), ::testing::IsEmpty());
  EXPECT_EQ(*mrq::ReadU32(*Send(read)), 96'000u);
  EXPECT_THAT(heard.zones(), ::testing::ElementsAre(8));
  EXPECT_EQ(*mrq::ReadU32(*Send(read)), 96'000u);
  EXPECT_THAT(heard.zones(), ::testing::ElementsAre(8));
  backend_.Listen(nullptr);
}

TEST_F(SimBackendTest, DestructionWaitsForHungCalls) {
  SimOptions options;
  options.faults.push_back(*ParseFault("* hang"));
  auto backend = std::make_unique<SimBackend>(options);
  SimBackend* const raw = backend.get();
  absl::StatusOr<mrq::Response> result;
  std::thread caller([&] { result = raw->Transfer(mrq::PingRequest(), absl::InfiniteFuture()); });
  backend->WaitUntilHanging(1);
  backend.reset();
  caller.join();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(SimBackendTest, ManyThreadsShareOneModel) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 200;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i] {
      const ClockId clock(155 + static_cast<uint32_t>(i));
      for (int round = 0; round < kRounds; ++round) {
        EXPECT_TRUE(Send(Clk(ClkCmd::kEnable, clock))->ok());
        EXPECT_EQ(*mrq::ReadU32(*Send(Clk(ClkCmd::kIsEnabled, clock))), 1u);
        EXPECT_TRUE(Send(Clk(ClkCmd::kDisable, clock))->ok());
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(backend_.calls(), 3u * kThreads * kRounds);
  EXPECT_FALSE(Running(kUarta));
}

}  // namespace
}  // namespace bpmp::backend::sim
