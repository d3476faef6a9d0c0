// SPDX-License-Identifier: Apache-2.0
// A client and a broker that lives: requests, refusals, lost connections, threads, ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "broker/mrq/types.h"
#include "qemu-client/tests/broker_process.h"
#include "qemu-client/tests/client.h"
#include "tests/lib/child_guest.h"
#include "tests/lib/test_broker.h"

namespace bpmp::client {
namespace {

using ::bpmp::testing::ChildGuest;
using ::bpmp::testing::TestBroker;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr ClockId kUartaClock{kUarta};

class ClientBrokerTest : public ::testing::Test {
 protected:
  void Hang(const char* fault) {
    auto parsed = backend::sim::ParseFault(fault);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    broker_.sim().AddFault(*parsed);
  }
  std::string socket() { return broker_.socket("a"); }
  uint32_t Epoch() {
    return broker_.engine().Read(
        [vm = broker_.vm("a")](const core::Core& core) { return core.EpochOf(vm); });
  }

  TestBroker broker_{R"(vms { name: "a" devices { device: "uarta" } devices { device: "vic" } }
                        vms { name: "b" peer { unit: "nobody-is.service" } }
                        limits { request_timeout_ms: 60000 })"};
};

TEST_F(ClientBrokerTest, EveryFunctionFromC) {
  std::string output;
  EXPECT_EQ(RunProgram({CLIENT_TEST, socket()}, &output), 0);
  EXPECT_EQ(output, "");
}

TEST_F(ClientBrokerTest, ItsThreadsBlockAllSignals) {
  std::string output;
  EXPECT_EQ(RunProgram({CLIENT_PROCESS, "signals", socket()}, &output), 0);
  EXPECT_EQ(output, "");
}

TEST_F(ClientBrokerTest, WorksInTheSandboxOfQemu) {
  std::string output;
  // A leak checker at the end of the process would start another one.
  setenv("LSAN_OPTIONS", "detect_leaks=0", 1);
  EXPECT_EQ(RunProgram({CLIENT_PROCESS, "sandbox", socket()}, &output), 0);
  unsetenv("LSAN_OPTIONS");
  EXPECT_EQ(output, "");
}

TEST_F(ClientBrokerTest, TheProcessMayEndWhileItIsInUse) {
  setenv("LSAN_OPTIONS", "detect_leaks=0", 1);  // it closes nothing
  for (int i = 0; i < 10; ++i) {
    std::string output;
    EXPECT_EQ(RunProgram({CLIENT_PROCESS, "exit", socket()}, &output), 0);
    EXPECT_EQ(output, "");
  }
  unsetenv("LSAN_OPTIONS");
}

TEST_F(ClientBrokerTest, TheBrokerSeesWhoItIs) {
  TestClient client(socket());
  client.config().client_name = "a VMM with a name that is longer than sixty-four bytes, and more";
  ASSERT_EQ(client.Open(), 0) << client.error();
  EXPECT_EQ(broker_.sessions().Find(broker_.vm("a"))->client.size(), 64u);
}

TEST_F(ClientBrokerTest, SeveralThreads) {
  TestClient client(socket());
  ASSERT_EQ(client.Open(), 0) << client.error();
  std::vector<std::thread> threads;
  for (uint32_t thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&client, thread] {
      for (uint32_t i = 0; i < 300; ++i) {
        const Reply reply = client.Ping(thread * 1000 + i);
        EXPECT_TRUE(reply.ok());
        EXPECT_EQ(reply.value, 2 * (thread * 1000 + i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(ClientBrokerTest, RequestsOfOneThreadKeepTheirOrder) {
  TestClient client(socket());
  ASSERT_EQ(client.Open(), 0) << client.error();
  for (int round = 0; round < 50; ++round) {
    Pending pending[20];
    for (uint32_t i = 0; i < 20; ++i) {
      ASSERT_EQ(client.Submit(22, (i % 2 == 0 ? 7U : 8U) << 24 | kUarta, &pending[i]), 0);
    }
    for (Pending& one : pending) EXPECT_EQ(one.Wait(), 0);
    EXPECT_FALSE(broker_.Holds("a", kUartaClock));
  }
}

// --- Refusals -----------------------------------------------------------------------------------

TEST_F(ClientBrokerTest, AnotherProcessHasTheSession) {
  auto other = std::make_unique<ChildGuest>();
  ASSERT_THAT(other->Ask("hello " + socket()), StartsWith("welcome"));
  TestClient client(socket());
  EXPECT_EQ(client.Open(), -EACCES);
  EXPECT_THAT(client.error(), HasSubstr("VM a has a session already: pid "));
  // In the background it asks again, until it is let in.
  ASSERT_EQ(client.Open(0), 0);
  client.WaitForLog("VM a has a session already: pid ");
  EXPECT_EQ(client.Ping(1).status, -EACCES);
  other.reset();
  while (client.Ping(1).status == -EACCES) std::this_thread::yield();
  EXPECT_TRUE(client.Ping(1).ok());
}

TEST_F(ClientBrokerTest, AnotherClientOfThisProcessTakesTheSessionForGood) {
  TestClient first(socket());
  ASSERT_EQ(first.Open(), 0) << first.error();
  TestClient second(socket());
  ASSERT_EQ(second.Open(), 0) << second.error();
  first.WaitForLog("taken over");
  EXPECT_EQ(first.Ping(1).status, -EACCES);
  EXPECT_TRUE(second.Ping(1).ok());
}

TEST_F(ClientBrokerTest, APeerThatTheBrokerDoesNotListenTo) {
  TestClient client(broker_.socket("b"));
  EXPECT_EQ(client.Open(), -EACCES);
  EXPECT_THAT(client.error(), HasSubstr("may this process use it?"));
}

TEST_F(ClientBrokerTest, ADrainedVm) {
  TestClient client(socket());
  ASSERT_EQ(client.Open(), 0) << client.error();
  std::promise<absl::Status> deleted;
  broker_.registry().Delete("a", [&](absl::Status status) { deleted.set_value(status); });
  EXPECT_TRUE(deleted.get_future().get().ok());
  client.WaitForLog("refused the session");
}

// --- Time ---------------------------------------------------------------------------------------

TEST_F(ClientBrokerTest, ASlowAnswerTimesOutAndBlocksNobody) {
  TestClient client(socket());
  ASSERT_EQ(client.Open(), 0) << client.error();
  Hang("CLK ENABLE 155 hang nth=1");
  Pending slow;
  ASSERT_EQ(client.Submit(22, 7U << 24 | kUarta, &slow, 200), 0);
  EXPECT_EQ(slow.Wait(), -ETIMEDOUT);
  EXPECT_TRUE(client.Ping(1).ok());
  broker_.sim().ReleaseHangs();
  EXPECT_TRUE(client.Enable(kUarta).ok());
}

TEST_F(ClientBrokerTest, TooManyRequests) {
  TestClient client(socket());
  ASSERT_EQ(client.Open(), 0) << client.error();
  Hang("CLK ENABLE 155 hang nth=1");
  Pending pending[BPMP_CLIENT_MAX_OUTSTANDING];
  for (Pending& one : pending) ASSERT_EQ(client.Submit(22, 7U << 24 | kUarta, &one), 0);
  EXPECT_EQ(client.Ping(1).status, -EBUSY);
  broker_.sim().WaitUntilHanging(1);
  broker_.sim().ReleaseHangs();
  for (Pending& one : pending) EXPECT_EQ(one.Wait(), 0);
  EXPECT_TRUE(client.Ping(1).ok());
}

// --- Ends ---------------------------------------------------------------------------------------

TEST_F(ClientBrokerTest, ClosingEndsWhatWaits) {
  TestClient client(socket());
  ASSERT_EQ(client.Open(), 0) << client.error();
  Hang("CLK ENABLE 155 hang nth=1");
  Pending pending;
  ASSERT_EQ(client.Submit(22, 7U << 24 | kUarta, &pending), 0);
  broker_.sim().WaitUntilHanging(1);
  Reply blocked;
  std::thread caller([&] { blocked = client.Enable(kUarta); });
  // Its request is on its way, so that it is inside.
  while (broker_.sessions().Find(broker_.vm("a"))->requests < 2) std::this_thread::yield();
  client.Close();
  caller.join();
  EXPECT_EQ(blocked.status, -ESHUTDOWN);
  EXPECT_EQ(pending.Wait(), -ESHUTDOWN);
  broker_.sim().ReleaseHangs();
}

TEST_F(ClientBrokerTest, ClosingAtOnce) {
  for (int i = 0; i < 50; ++i) {
    TestClient client(socket());
    ASSERT_EQ(client.Open(i % 2 == 0 ? 0 : kLong), 0) << client.error();
    Pending pending;
    ASSERT_EQ(client.Submit(0, 1, &pending), 0);
    client.Close();
    EXPECT_THAT(pending.Wait(), ::testing::AnyOf(0, -ESHUTDOWN));
  }
}

// --- Lost connections ---------------------------------------------------------------------------

TEST_F(ClientBrokerTest, ALostConnectionIsContinued) {
  TestClient client(socket());
  ASSERT_EQ(client.Open(), 0) << client.error();
  ASSERT_TRUE(client.Enable(kUarta).ok());
  const uint64_t session = broker_.sessions().Find(broker_.vm("a"))->id;
  ASSERT_EQ(CutConnections(socket()), 1);
  client.WaitForLog("continued");
  EXPECT_EQ(client.IsEnabled(kUarta).value, 1u);
  EXPECT_EQ(broker_.sessions().Find(broker_.vm("a"))->id, session);
}

TEST_F(ClientBrokerTest, ARequestOnALostConnection) {
  TestClient client(socket());
  ASSERT_EQ(client.Open(), 0) << client.error();
  Hang("CLK ENABLE 155 hang nth=1");
  Pending pending;
  ASSERT_EQ(client.Submit(22, 7U << 24 | kUarta, &pending), 0);
  broker_.sim().WaitUntilHanging(1);
  ASSERT_EQ(CutConnections(socket()), 1);
  EXPECT_EQ(pending.Wait(), -ECONNRESET);
  broker_.sim().ReleaseHangs();
  EXPECT_TRUE(client.Ping(1).ok());
}

TEST_F(ClientBrokerTest, AResetRightAfterTheSessionWasContinuedReleases) {
  TestClient client(socket());
  ASSERT_EQ(client.Open(), 0) << client.error();
  ASSERT_TRUE(client.Enable(kUarta).ok());
  const uint32_t epoch = Epoch();
  ASSERT_EQ(CutConnections(socket()), 1);
  client.WaitForLog("continued");
  EXPECT_EQ(bpmp_client_reset(client.get()), 0);
  EXPECT_FALSE(broker_.Holds("a", kUartaClock));
  EXPECT_EQ(Epoch(), epoch + 1);
}

TEST_F(ClientBrokerTest, AResetWhileTheConnectionIsLostReleases) {
  TestClient client(socket(), 100);
  ASSERT_EQ(client.Open(), 0) << client.error();
  ASSERT_TRUE(client.Enable(kUarta).ok());
  const uint32_t epoch = Epoch();
  const std::string away = socket() + ".away";
  ASSERT_EQ(rename(socket().c_str(), away.c_str()), 0);
  ASSERT_EQ(CutConnections(socket()), 1);
  client.WaitForLog("can't connect");
  EXPECT_EQ(bpmp_client_reset(client.get()), -ENOTCONN);
  EXPECT_TRUE(broker_.Holds("a", kUartaClock));
  ASSERT_EQ(rename(away.c_str(), socket().c_str()), 0);
  const Reply reply = client.Retry([](TestClient& c) { return c.IsEnabled(kUarta); });
  EXPECT_EQ(reply.value, 0u);
  EXPECT_FALSE(broker_.Holds("a", kUartaClock));
  EXPECT_EQ(Epoch(), epoch + 1) << "once";
}

TEST_F(ClientBrokerTest, ADescriptorIsNotConnectedAgain) {
  const int fd = ConnectedSocket(socket());
  bpmp_client_config config = BPMP_CLIENT_CONFIG_INIT;
  config.fd = fd;
  TestClient client(config);
  ASSERT_EQ(client.Open(), 0) << client.error();
  EXPECT_TRUE(client.Ping(1).ok());
  ASSERT_EQ(CutConnections(socket()), 1);
  client.WaitForLog("connection to the broker lost");
  EXPECT_EQ(client.Ping(1).status, -ENOTCONN);
}

}  // namespace
}  // namespace bpmp::client
