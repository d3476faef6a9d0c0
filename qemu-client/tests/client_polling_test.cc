// SPDX-License-Identifier: Apache-2.0
// Who polls the client's stream: a caller that waits alone, else the library's own thread.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "qemu-client/tests/client.h"
#include "tests/lib/test_broker.h"

namespace bpmp::client {
namespace {

using ::bpmp::testing::TestBroker;

constexpr uint32_t kMrqClk = 22;
constexpr uint32_t kMrqPing = 0;

class ClientPollingTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(client_.Open(), 0) << client_.error(); }
  void TearDown() override { broker_.sim().ReleaseHangs(); }

  // A caller that waits alone, and so polls, until ReleaseHangs(); the reply is there after join().
  std::thread HangingCaller(Reply* reply) {
    auto fault = backend::sim::ParseFault("CLK ENABLE 155 hang nth=1");
    EXPECT_TRUE(fault.ok()) << fault.status();
    if (fault.ok()) broker_.sim().AddFault(*fault);
    std::thread caller([this, reply] { *reply = client_.Enable(kUarta); });
    broker_.sim().WaitUntilHanging(1);
    return caller;
  }

  TestBroker broker_{R"(vms { name: "a" devices { device: "uarta" } }
                        limits { request_timeout_ms: 60000 requests_per_second: 1000000 })"};
  TestClient client_{broker_.socket("a")};
};

TEST_F(ClientPollingTest, ClosingEndsACaller) {
  Reply reply;
  std::thread caller = HangingCaller(&reply);
  client_.Close();
  caller.join();
  EXPECT_EQ(reply.status, -ESHUTDOWN);
}

TEST_F(ClientPollingTest, ALostConnectionEndsACaller) {
  Reply reply;
  std::thread caller = HangingCaller(&reply);
  ASSERT_EQ(CutConnections(broker_.socket("a")), 1);
  caller.join();
  EXPECT_EQ(reply.status, -ECONNRESET);
  client_.WaitForLog("continued");
  EXPECT_TRUE(client_.Ping(1).ok());
}

TEST_F(ClientPollingTest, OthersAreAnsweredWhileACallerWaits) {
  Reply reply;
  std::thread caller = HangingCaller(&reply);
  Pending pending;
  ASSERT_EQ(client_.Submit(kMrqPing, 1, &pending), 0);
  EXPECT_EQ(pending.Wait(), 0);
  EXPECT_TRUE(client_.Ping(1).ok());
  broker_.sim().ReleaseHangs();
  caller.join();
  EXPECT_EQ(reply.status, 0);
}

TEST_F(ClientPollingTest, WhatIsSubmittedRightAfterACallerIsAnswered) {
  for (int round = 0; round < 300; ++round) {
    ASSERT_TRUE(client_.Ping(1).ok());
    Pending pending;
    ASSERT_EQ(client_.Submit(kMrqPing, 1, &pending), 0);
    ASSERT_EQ(pending.Wait(), 0);
  }
}

// Asked at any moment of a connection's making, by callers of both kinds.
TEST_F(ClientPollingTest, WhatIsAskedWhileItConnectsIsAnswered) {
  for (int round = 0; round < 200; ++round) {
    client_.Close();
    ASSERT_EQ(client_.Open(0), 0) << client_.error();
    for (int i = 0; i < round % 20; ++i) std::this_thread::yield();
    Pending pending;
    ASSERT_EQ(client_.Submit(kMrqPing, 1, &pending), 0);
    ASSERT_EQ(client_.Ping(1).status, 0);
    ASSERT_EQ(pending.Wait(), 0);
  }
}

TEST_F(ClientPollingTest, ACallerWhoseAnswerComesLateSleepsForIt) {
  for (int round = 0; round < 20; ++round) {
    Reply reply;
    std::thread caller = HangingCaller(&reply);
    broker_.sim().ReleaseHangs();
    caller.join();
    ASSERT_TRUE(reply.ok());
    ASSERT_TRUE(client_.Clk(8, kUarta).ok());
  }
}

TEST_F(ClientPollingTest, CallersAndSubmittersTogether) {
  std::vector<std::thread> threads;
  for (uint32_t thread = 0; thread < 3; ++thread) {
    threads.emplace_back([this] {
      for (uint32_t i = 0; i < 300; ++i) EXPECT_EQ(client_.Ping(i).value, 2 * i);
    });
    threads.emplace_back([this] {
      for (uint32_t i = 0; i < 300; ++i) {
        Pending pending;
        EXPECT_EQ(client_.Submit(kMrqClk, 6U << 24 | kUarta, &pending), 0);
        EXPECT_EQ(pending.Wait(), 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace bpmp::client
