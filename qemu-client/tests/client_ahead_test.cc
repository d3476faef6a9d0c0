// SPDX-License-Identifier: Apache-2.0
// A client that reads ahead, and a broker.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "qemu-client/tests/client.h"
#include "tests/lib/test_broker.h"

namespace bpmp::client {
namespace {

constexpr uint32_t kIsEnabled = 6;
constexpr uint32_t kGetAllInfo = 14;

class ClientAheadTest : public ::testing::Test {
 protected:
  void Open(uint64_t flags) {
    client_ = std::make_unique<TestClient>(broker_.socket("a"));
    client_->config().flags = flags;
    ASSERT_EQ(client_->Open(), 0) << client_->error();
  }
  Reply Ask(uint32_t command, uint32_t clock) {
    Pending pending;
    EXPECT_EQ(client_->Submit(22, command << 24 | clock, &pending), 0);
    return pending.WaitForReply();
  }
  // How many requests the broker has had until now.
  uint64_t Requests() {
    EXPECT_TRUE(client_->Ping(1).ok());
    return broker_.sessions().Find(broker_.vm("a"))->requests;
  }

  bpmp::testing::TestBroker broker_{R"(vms { name: "a" devices { device: "uarta" } })"};
  std::unique_ptr<TestClient> client_;
};

TEST_F(ClientAheadTest, ARowIsAnsweredAsIfEachHadBeenAskedInItsTurn) {
  std::vector<Reply> expected;
  Open(0);
  for (uint32_t clock = 0; clock <= 160; ++clock) expected.push_back(Ask(kGetAllInfo, clock));
  EXPECT_EQ(Requests(), 162u);
  client_.reset();
  Open(BPMP_CLIENT_READ_AHEAD);
  for (uint32_t clock = 0; clock <= 160; ++clock) {
    const Reply reply = Ask(kGetAllInfo, clock);
    EXPECT_EQ(reply.status, 0);
    EXPECT_EQ(reply.error, expected[clock].error);
    EXPECT_EQ(reply.value, expected[clock].value);
  }
}

TEST_F(ClientAheadTest, WhatComesNextIsAskedAhead) {
  Open(BPMP_CLIENT_READ_AHEAD);
  for (uint32_t clock = 10; clock < 20; ++clock) EXPECT_EQ(Ask(kGetAllInfo, clock).status, 0);
  // Ten, one ahead, and the PING. On a slow machine an answer may be too old, and is asked for
  // again.
  const uint64_t requests = Requests();
  EXPECT_GE(requests, 12u);
  EXPECT_LE(requests, 21u);
}

TEST_F(ClientAheadTest, WhatTheGuestHasDoneIsSeen) {
  Open(BPMP_CLIENT_READ_AHEAD);
  for (uint32_t round = 0; round < 20; ++round) {
    for (uint32_t clock = kUarta; clock < kUarta + 4; ++clock) Ask(kGetAllInfo, clock);
    for (uint32_t clock = kUarta + 3; clock > kUarta; --clock) Ask(kIsEnabled, clock);
    ASSERT_TRUE(client_->Enable(kUarta).ok());
    EXPECT_EQ(Ask(kIsEnabled, kUarta).value, 1u) << round;
    ASSERT_EQ(bpmp_client_reset(client_->get()), 0);
    EXPECT_EQ(Ask(kIsEnabled, kUarta).value, 0u) << round;
  }
}

TEST_F(ClientAheadTest, WhoWaitsForItsAnswersReadsNothingAhead) {
  Open(BPMP_CLIENT_READ_AHEAD);
  for (uint32_t clock = 10; clock < 20; ++clock) {
    EXPECT_EQ(client_->Clk(kGetAllInfo, clock).status, 0);
  }
  EXPECT_EQ(Requests(), 11u);
}

}  // namespace
}  // namespace bpmp::client
