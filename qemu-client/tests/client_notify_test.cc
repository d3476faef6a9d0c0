// SPDX-License-Identifier: Apache-2.0
// What the firmware says unasked, from the simulated board to a VMM's callback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <string>
#include <thread>

#include "qemu-client/tests/client.h"
#include "tests/lib/test_broker.h"

namespace bpmp::client {
namespace {

using ::bpmp::testing::TestBroker;

constexpr uint32_t kMrqThermal = 27;

std::string Trip(uint32_t zone) {
  return std::string("\x64\0\0\0", 4) + std::string(1, static_cast<char>(zone)) +
         std::string(3, '\0');
}

class ClientNotifyTest : public ::testing::Test {
 protected:
  ClientNotifyTest() {
    client_.config().notify = &Heard::Notify;
    client_.config().notify_opaque = &heard_;
  }
  void TearDown() override { broker_.sim().ReleaseHangs(); }

  // Each call reaches the zone's trip. What it says is on the way to the client once it returns.
  void Cross(uint32_t zone = 8) {
    hot_ = !hot_;
    broker_.sim().WithModel([&](backend::sim::TegraModel& model) {
      model.thermal().SetTemperature(ThermalZoneId(zone), hot_ ? 99'000 : 40'000);
    });
  }

  TestBroker broker_{R"(vms { name: "a" devices { device: "uarta" } thermal { zones: 8 } }
                        vms { name: "plain" devices { device: "vic" } }
                        limits { request_timeout_ms: 60000 requests_per_second: 1000000 })"};
  Heard heard_;
  TestClient client_{broker_.socket("a")};
  bool hot_ = false;
};

TEST_F(ClientNotifyTest, AnIdleClientIsTold) {
  ASSERT_EQ(client_.Open(), 0) << client_.error();
  Cross();
  EXPECT_EQ(heard_.Wait(1)[0], (Heard::Message{kMrqThermal, Trip(8)}));
  Cross();
  EXPECT_EQ(heard_.Wait(2).size(), 2u);
}

// In the moment in which the library's thread leaves the stream to callers.
TEST_F(ClientNotifyTest, IsToldRightAfterACaller) {
  ASSERT_EQ(client_.Open(), 0) << client_.error();
  for (size_t round = 1; round <= 50; ++round) {
    ASSERT_TRUE(client_.Ping(1).ok());
    Cross();
    heard_.Wait(round);
  }
  EXPECT_EQ(heard_.count(), 50u);
}

TEST_F(ClientNotifyTest, IsToldWhileACallerWaits) {
  ASSERT_EQ(client_.Open(), 0) << client_.error();
  auto fault = backend::sim::ParseFault("CLK ENABLE 155 hang nth=1");
  ASSERT_TRUE(fault.ok()) << fault.status();
  broker_.sim().AddFault(*fault);
  Reply reply;
  std::thread caller([&] { reply = client_.Enable(kUarta); });
  broker_.sim().WaitUntilHanging(1);
  Cross();
  heard_.Wait(1);
  broker_.sim().ReleaseHangs();
  caller.join();
  EXPECT_TRUE(reply.ok());
}

TEST_F(ClientNotifyTest, IsToldAgainOnceTheConnectionIsBack) {
  ASSERT_EQ(client_.Open(), 0) << client_.error();
  ASSERT_EQ(CutConnections(broker_.socket("a")), 1);
  client_.WaitForLog("continued");
  Cross();
  EXPECT_EQ(heard_.Wait(1).size(), 1u);
}

TEST_F(ClientNotifyTest, TheCallbackMaySubmit) {
  struct Reader {
    static void Notify(void* opaque, uint32_t, const void*, size_t) {
      auto* const self = static_cast<Reader*>(opaque);
      self->submitted = self->client->Submit(0, 1, &self->pending);
    }
    TestClient* client;
    Pending pending;
    int submitted = 1;
  } reader{&client_, {}, 1};
  client_.config().notify = &Reader::Notify;
  client_.config().notify_opaque = &reader;
  ASSERT_EQ(client_.Open(), 0) << client_.error();
  Cross();
  EXPECT_EQ(reader.pending.Wait(), 0);
  EXPECT_EQ(reader.submitted, 0);
  client_.Close();
}

TEST_F(ClientNotifyTest, NothingIsSaidAfterTheEnd) {
  ASSERT_EQ(client_.Open(), 0) << client_.error();
  std::thread firmware([this] {
    for (int i = 0; i < 300; ++i) Cross();
  });
  heard_.Wait(1);
  client_.Close();
  const size_t count = heard_.count();
  firmware.join();
  EXPECT_EQ(heard_.count(), count);
}

TEST_F(ClientNotifyTest, WhoDoesntOptInHearsNothing) {
  TestClient plain(broker_.socket("plain"));
  Heard nothing;
  plain.config().notify = &Heard::Notify;
  plain.config().notify_opaque = &nothing;
  ASSERT_EQ(plain.Open(), 0) << plain.error();
  ASSERT_EQ(client_.Open(), 0) << client_.error();
  Cross();
  heard_.Wait(1);
  // Its answer would follow what was said before.
  ASSERT_TRUE(plain.Ping(1).ok());
  EXPECT_EQ(nothing.count(), 0u);
}

TEST_F(ClientNotifyTest, AProgramWithoutTheCallbackGoesOn) {
  client_.config().notify = nullptr;
  ASSERT_EQ(client_.Open(), 0) << client_.error();
  Cross();
  EXPECT_TRUE(client_.Ping(1).ok());
}

// What lies behind its structure is none of the library's business.
TEST_F(ClientNotifyTest, AProgramWithAnOlderHeaderGoesOn) {
  client_.config().struct_size = offsetof(bpmp_client_config, notify);
  ASSERT_EQ(client_.Open(), 0) << client_.error();
  Cross();
  EXPECT_TRUE(client_.Ping(1).ok());
  EXPECT_EQ(heard_.count(), 0u);
}

}  // namespace
}  // namespace bpmp::client
