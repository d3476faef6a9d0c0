// SPDX-License-Identifier: Apache-2.0
// What the firmware says unasked, from the simulated BPMP to who tells the VMs.
#include <memory>
#include <string>
#include <vector>

#include "broker/backend/engine_fixture.h"
#include "broker/backend/sim/sim_backend.h"
#include "broker/core/observers.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::backend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The VMs "plain" and "silent" follow.
constexpr VmId kWarm{1};  // zones 0 and 8
constexpr VmId kHot{2};   // zone 8

class FakeNotifier final : public GuestNotifier {
 public:
  Notified Notify(VmId vm, const mrq::HostTrip& trip) override {
    said.push_back(ToString(vm) + " zone " + std::to_string(trip.zone.value()));
    return vm == kHot ? Notified::kNoSession : Notified::kSent;
  }
  void OnTrip(const mrq::HostTrip& /*trip*/, size_t vms, size_t told) override {
    said.push_back(std::to_string(told) + " of " + std::to_string(vms));
  }
  void OnDropped(const absl::Status& why) override { said.emplace_back(why.message()); }

  std::vector<std::string> said;
};

class FakeObserver final : public RequestObserver {
 public:
  void OnRequest(const Record& /*record*/) override {}
  void OnInbound(bool for_vms) override { ++(for_vms ? for_vms_ : for_nobody_); }
  void OnNotified(VmId vm, Notified notified) override {
    notified_.push_back(ToString(vm) + " " + std::to_string(static_cast<int>(notified)));
  }

  int for_vms_ = 0;
  int for_nobody_ = 0;
  std::vector<std::string> notified_;
};

class EngineInboundTest : public ::testing::Test {
 protected:
  EngineInboundTest() {
    std::vector<core::VmSpec> vms(4);
    vms[0].name = "warm";
    vms[0].thermal_zones = {{0, {}}, {8, {}}};
    vms[1].name = "hot";
    vms[1].thermal_zones = {{8, {}}};
    vms[2].name = "plain";
    vms[2].all_exclusive = true;
    vms[3].name = "silent";
    vms[3].audit_only = true;
    engine_ = std::make_unique<Engine>(MadeCore(&sim_, std::move(vms), &core_observer_), &sim_,
                                       &MonotonicClock(), EngineOptions(), &observer_);
  }
  ~EngineInboundTest() override {
    sim_.Shutdown();
    engine_.reset();
  }
  // In this thread.
  void Warm(uint32_t zone, int32_t milli_c) {
    sim_.WithModel([&](sim::TegraModel& model) {
      model.thermal().SetTemperature(ThermalZoneId(zone), milli_c);
    });
  }

  core::Observers core_observer_{{}};
  FakeObserver observer_;
  FakeNotifier notifier_;
  sim::SimBackend sim_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineInboundTest, ATripIsForWhoHasTheZone) {
  engine_->Listen(&notifier_);
  Warm(8, 96'000);
  EXPECT_THAT(notifier_.said,
              ElementsAre(ToString(kWarm) + " zone 8", ToString(kHot) + " zone 8", "1 of 2"));
  EXPECT_THAT(observer_.notified_, ElementsAre(ToString(kWarm) + " 0", ToString(kHot) + " 2"));
  notifier_.said.clear();
  Warm(0, 96'000);
  EXPECT_THAT(notifier_.said, ElementsAre(ToString(kWarm) + " zone 0", "1 of 1"));
  notifier_.said.clear();
  Warm(1, 96'000);
  EXPECT_THAT(notifier_.said, ElementsAre("0 of 0"))
      << "neither everything nor audit-only opens it";
  EXPECT_EQ(observer_.for_vms_, 3);
  EXPECT_EQ(observer_.for_nobody_, 0);
}

TEST_F(EngineInboundTest, NothingElseIsForAnybody) {
  engine_->Listen(&notifier_);
  const std::vector<uint8_t> trip = {100, 0, 0, 0, 8, 0, 0, 0};
  sim_.Say(22, trip);
  sim_.Say(27, std::vector<uint8_t>{101, 0, 0, 0, 8, 0, 0, 0});
  sim_.Say(27, absl::MakeConstSpan(trip).subspan(0, 7));
  EXPECT_THAT(notifier_.said, ElementsAre(HasSubstr("MRQ 22 (CLK)"), HasSubstr("command 101"),
                                          HasSubstr("7 bytes")));
  EXPECT_THAT(observer_.notified_, IsEmpty());
  EXPECT_EQ(observer_.for_nobody_, 3);
  sim_.Say(27, std::vector<uint8_t>{100, 0, 0, 0, 0xff, 0xff, 0xff, 0xff});
  EXPECT_THAT(observer_.notified_, IsEmpty()) << "a zone that nobody can have";
}

TEST_F(EngineInboundTest, NobodyIsToldUntilAndAfter) {
  Warm(8, 96'000);
  engine_->Listen(&notifier_);
  EXPECT_THAT(notifier_.said, IsEmpty());
  engine_->Listen(nullptr);
  Warm(8, 40'000);
  EXPECT_THAT(notifier_.said, IsEmpty());
  EXPECT_EQ(observer_.for_vms_, 2) << "it was heard all the same";
  engine_->Listen(&notifier_);
  engine_->Stop();
  Warm(8, 96'000);
  EXPECT_THAT(notifier_.said, IsEmpty());
}

}  // namespace
}  // namespace bpmp::backend
