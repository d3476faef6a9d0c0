// SPDX-License-Identifier: Apache-2.0
// What the firmware says unasked, on the Session streams of the VMs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "broker/mrq/codec.h"
#include "tests/component/guest_requests.h"
#include "tests/lib/guest_client.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;
namespace event_kind = service::event_kind;

constexpr int32_t kWarm = 50'000;
constexpr int32_t kHot = 99'000;
constexpr char kVms[] = R"(
  vms { name: "warm" devices { device: "uarta" } thermal { zones: 0 zones: 8 } }
  vms { name: "hot" thermal { zones: 8 } }
  vms { name: "plain" devices { device: "vic" } }
  vms { name: "silent" audit_only: true }
  limits { request_timeout_ms: 60000 requests_per_second: 1000000 })";

// What became of each notification, of all VMs.
class Fates final : public backend::RequestObserver {
 public:
  void OnRequest(const Record& /*record*/) override {}
  void OnNotified(VmId /*vm*/, backend::Notified notified) override {
    ++counts_[static_cast<size_t>(notified)];
  }
  uint64_t operator[](backend::Notified notified) const {
    return counts_[static_cast<size_t>(notified)];
  }

 private:
  std::array<std::atomic<uint64_t>, backend::kNotifiedCount> counts_{};
};

class NotificationTest : public ::testing::Test {
 protected:
  // Once this returns, the streams have what they are to be told.
  void SetTemperature(uint32_t zone, int32_t milli_c) {
    broker_.sim().WithModel([&](backend::sim::TegraModel& model) {
      model.thermal().SetTemperature(ThermalZoneId(zone), milli_c);
    });
  }
  void Hang(const char* text) {
    const auto fault = backend::sim::ParseFault(text);
    ASSERT_TRUE(fault.ok()) << fault.status();
    broker_.sim().AddFault(*fault);
  }
  // The zones of the trips that were said before. An answer may come before a trip, but no two: so
  // many PINGs as a VM has zones, and one more, are answered after them all.
  static std::vector<uint32_t> TripsUntilNow(GuestClient* guest) {
    std::vector<uint32_t> zones;
    for (int i = 0; i < 3; ++i) {
      const uint64_t ping = guest->Send(Ping(1));
      auto message = guest->Receive();
      for (; message && message->sequence() != ping; message = guest->Receive()) {
        zones.push_back(ZoneOf(*message));
      }
      EXPECT_TRUE(message.has_value()) << "the stream is over";
    }
    return zones;
  }
  static uint32_t ZoneOf(const v1::SessionResponse& message) {
    EXPECT_TRUE(message.has_notification()) << message.ShortDebugString();
    EXPECT_EQ(message.sequence(), 0u);
    const std::string& data = message.notification().data();
    const auto trip = mrq::DecodeInbound(
        message.notification().mrq(), {reinterpret_cast<const uint8_t*>(data.data()), data.size()});
    EXPECT_TRUE(trip.ok()) << trip.status();
    EXPECT_EQ(data.size(), 8u);
    return trip.ok() ? trip->zone.value() : ~uint32_t{0};
  }

  Fates fates_;
  TestBroker broker_{kVms, [this] {
                       TestBroker::Options options;
                       options.request_observer = &fates_;
                       return options;
                     }()};
};

TEST_F(NotificationTest, IsForWhoseZoneItIs) {
  GuestClient warm(broker_.socket("warm"));
  GuestClient hot(broker_.socket("hot"));
  GuestClient plain(broker_.socket("plain"));
  GuestClient silent(broker_.socket("silent"));
  for (GuestClient* guest : {&warm, &hot, &plain, &silent}) guest->Hello();
  SetTemperature(8, kHot);
  SetTemperature(0, kHot);
  SetTemperature(1, kHot);
  const auto first = warm.Receive();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(ZoneOf(*first), 8u) << "unasked, and at once";
  EXPECT_THAT(TripsUntilNow(&warm), ::testing::ElementsAre(0));
  EXPECT_THAT(TripsUntilNow(&hot), ::testing::ElementsAre(8));
  EXPECT_THAT(TripsUntilNow(&plain), ::testing::IsEmpty());
  EXPECT_THAT(TripsUntilNow(&silent), ::testing::IsEmpty());
}

TEST_F(NotificationTest, NothingElseTheFirmwareSaysIsPassedOn) {
  GuestClient warm(broker_.socket("warm"));
  warm.Hello();
  const std::vector<uint8_t> trip = {100, 0, 0, 0, 8, 0, 0, 0};
  broker_.sim().Say(22, trip);
  broker_.sim().Say(27, std::vector<uint8_t>{99, 0, 0, 0, 8, 0, 0, 0});
  EXPECT_THAT(TripsUntilNow(&warm), ::testing::IsEmpty());
  const auto dropped = broker_.WaitFor([](const service::EventLog::Record& record) {
    return record.kind == event_kind::kInboundDropped;
  });
  EXPECT_THAT(dropped.text, HasSubstr("MRQ 22 (CLK)"));
}

TEST_F(NotificationTest, ComesAfterTheFirstAnswer) {
  Hang("CLK ENABLE 155 hang nth=1");
  GuestClient warm(broker_.socket("warm"));
  warm.Send(Enable(kUarta));
  broker_.sim().WaitUntilHanging(1);
  SetTemperature(8, kHot);
  broker_.sim().ReleaseHangs();
  const auto answer = warm.Receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(answer->has_response());
  const auto trip = warm.Receive();
  ASSERT_TRUE(trip.has_value());
  EXPECT_EQ(ZoneOf(*trip), 8u);
}

// It neither makes the broker keep more, nor is it forgotten.
TEST_F(NotificationTest, AClientThatDoesntReadIsToldOnceOfMany) {
  constexpr uint64_t kStalled = 5000;
  GuestClient warm(broker_.socket("warm"));
  warm.Hello();
  uint64_t sent = 0;
  uint64_t merged_before = 0;
  // Until the connection takes nothing any more.
  for (int i = 0; fates_[backend::Notified::kMerged] < merged_before + kStalled; ++i) {
    ASSERT_LT(i, 5'000'000) << "all that is too much for the connection waits somewhere";
    SetTemperature(8, i % 2 == 0 ? kHot : kWarm);
    if (fates_[backend::Notified::kSent] == sent) continue;
    sent = fates_[backend::Notified::kSent];
    merged_before = fates_[backend::Notified::kMerged];
  }
  EXPECT_EQ(TripsUntilNow(&warm).size(), sent);
  SetTemperature(0, kHot);
  EXPECT_THAT(TripsUntilNow(&warm), ::testing::ElementsAre(0)) << "and none later";
}

TEST_F(NotificationTest, AnswersGoOnWhileTheFirmwareNeverStops) {
  GuestClient warm(broker_.socket("warm"));
  warm.Hello();
  std::atomic<bool> stop{false};
  std::thread firmware([&] {
    for (int i = 0; !stop; ++i) SetTemperature(8, i % 2 == 0 ? kHot : kWarm);
  });
  uint64_t trips = 0;
  for (uint32_t challenge = 0; challenge < 200; ++challenge) {
    const uint64_t sequence = warm.Send(Ping(challenge));
    for (;;) {
      const auto message = warm.Receive();
      ASSERT_TRUE(message.has_value());
      if (message->has_response()) {
        EXPECT_EQ(message->sequence(), sequence);
        EXPECT_EQ(*mrq::ReadU32(FromMessage(message->response())), 2 * challenge);
        break;
      }
      EXPECT_EQ(ZoneOf(*message), 8u);
      ++trips;
    }
  }
  stop = true;
  firmware.join();
  EXPECT_GT(trips + TripsUntilNow(&warm).size(), 0u);
}

TEST_F(NotificationTest, WhoSaidGoodbyeGetsItsAnswersStill) {
  Hang("CLK ENABLE 155 hang nth=1");
  GuestClient warm(broker_.socket("warm"));
  warm.Hello();
  const uint64_t sequence = warm.Send(Enable(kUarta));
  warm.WritesDone();
  broker_.sim().WaitUntilHanging(1);
  for (int i = 0; i < 100; ++i) SetTemperature(8, i % 2 == 0 ? kHot : kWarm);
  broker_.sim().ReleaseHangs();
  uint64_t answered = 0;
  while (const auto message = warm.Receive()) {
    if (message->has_response()) answered = message->sequence();
  }
  EXPECT_EQ(answered, sequence);
  EXPECT_TRUE(warm.Finish().ok());
}

TEST_F(NotificationTest, WhatIsSaidWhileTheStreamIsLostIsLost) {
  uint64_t session = 0;
  {
    GuestClient warm(broker_.socket("warm"));
    session = warm.Hello().session_id();
  }
  broker_.WaitFor(event_kind::kSessionLost, "warm");
  SetTemperature(8, kHot);
  EXPECT_EQ(fates_[backend::Notified::kSent], 0u);
  EXPECT_EQ(fates_[backend::Notified::kNoSession], 2u) << "of warm and hot";
  GuestClient again(broker_.socket("warm"));
  EXPECT_TRUE(again.Hello(session).resumed());
  EXPECT_THAT(TripsUntilNow(&again), ::testing::IsEmpty());
  SetTemperature(8, kWarm);
  EXPECT_THAT(TripsUntilNow(&again), ::testing::ElementsAre(8));
}

// Its guest runs on, and the zone is as hot for it as for the others.
TEST_F(NotificationTest, AVmThatIsDrainedHearsForAsLongAsItsSessionLasts) {
  GuestClient warm(broker_.socket("warm"));
  warm.Hello();
  ASSERT_TRUE(broker_.sessions().SetDraining(broker_.vm("warm"), true));
  SetTemperature(8, kHot);
  EXPECT_THAT(TripsUntilNow(&warm), ::testing::ElementsAre(8));
}

TEST_F(NotificationTest, IsSaidToTheOperatorToo) {
  GuestClient hot(broker_.socket("hot"));
  hot.Hello();
  SetTemperature(8, kHot);
  const auto trip = broker_.WaitFor([](const service::EventLog::Record& record) {
    return record.kind == event_kind::kThermalTrip;
  });
  EXPECT_EQ(trip.text, "thermal zone 8 reached its trip; told 1 of the 2 VMs that have it");
}

}  // namespace
}  // namespace bpmp::testing
