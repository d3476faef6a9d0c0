// SPDX-License-Identifier: Apache-2.0
// How a machine with the device starts, is reset, and ends; and what the broker makes of it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "broker/mrq/codec.h"
#include "broker/service/event_log.h"
#include "qemu-client/tests/broker_process.h"
#include "tests/component/guest_requests.h"
#include "tests/qemu/qemu_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

class LivesTest : public QemuTest {
 protected:
  // Expects that a machine doesn't start, and returns why.
  std::string Refused(const std::vector<std::string>& arguments) {
    const auto qemu = StartWith(arguments);
    EXPECT_FALSE(qemu->Started());
    EXPECT_EQ(qemu->WaitForEnd(), 1);
    return qemu->Output();
  }
};

TEST_P(LivesTest, TwoMachinesAreTwoVms) {
  const auto a = Start("a");
  const auto b = Start("b");
  ASSERT_TRUE(a->Started() && b->Started());
  EXPECT_EQ(Window(a.get()).Ask(Enable(kUarta)).ret, 0);
  EXPECT_EQ(Window(b.get()).Ask(Enable(kUarta)).ret, -13);
  EXPECT_TRUE(broker_.Holds("a", kUarta));
}

TEST_P(LivesTest, AResetReleasesAndKeepsTheIdentity) {
  const auto qemu = Start("a");
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  Window window(qemu.get());
  ASSERT_EQ(window.Ask(Enable(kUarta)).ret, 0);
  ASSERT_TRUE(broker_.Holds("a", kUarta));
  EXPECT_THAT(qemu->Qmp(R"({"execute": "system_reset"})"), HasSubstr("return"));
  qemu->WaitForEvent("RESET");
  // The next request waits for the release, and finds nothing held.
  EXPECT_EQ(window.Read(window::kRet, 4), 0U);
  EXPECT_EQ(window.Read(window::kId, 4), window::kMagic);
  const WindowAnswer state = window.Ask(IsEnabled(kUarta));
  EXPECT_EQ(state.ret, 0);
  EXPECT_EQ(state.rx[0], 0);
  EXPECT_FALSE(broker_.Holds("a", kUarta));
  EXPECT_TRUE(broker_.sessions().Find(broker_.vm("a"))->connected);
}

TEST_P(LivesTest, AKilledMachineIsReleased) {
  const auto qemu = Start("a");
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  ASSERT_EQ(Window(qemu.get()).Ask(Enable(kUarta)).ret, 0);
  const uint64_t before = broker_.events().last();
  qemu->Kill();
  broker_.WaitFor("released", "a", before + 1);
  EXPECT_FALSE(broker_.Holds("a", kUarta));
}

TEST_P(LivesTest, AMachineThatQuitsIsReleased) {
  const auto qemu = Start("a");
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  ASSERT_EQ(Window(qemu.get()).Ask(Enable(kUarta)).ret, 0);
  const uint64_t before = broker_.events().last();
  qemu->Qmp(R"({"execute": "quit"})");
  EXPECT_EQ(qemu->WaitForEnd(), 0) << qemu->Output();
  broker_.WaitFor("released", "a", before + 1);
}

TEST_P(LivesTest, AFirmwareThatHangsIsATimeOut) {
  const auto qemu = Start("a", ",timeout-ms=700");
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  Window window(qemu.get());
  ASSERT_EQ(window.Ask(Clk(mrq::ClkCmd::kGetAllInfo, kUarta)).ret, 0);  // something to be stale
  AddFault("CLK ENABLE 155 hang count=1");
  const WindowAnswer late = window.Ask(Enable(kUarta));
  EXPECT_EQ(late.tstat, -110);
  EXPECT_EQ(late.ret, -23);
  EXPECT_EQ(late.answered, 0U);
  EXPECT_THAT(late.rx, Each(0));
  broker_.sim().ClearFaults();
  broker_.sim().ReleaseHangs();
  EXPECT_EQ(window.Ask(GetRate(kUarta)).ret, 0);
}

TEST_P(LivesTest, AMachineCantBeSavedOrMigrated) {
  const auto qemu = Start("a");
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  const std::string answer =
      qemu->Qmp(R"({"execute": "migrate", "arguments": {"uri": "exec:cat > /dev/null"}})");
  EXPECT_THAT(answer, HasSubstr("error"));
  EXPECT_THAT(answer, HasSubstr("nvidia-bpmp"));
}

TEST_P(LivesTest, ASocketFromALauncherWorks) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);  // inherited
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, broker_.socket("a").c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const auto qemu = StartWith({"-device", absl::StrCat("nvidia-bpmp-guest,fd=", fd)});
  close(fd);
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  EXPECT_EQ(Window(qemu.get()).Ask(Enable(kUarta)).ret, 0);
}

TEST_P(LivesTest, ItWorksInLibvirtsSandbox) {
  const auto qemu = StartWith(
      {"-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
       "-device", Device("a")});
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  EXPECT_EQ(Window(qemu.get()).Ask(Enable(kUarta)).ret, 0);
  EXPECT_EQ(qemu->Output(), "");
}

// --- What doesn't start
// ---------------------------------------------------------------------------

TEST_P(LivesTest, SaysWhatIsWrongWithItsProperties) {
  EXPECT_THAT(Refused({"-device", "nvidia-bpmp-guest"}), HasSubstr("broker="));
  EXPECT_THAT(Refused({"-device", Device("a", ",fd=0")}), HasSubstr("either broker= or fd="));
  EXPECT_THAT(Refused({"-device", Device("a", ",timeout-ms=0")}), HasSubstr("timeout-ms=0"));
  EXPECT_THAT(Refused({"-device", Device("a", ",timeout-ms=10001")}),
              HasSubstr("timeout-ms=10001"));
  EXPECT_THAT(Refused({"-device", Device("a", ",addr=0x090c0800")}), HasSubstr("addr="));
  // The UART's place, and the RAM's.
  EXPECT_THAT(Refused({"-device", Device("a", ",addr=0x09000000")}), HasSubstr("something else"));
  EXPECT_THAT(Refused({"-device", Device("a", ",addr=0x40000000")}), HasSubstr("something else"));
  EXPECT_THAT(Refused({"-device", Device("a"), "-device", Device("b")}), HasSubstr("at most one"));
  EXPECT_THAT(Refused({"-device", "nvidia-bpmp-guest,broker=dns:///localhost:1"}),
              HasSubstr("BPMP broker"));
}

TEST_P(LivesTest, SaysThatTheBrokerIsNotThere) {
  const std::string why =
      Refused({"-device", "nvidia-bpmp-guest,broker=unix:/nonexistent/a.sock,timeout-ms=100"});
  EXPECT_THAT(why, HasSubstr("/nonexistent/a.sock"));
  EXPECT_THAT(why, HasSubstr("wait=off"));
}

TEST_P(LivesTest, SaysThatTheBrokerRefuses) {
  const auto first = Start("a");
  ASSERT_TRUE(first->Started());
  EXPECT_THAT(Refused({"-device", Device("a")}), HasSubstr("refused"));
}

TEST_P(LivesTest, AnotherAddressIsTakenWhereAsked) {
  const auto qemu = Start("a", ",addr=0x090d0000");
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  Window window(qemu.get(), 0x090d0000);
  EXPECT_EQ(window.Read(window::kId, 4), window::kMagic);
  EXPECT_EQ(window.Ask(GetRate(kUarta)).ret, 0);
}

// --- A broker that goes and comes
// -------------------------------------------------------------------

class BrokerLivesTest : public LivesTest {
 protected:
  std::unique_ptr<QemuProcess> StartOn(const client::BrokerProcess& broker,
                                       const std::string& more) {
    return StartWith(
        {"-device", absl::StrCat("nvidia-bpmp-guest,broker=unix:", broker.socket(), more)});
  }
  // Asks until the broker's answer is there, and returns it.
  static WindowAnswer AskUntilAnswered(Window* window, const mrq::Request& request) {
    for (;;) {
      WindowAnswer answer = window->Ask(request);
      if (answer.tstat == 0) return answer;
    }
  }
};

TEST_P(BrokerLivesTest, WithoutWaitingItStartsFirst) {
  client::BrokerProcess broker;
  broker.Stop();
  const auto qemu = StartOn(broker, ",wait=off,timeout-ms=100");
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  Window window(qemu.get());
  const WindowAnswer alone = window.Ask(Enable(kUarta));
  EXPECT_EQ(alone.tstat, -107);
  EXPECT_EQ(alone.ret, -5);
  broker.Start();
  EXPECT_EQ(AskUntilAnswered(&window, Enable(kUarta)).ret, 0);
}

TEST_P(BrokerLivesTest, ARestartIsSurvivedAndVotesAreKept) {
  client::BrokerProcess broker;
  const auto qemu = StartOn(broker, ",timeout-ms=5000");
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  Window window(qemu.get());
  ASSERT_EQ(window.Ask(Enable(kUarta)).ret, 0);
  for (const bool kill : {false, true}) {
    if (kill) {
      broker.Kill();
    } else {
      broker.Stop();
    }
    broker.Start();
    const WindowAnswer state = AskUntilAnswered(&window, IsEnabled(kUarta));
    EXPECT_EQ(state.ret, 0);
    EXPECT_EQ(state.rx[0], 1);
  }
}

TEST_P(BrokerLivesTest, ADeadBrokerCostsOneTimeOut) {
  client::BrokerProcess broker;
  const auto qemu = StartOn(broker, ",timeout-ms=700");
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  Window window(qemu.get());
  ASSERT_EQ(window.Ask(GetRate(kUarta)).ret, 0);
  broker.Hang();
  // A whole boot. With a time-out for each it would outlast this test's own limit.
  for (int i = 0; i < 1500; ++i) {
    const WindowAnswer answer = window.Ask(GetRate(kUarta));
    ASSERT_EQ(answer.tstat, -110);
    ASSERT_EQ(answer.ret, -23);
  }
  broker.Resume();
  EXPECT_EQ(AskUntilAnswered(&window, GetRate(kUarta)).ret, 0);
}

BPMP_FOR_EACH_QEMU(LivesTest);
BPMP_FOR_EACH_QEMU(BrokerLivesTest);

// --- The device tree
// --------------------------------------------------------------------------------

class DeviceTreeTest : public QemuTest {
 protected:
  // The tree that a machine with these arguments gives its guest.
  std::string Dump(const std::vector<std::string>& arguments) {
    const std::string file = broker_.directory() + "/dumped.dtb";
    std::vector<std::string> all = {"-machine", "dumpdtb=" + file};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto qemu = StartWith(all);
    EXPECT_EQ(qemu->WaitForEnd(), 0) << qemu->Output();
    std::ifstream dumped(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(dumped), {});
  }
};

TEST_P(DeviceTreeTest, HasTheGuestsNode) {
  EXPECT_FALSE(absl::StrContains(Dump({}), "virtual-pa"));
  const std::string tree = Dump({"-device", Device("a")});
  for (const char* const text :
       {"bpmp", "nvidia,tegra234-bpmp", "nvidia,tegra186-bpmp", "virtual-pa", "#clock-cells",
        "#reset-cells", "#power-domain-cells"}) {
    EXPECT_TRUE(absl::StrContains(tree, text)) << text;
  }
  EXPECT_TRUE(absl::StrContains(tree, std::string("\0\0\0\0\x09\x0c\0\0", 8)));
  EXPECT_TRUE(absl::StrContains(Dump({"-device", Device("a", ",addr=0x090d0000")}),
                                std::string("\0\0\0\0\x09\x0d\0\0", 8)));
}

TEST_P(DeviceTreeTest, AUsersOwnStaysAsItIs) {
  const std::string own = broker_.directory() + "/own.dtb";
  std::ofstream(own, std::ios::binary) << Dump({"-device", Device("a", ",addr=0x090d0000")});
  // The device is elsewhere than the tree says, which is the user's affair.
  const std::string tree = Dump({"-dtb", own, "-device", Device("a")});
  EXPECT_TRUE(absl::StrContains(tree, std::string("\0\0\0\0\x09\x0d\0\0", 8)));
  EXPECT_FALSE(absl::StrContains(tree, std::string("\0\0\0\0\x09\x0c\0\0", 8)));
}

BPMP_FOR_EACH_QEMU(DeviceTreeTest);

}  // namespace
}  // namespace bpmp::testing
