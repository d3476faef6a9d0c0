// SPDX-License-Identifier: Apache-2.0
// A client and the real broker, which is stopped, restarted, hung, and killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "qemu-client/tests/broker_process.h"
#include "qemu-client/tests/client.h"

namespace bpmp::client {
namespace {

using ::testing::AnyOf;

class ClientLivesTest : public ::testing::Test {
 protected:
  // A client with a clock and a domain.
  void Begin(TestClient& client) {
    ASSERT_EQ(client.Open(), 0) << client.error();
    ASSERT_TRUE(client.Enable(kUarta).ok());
    ASSERT_TRUE(client.Power(kVicDomain, true).ok());
  }
  static Reply AskUarta(TestClient& client) { return client.IsEnabled(kUarta); }
  static void ExpectVotes(TestClient& client) {
    EXPECT_EQ(client.Retry(&AskUarta).value, 1u);
    EXPECT_EQ(client.PowerState(kVicDomain).value, 1u);
  }

  BrokerProcess broker_;
};

TEST_F(ClientLivesTest, ARestartCostsNothingWithinTheDeadline) {
  TestClient client(broker_.socket());
  Begin(client);
  broker_.Stop();
  client.WaitForLog("connection to the broker lost");
  // Asked while nobody is there.
  Pending pending;
  ASSERT_EQ(client.Submit(0, 1, &pending), 0);
  broker_.Start();
  EXPECT_EQ(pending.Wait(), 0);
  ExpectVotes(client);
}

TEST_F(ClientLivesTest, AKillCostsOneErrorAtWorst) {
  TestClient client(broker_.socket());
  Begin(client);
  for (int round = 0; round < 3; ++round) {
    broker_.Kill();
    broker_.Start();
    ExpectVotes(client);
  }
}

TEST_F(ClientLivesTest, AKillInTheMiddleOfRequests) {
  TestClient client(broker_.socket());
  Begin(client);
  std::atomic<bool> over{false};
  std::atomic<int> answered{0};
  std::vector<std::thread> vcpus;
  for (uint32_t vcpu = 0; vcpu < 4; ++vcpu) {
    vcpus.emplace_back([&, vcpu] {
      for (uint32_t i = 0; !over; ++i) {
        const Reply reply = client.Ping(vcpu + i);
        EXPECT_THAT(reply.status, AnyOf(0, -ECONNRESET));
        if (reply.status == 0) ++answered;
      }
    });
  }
  for (int round = 0; round < 3; ++round) {
    const int before = answered;
    while (answered < before + 1000) std::this_thread::yield();
    broker_.Kill();
    broker_.Start();
  }
  const int before = answered;
  while (answered < before + 1000) std::this_thread::yield();
  over = true;
  for (std::thread& vcpu : vcpus) vcpu.join();
  ExpectVotes(client);
}

TEST_F(ClientLivesTest, AHungBrokerCostsOneDeadline) {
  TestClient client(broker_.socket(), 300);
  Begin(client);
  broker_.Hang();
  EXPECT_EQ(client.Ping(1).status, -ETIMEDOUT);
  // At a deadline each, this alone would last longer than the test may.
  for (int i = 0; i < 1500; ++i) EXPECT_EQ(client.Ping(1).status, -ETIMEDOUT);
  client.WaitForLog("does not answer");
  broker_.Resume();
  ExpectVotes(client);
}

TEST_F(ClientLivesTest, ADeadBrokerCostsOneDeadline) {
  TestClient client(broker_.socket(), 300);
  Begin(client);
  broker_.Kill();
  client.WaitForLog("connection to the broker lost");
  for (int i = 0; i < 1500; ++i) EXPECT_EQ(client.Ping(1).status, -ENOTCONN);
  broker_.Start();
  ExpectVotes(client);
}

TEST_F(ClientLivesTest, AHungBrokerThatIsKilledAndRestarted) {
  TestClient client(broker_.socket(), 300);
  Begin(client);
  broker_.Hang();
  EXPECT_EQ(client.Ping(1).status, -ETIMEDOUT);
  broker_.Kill();
  broker_.Start();
  ExpectVotes(client);
}

TEST_F(ClientLivesTest, AResetWhileTheBrokerIsAwayEndsTheVotes) {
  TestClient client(broker_.socket(), 100);
  Begin(client);
  broker_.Kill();
  client.WaitForLog("connection to the broker lost");
  EXPECT_EQ(bpmp_client_reset(client.get()), -ENOTCONN);
  broker_.Start();
  EXPECT_EQ(client.Retry(&AskUarta).value, 0u);
  EXPECT_EQ(client.PowerState(kVicDomain).value, 0u);
  EXPECT_TRUE(client.Enable(kUarta).ok());
}

TEST_F(ClientLivesTest, AHungBrokerDoesNotHoldUpClosing) {
  TestClient client(broker_.socket());
  Begin(client);
  broker_.Hang();
  Pending pending;
  ASSERT_EQ(client.Submit(0, 1, &pending), 0);
  client.Close();
  EXPECT_EQ(pending.Wait(), -ESHUTDOWN);
}

TEST_F(ClientLivesTest, AHungBrokerTakesNoSession) {
  TestClient first(broker_.socket());
  Begin(first);
  first.Close();
  broker_.Hang();
  TestClient client(broker_.socket());
  EXPECT_EQ(client.Open(50), -ETIMEDOUT) << client.error();
}

TEST_F(ClientLivesTest, ABrokerThatStartsLater) {
  broker_.Kill();
  TestClient client(broker_.socket());
  ASSERT_EQ(client.Open(0), 0) << client.error();
  Pending pending;
  ASSERT_EQ(client.Submit(0, 1, &pending), 0);
  broker_.Start();
  EXPECT_EQ(pending.Wait(), 0);
}

}  // namespace
}  // namespace bpmp::client
