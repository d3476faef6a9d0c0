// SPDX-License-Identifier: Apache-2.0
// bpmpctl against a whole broker on the simulated Tegra234: the verbs in this process, and the
// program where a VM's life is that of a process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bpmp/v1/admin.pb.h"
#include "broker/ctl/json.h"
#include "broker/ctl/run_in_test.h"
#include "broker/ctl/tool_process.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

using ctl::Result;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CtlBrokerTest : public ::testing::Test {
 protected:
  Result Ctl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--socket", broker_.admin_socket()});
    return ctl::RunInTest(arguments);
  }

  // A VM: the program in a process of its own, its session open.
  std::unique_ptr<ctl::ToolProcess> StartVm(const std::string& vm) {
    auto process = std::make_unique<ctl::ToolProcess>(
        std::vector<std::string>{BPMPCTL, "--socket", broker_.admin_socket(), "session", vm});
    EXPECT_THAT(process->ReadLine(), HasSubstr(" of " + vm + ", epoch "));
    return process;
  }

  static std::string Ask(ctl::ToolProcess& vm, const std::string& request) {
    vm.Write(request + "\n");
    return vm.ReadLine();
  }

  TestBroker broker_{R"(
      clocks { clock: "i2c2" rate_policy: RATE_POLICY_RANGE }
      vms { name: "range-vm" clocks { name: "i2c2" access: ACCESS_VOTE } }
      vms { name: "serial-vm" devices { device: "uarta" } }
      vms { name: "video-vm" devices { device: "vic" } }
      vms { name: "voter-vm" clocks { name: "uarta" access: ACCESS_VOTE } })"};
};

TEST_F(CtlBrokerTest, AVmsLifeIsSeen) {
  auto serial = StartVm("serial-vm");
  auto voter = StartVm("voter-vm");
  EXPECT_EQ(Ask(*serial, "clk enable uarta"), "clk enable uarta: ok");
  EXPECT_EQ(Ask(*voter, "clk enable uarta"), "clk enable uarta: ok");
  const std::string holders = Ctl({"clock", "holders", "uarta"}).out;
  EXPECT_THAT(holders, HasSubstr("serial-vm"));
  EXPECT_THAT(holders, HasSubstr("voter-vm"));
  EXPECT_THAT(Ctl({"vm", "list"}).out, HasSubstr("bpmpctl session"));
  EXPECT_THAT(Ctl({"vm", "show", "serial-vm"}).out, HasSubstr("uarta"));
  EXPECT_THAT(Ctl({"clock", "tree"}).out, HasSubstr("─ uarta"));
  EXPECT_THAT(Ctl({"why-on", "clock:uarta"}).out, HasSubstr("serial-vm votes for it"));

  serial->Signal(SIGKILL);
  EXPECT_EQ(serial->Wait(), -SIGKILL);
  broker_.WaitFor("released", "serial-vm");
  EXPECT_THAT(Ctl({"clock", "holders", "uarta"}).out, Not(HasSubstr("serial-vm")));

  EXPECT_EQ(Ask(*voter, "machine-reset"), "machine-reset: ok: released; epoch 2 begins");
  EXPECT_EQ(Ctl({"clock", "holders", "uarta"}).out, "nobody holds uarta\n");
  voter->CloseInput();
  EXPECT_EQ(voter->Wait(), 0);
}

TEST_F(CtlBrokerTest, WhatIsRefusedIsExplained) {
  const Result denied = Ctl({"request", "video-vm", "reset", "pulse", "uarta"});
  EXPECT_EQ(denied.code, 1);
  EXPECT_THAT(denied.out, StartsWith("refused: EACCES: "));
  EXPECT_THAT(denied.out, HasSubstr("see: bpmpctl why-denied video-vm reset pulse uarta"));
  const Result why = Ctl({"why-denied", "video-vm", "reset", "pulse", "uarta"});
  EXPECT_EQ(why.code, 0);
  EXPECT_THAT(why.out, HasSubstr("would be refused with EACCES"));
  EXPECT_THAT(why.out, HasSubstr("[not-permitted]"));
  EXPECT_EQ(Ctl({"request", "serial-vm", "raw", "75", "1"}).code, 1);
  EXPECT_EQ(Ctl({"request", "nobody", "ping"}).code, 4);
}

TEST_F(CtlBrokerTest, RequestsAreAnsweredInWords) {
  EXPECT_EQ(Ctl({"request", "serial-vm", "ping", "21"}).out,
            "ok: 42, twice the challenge as it must\n");
  EXPECT_EQ(Ctl({"request", "serial-vm", "clk", "enable", "uarta"}).out, "ok\n");
  EXPECT_EQ(Ctl({"request", "serial-vm", "clk", "is-enabled", "155"}).out,
            "ok: enabled by this VM\n");
  EXPECT_THAT(Ctl({"request", "serial-vm", "clk", "set-rate", "uarta", "48MHz"}).out,
              StartsWith("ok: 4"));
  EXPECT_THAT(Ctl({"request", "serial-vm", "clk", "get-parent", "uarta"}).out,
              HasSubstr("pllp_out0 (102)"));
  EXPECT_THAT(Ctl({"request", "serial-vm", "clk", "info", "uarta"}).out, HasSubstr("parents "));
  EXPECT_EQ(Ctl({"request", "video-vm", "pg", "on", "vic"}).out, "ok\n");
  EXPECT_EQ(Ctl({"request", "video-vm", "pg", "get", "vic"}).out, "ok: on for this VM\n");
  EXPECT_EQ(Ctl({"request", "serial-vm", "raw", "22", "0x0800009b"}).out, "ok\n");
  EXPECT_EQ(Ctl({"clock", "holders", "uarta"}).out, "nobody holds uarta\n");
}

TEST_F(CtlBrokerTest, ARangeOfRatesIsStated) {
  const std::vector<std::string> range = {"clk", "set-rate-range", "i2c2", "10MHz", "60MHz"};
  const auto with = [&range](std::vector<std::string> words) {
    words.insert(words.end(), range.begin(), range.end());
    return words;
  };
  const Result set = Ctl(with({"request", "range-vm"}));
  EXPECT_EQ(set.code, 0) << set.err;
  EXPECT_THAT(set.out, ::testing::ContainsRegex("^ok: [0-9.]+ MHz"));
  EXPECT_THAT(Ctl({"clock", "show", "i2c2"}).out, HasSubstr("10 MHz to 60 MHz"));
  const Result other = Ctl({"request", "serial-vm", "clk", "set-rate-range", "uarta", "1", "2"});
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.out, HasSubstr("rate policy isn't 'range'"));
  // Where it can't be said, it is said where it can.
  EXPECT_THAT(Ctl(with({"why-denied", "range-vm"})).err,
              HasSubstr("bpmpctl request VM clk set-rate-range i2c2 10MHz 60MHz"));
  EXPECT_EQ(Ctl(with({"request", "range-vm", "--lease", "connection"})).code, 2);
  EXPECT_EQ(Ctl({"request", "range-vm", "clk", "set-rate-range", "i2c2", "10MHz"}).code, 2);
  auto vm = StartVm("range-vm");
  vm->Write("clk set-rate-range i2c2 10MHz 60MHz\nping 1\n");
  EXPECT_EQ(vm->ReadLine(), "ping 1: ok: 2, twice the challenge as it must");
}

TEST_F(CtlBrokerTest, DevicesAreListedCompletedAndSuggested) {
  const std::string list = Ctl({"device", "list"}).out;
  EXPECT_THAT(list, ::testing::ContainsRegex("uarta +serial@3100000 +serial-vm +uarta "));
  ctl::ToolProcess shell({BPMPCTL, "__complete", "--socket", broker_.admin_socket(), "vm", "add",
                          "new-vm", "--device", "uart"});
  const std::string words = shell.ReadAll();
  EXPECT_EQ(shell.Wait(), 0);
  EXPECT_THAT(words, HasSubstr("uarta"));
  EXPECT_THAT(words, Not(HasSubstr("vic")));
  const Result slip = Ctl({"vm", "add", "new-vm", "--device", "i2c@3160001"});
  EXPECT_EQ(slip.code, 1);
  EXPECT_THAT(slip.err, HasSubstr("did you mean i2c@3160000? All there are: bpmpctl device list"));
  const Result taken = Ctl({"vm", "add", "new-vm", "--device", "uarta"});
  EXPECT_EQ(taken.code, 1);
  EXPECT_THAT(taken.err, Not(HasSubstr("no device")));
}

TEST_F(CtlBrokerTest, ALeasedVoteLastsAsLongAsTheProgram) {
  const auto leased = [this] {
    auto process = std::make_unique<ctl::ToolProcess>(
        std::vector<std::string>{BPMPCTL, "--socket", broker_.admin_socket(), "request",
                                 "serial-vm", "--lease", "connection", "clk", "enable", "uarta"});
    EXPECT_EQ(process->ReadLine(), "ok");
    EXPECT_TRUE(broker_.Holds("serial-vm", ClockId(155)));
    return process;
  };
  auto wait_until_dropped = [this, since = uint64_t{1}]() mutable {
    since = 1 + broker_
                    .WaitFor(
                        [](const auto& record) {
                          return record.kind == "vote" && record.event.value == 0;
                        },
                        since)
                    .number;
  };
  auto process = leased();
  process->CloseInput();
  EXPECT_EQ(process->Wait(), 0);
  wait_until_dropped();
  process = leased();
  process->Signal(SIGINT);
  process->Wait();
  wait_until_dropped();
  process = leased();
  process->Signal(SIGKILL);
  EXPECT_EQ(process->Wait(), -SIGKILL);
  wait_until_dropped();
  // What is refused isn't waited for.
  EXPECT_EQ(Ctl({"request", "video-vm", "--lease", "connection", "clk", "enable", "uarta"}).code,
            1);
  EXPECT_EQ(Ctl({"request", "video-vm", "--lease", "epoch", "clk", "enable", "uarta"}).code, 2);
}

TEST_F(CtlBrokerTest, VmsComeAndGo) {
  const Result added = Ctl({"vm", "add", "new-vm", "--device", "i2c@3160000"});
  EXPECT_EQ(added.code, 0) << added.err;
  const std::string socket = broker_.socket("new-vm");
  EXPECT_THAT(added.out, HasSubstr("new-vm added; its socket is " + socket));
  EXPECT_EQ(Ctl({"vm", "add", "new-vm"}).code, 1);
  EXPECT_EQ(Ctl({"vm", "add", "bad-vm", "--device", "nothing"}).code, 1);
  EXPECT_EQ(Ctl({"vm", "add", "bad-vm", "--clock", "uarta=exclusive"}).code, 1);
  {
    auto vm = StartVm("new-vm");
    EXPECT_EQ(Ask(*vm, "ping 1"), "ping 1: ok: 2, twice the challenge as it must");
    EXPECT_THAT(Ctl({"vm", "release", "new-vm"}).out, HasSubstr("new-vm released"));
  }
  EXPECT_EQ(Ctl({"vm", "remove", "new-vm"}).code, 0);
  EXPECT_EQ(Ctl({"vm", "show", "new-vm"}).code, 4);
  EXPECT_EQ(::access(socket.c_str(), F_OK), -1);
}

TEST_F(CtlBrokerTest, ASecondSessionIsRefused) {
  auto first = StartVm("serial-vm");
  ctl::ToolProcess second({BPMPCTL, "session", "--socket", broker_.socket("serial-vm")});
  second.CloseInput();
  EXPECT_EQ(second.ReadAll(), "");
  EXPECT_EQ(second.Wait(), 1);
  EXPECT_THAT(Ask(*first, "ping 1"), StartsWith("ping 1: ok"));
}

TEST_F(CtlBrokerTest, ASessionNeedsNoAdminSocket) {
  ctl::ToolProcess vm({BPMPCTL, "session", "--socket", broker_.socket("serial-vm")});
  EXPECT_THAT(vm.ReadLine(), HasSubstr(" of serial-vm, "));
  EXPECT_EQ(Ask(vm, "clk enable uarta"), "clk enable uarta: ok");
  EXPECT_EQ(Ask(vm, "reset deassert uarta"), "reset deassert uarta: ok");
  EXPECT_THAT(Ask(vm, "pg on vic"), StartsWith("pg on vic: refused: EACCES"));
}

TEST_F(CtlBrokerTest, TheHostPinsAndUnpins) {
  const Result pinned = Ctl({"pin", "clock:uarta"});
  EXPECT_EQ(pinned.code, 0) << pinned.out;
  EXPECT_THAT(pinned.out, StartsWith("the host pins clock uarta"));
  EXPECT_THAT(Ctl({"clock", "show", "uarta"}).out, HasSubstr("pinned"));
  EXPECT_THAT(Ctl({"why-on", "clock:uarta"}).out, HasSubstr("the host pinned it"));
  EXPECT_EQ(Ctl({"unpin", "clock:uarta"}).code, 0);
  EXPECT_THAT(Ctl({"clock", "show", "uarta"}).out, Not(HasSubstr("pinned")));
  EXPECT_EQ(Ctl({"clear-quarantine", "clock:uarta"}).code, 1);
}

TEST_F(CtlBrokerTest, WatchReplaysWhatHappened) {
  Ctl({"request", "serial-vm", "clk", "enable", "uarta"});
  Ctl({"request", "video-vm", "clk", "disable", "uarta"});
  const Result serial = Ctl({"watch", "--replay-only", "--vm", "serial-vm"});
  EXPECT_EQ(serial.code, 0) << serial.err;
  EXPECT_THAT(serial.out, HasSubstr("serial-vm votes for clock uarta"));
  EXPECT_THAT(serial.out, Not(HasSubstr("video-vm")));
  EXPECT_THAT(Ctl({"watch", "--since", "1", "--kind", "denied", "--count", "1"}).out,
              HasSubstr("video-vm"));
  EXPECT_EQ(Ctl({"watch", "--kind", "nonsense"}).code, 1);
}

TEST_F(CtlBrokerTest, EveryViewIsThereAsTextAndAsJson) {
  Ctl({"request", "serial-vm", "clk", "enable", "uarta"});
  const std::pair<std::vector<std::string>, const google::protobuf::Message*> views[] = {
      {{"status"}, &v1::ServerStatus::default_instance()},
      {{"vm", "list"}, &v1::ListVmsResponse::default_instance()},
      {{"vm", "show", "serial-vm"}, &v1::Vm::default_instance()},
      {{"device", "list"}, &v1::ListDevicesResponse::default_instance()},
      {{"clock", "list"}, &v1::ListResourcesResponse::default_instance()},
      {{"clock", "tree", "--all"}, &v1::ListResourcesResponse::default_instance()},
      {{"clock", "holders"}, &v1::ListResourcesResponse::default_instance()},
      {{"clock", "show", "uarta"}, &v1::ResourceState::default_instance()},
      {{"reset", "list"}, &v1::ListResourcesResponse::default_instance()},
      {{"reset", "show", "uarta"}, &v1::ResourceState::default_instance()},
      {{"domain", "list", "--active"}, &v1::ListResourcesResponse::default_instance()},
      {{"domain", "show", "vic"}, &v1::ResourceState::default_instance()},
      {{"why-on", "pllp_out0"}, &v1::ListResourcesResponse::default_instance()},
      {{"why-denied", "video-vm", "ping"}, &v1::ExplainResponse::default_instance()},
      {{"request", "video-vm", "ping"}, &v1::TransferAsResponse::default_instance()}};
  for (const auto& [arguments, prototype] : views) {
    const Result text = Ctl(arguments);
    EXPECT_EQ(text.code, 0) << ::testing::PrintToString(arguments) << text.err;
    EXPECT_NE(text.out, "");
    std::vector<std::string> with_json = arguments;
    with_json.insert(with_json.end(), {"--output", "json"});
    const std::unique_ptr<google::protobuf::Message> message(prototype->New());
    EXPECT_TRUE(ctl::FromJson(Ctl(with_json).out, message.get()).ok())
        << ::testing::PrintToString(arguments);
  }
}

}  // namespace
}  // namespace bpmp::testing
