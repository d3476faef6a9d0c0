// SPDX-License-Identifier: Apache-2.0
// The verbs from the command line to the wire and back, against a real gRPC server.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "broker/ctl/app.h"
#include "broker/ctl/fake_broker.h"

namespace bpmp::ctl {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

struct Result {
  int code;
  std::string out;
  std::string err;
};

class VerbsTest : public testing::Test {
 protected:
  VerbsTest() {
    broker_.vms.resize(1);
    broker_.vms[0].set_name("net-vm");
    broker_.vms[0].set_socket(broker_.socket());
    broker_.resources = {
        MakeResource(v1::RESOURCE_KIND_CLOCK, 155, "uarta", v1::GATE_STATE_ON, {"gpu-vm"}),
        MakeResource(v1::RESOURCE_KIND_CLOCK, 167, "vic", v1::GATE_STATE_OFF, {}),
        MakeResource(v1::RESOURCE_KIND_POWER_DOMAIN, 29, "vic", v1::GATE_STATE_OFF, {}),
        MakeResource(v1::RESOURCE_KIND_RESET, 100, "uarta", v1::GATE_STATE_UNSPECIFIED, {})};
  }

  Result Ctl(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(), {"--socket", broker_.socket()});
    return CtlAt(arguments, input);
  }

  static Result CtlAt(const std::vector<std::string>& arguments, const std::string& input = "") {
    int pipe[2];
    EXPECT_EQ(::pipe(pipe), 0);
    EXPECT_EQ(::write(pipe[1], input.data(), input.size()), static_cast<ssize_t>(input.size()));
    ::close(pipe[1]);
    std::ostringstream out;
    std::ostringstream err;
    const int code = ctl::Run(arguments, {&out, &err, pipe[0]}, {false, true});
    ::close(pipe[0]);
    return {code, out.str(), err.str()};
  }

  // What reached the broker last.
  std::string Asked() { return broker_.asked().empty() ? "" : broker_.asked().back(); }

  FakeBroker broker_;
};

TEST_F(VerbsTest, StatusIsShownAsTextAndJson) {
  broker_.status.set_version("0.1.0");
  broker_.status.set_last_event(1ull << 60);
  EXPECT_THAT(Ctl({"status"}).out, HasSubstr("bpmp-broker 0.1.0"));
  const Result json = Ctl({"status", "-o", "json"});
  EXPECT_EQ(json.code, 0);
  EXPECT_THAT(json.out, HasSubstr("\"last_event\": \"1152921504606846976\""));
  EXPECT_THAT(json.out, HasSubstr("\"backend_healthy\": false"));
}

TEST_F(VerbsTest, VmsAreListedShownAddedReleasedRemoved) {
  EXPECT_THAT(Ctl({"vm", "list"}).out, HasSubstr("net-vm"));
  EXPECT_THAT(Ctl({"vm", "show", "net-vm"}).out, HasSubstr(broker_.socket()));
  const Result added = Ctl({"vm", "add", "gpu-vm", "--device", "gpu", "--device", "vic"});
  EXPECT_EQ(added.out,
            "gpu-vm added; its socket is /run/vms/gpu-vm.sock\n"
            "  note: clock pllp_out0 is shared\n");
  EXPECT_EQ(
      Asked(),
      "DefineVm vm { name: \"gpu-vm\" devices { device: \"gpu\" } devices { device: \"vic\" } "
      "}");
  broker_.released.set_epoch(4);
  broker_.released.add_quarantined()->set_id(155);
  broker_.released.mutable_quarantined(0)->set_kind(v1::RESOURCE_KIND_CLOCK);
  const Result released = Ctl({"vm", "release", "net-vm"});
  EXPECT_EQ(released.out, "net-vm released; its epoch is now 4\n");
  EXPECT_THAT(released.err, HasSubstr("in quarantine, given to no other VM: clock uarta;"));
  EXPECT_EQ(Ctl({"vm", "remove", "net-vm"}).code, 0);
  EXPECT_EQ(Asked(), "DeleteVm name: \"net-vm\"");
}

TEST_F(VerbsTest, VmAddReadsJsonFromStandardInput) {
  EXPECT_EQ(Ctl({"vm", "add", "-"}, R"({"name": "a", "clocks": [{"name": "uarta",
                                        "access": "ACCESS_VOTE"}]})")
                .code,
            0);
  EXPECT_EQ(Asked(), "DefineVm vm { name: \"a\" clocks { name: \"uarta\" access: ACCESS_VOTE } }");
  EXPECT_EQ(Ctl({"vm", "add", "--json", "/no/such/file"}).code, 2);
  EXPECT_EQ(Ctl({"vm", "add", "-"}, "{").code, 2);
}

TEST_F(VerbsTest, ResourcesAreListedAndShown) {
  EXPECT_THAT(Ctl({"clock", "list"}).out, HasSubstr("vic"));
  EXPECT_EQ(Ctl({"clock", "list", "--active"}).out.find("vic"), std::string::npos);
  EXPECT_EQ(Ctl({"clock", "list", "--vm", "net-vm"}).out.find("uarta"), std::string::npos);
  EXPECT_THAT(Ctl({"clock", "list", "--vm", "gpu-vm"}).out, HasSubstr("uarta"));
  EXPECT_THAT(Ctl({"clock", "show", "155"}).out, HasSubstr("uarta (155)"));
  EXPECT_THAT(Ctl({"clock", "tree"}).out, HasSubstr("uarta"));
  EXPECT_THAT(Ctl({"clock", "holders"}).out, HasSubstr("gpu-vm"));
  EXPECT_EQ(Ctl({"clock", "holders", "vic"}).out, "nobody holds vic\n");
  EXPECT_THAT(Ctl({"reset", "list"}).out, HasSubstr("uarta"));
  EXPECT_THAT(Ctl({"domain", "show", "vic"}).out, HasSubstr("vic (29)"));
}

TEST_F(VerbsTest, UnknownNamesEndWithFourAndAHint) {
  const Result clock = Ctl({"clock", "show", "uatra"});
  EXPECT_EQ(clock.code, 4);
  EXPECT_THAT(clock.err, HasSubstr("nothing is called 'uatra'; did you mean uarta?"));
  const Result request = Ctl({"request", "net-vm", "clk", "enable", "uatra"});
  EXPECT_EQ(request.code, 4);
  EXPECT_THAT(request.err, HasSubstr("no clock is called 'uatra'; did you mean uarta?"));
  EXPECT_EQ(Ctl({"vm", "show", "nobody"}).code, 4);
}

TEST_F(VerbsTest, WhyOnAndWhyDenied) {
  EXPECT_EQ(Ctl({"why-on", "uarta"}).out, "clock uarta: on\n  gpu-vm votes for it\n");
  EXPECT_THAT(Ctl({"why-on", "reset:uarta"}).out, HasSubstr("resets have no holders"));
  broker_.explanation.set_error(-13);
  broker_.explanation.set_text("the VM's policy doesn't allow it");
  const Result denied = Ctl({"why-denied", "net-vm", "clk", "enable", "uarta"});
  EXPECT_EQ(denied.code, 0);
  EXPECT_THAT(denied.out, HasSubstr("would be refused with EACCES"));
  EXPECT_THAT(Asked(), StartsWith("Explain vm: \"net-vm\" request { mrq: 22 tx: \"\\233\\000"));
}

TEST_F(VerbsTest, PinsNeedOneThing) {
  EXPECT_EQ(Ctl({"pin", "uarta", "--rate", "48MHz"}).out, "the host pins clock uarta at 48 MHz\n");
  EXPECT_EQ(Asked(), "Pin resource { kind: RESOURCE_KIND_CLOCK id: 155 } rate_hz: 48000000");
  const Result both = Ctl({"pin", "vic"});
  EXPECT_EQ(both.code, 2);
  EXPECT_THAT(both.err, HasSubstr("write clock:vic or domain:vic"));
  EXPECT_EQ(Ctl({"pin", "domain:vic"}).code, 0);
  EXPECT_EQ(Ctl({"pin", "uarta", "--rate", "0"}).code, 2);
  broker_.outcome.set_error(-16);
  broker_.outcome.set_reason("gpu-vm holds it");
  const Result refused = Ctl({"pin", "uarta"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.out, "refused: EBUSY (another holder): gpu-vm holds it\n");
  broker_.unpinned.add_reboot_to_see("gpu-vm");
  EXPECT_THAT(Ctl({"unpin", "uarta"}).err, HasSubstr("gpu-vm: saw the pin when booting"));
}

TEST_F(VerbsTest, ClearQuarantineMeansTheOneInQuarantine) {
  EXPECT_EQ(Ctl({"clear-quarantine", "vic"}).code, 1);
  broker_.resources[2].set_quarantined_for("net-vm");
  EXPECT_EQ(Ctl({"clear-quarantine", "vic"}).out,
            "power domain vic may be used by every VM again\n");
  EXPECT_EQ(Asked(), "ClearQuarantine resource { kind: RESOURCE_KIND_POWER_DOMAIN id: 29 }");
}

TEST_F(VerbsTest, RequestsGoOutAsBytesAndComeBackInWords) {
  broker_.answer.mutable_response()->set_rx(std::string("\x00\x6c\xdc\x02\0\0\0\0", 8));
  const Result rate = Ctl({"request", "net-vm", "clk", "get-rate", "uarta"});
  EXPECT_EQ(rate.code, 0);
  EXPECT_EQ(rate.out, "ok: 48 MHz\n");
  // Words that are verbs of bpmpctl elsewhere.
  EXPECT_EQ(Ctl({"request", "net-vm", "reset", "pulse", "uarta"}).code, 0);
  EXPECT_EQ(
      Asked(),
      "TransferAs vm: \"net-vm\" request { mrq: 20 tx: \"\\003\\000\\000\\000d\\000\\000\\000\""
      " }");
  EXPECT_EQ(Ctl({"request", "net-vm", "raw", "22", "0x0700009b", "--output", "json"}).code, 0);
}

TEST_F(VerbsTest, RefusedRequestsSayWhoIsInTheWay) {
  broker_.answer.mutable_response()->set_error(-16);
  broker_.answer.set_reason_text("another VM holds it");
  broker_.explanation.add_others("gpu-vm");
  const Result busy = Ctl({"request", "net-vm", "clk", "set-rate", "uarta", "48MHz"});
  EXPECT_EQ(busy.code, 1);
  EXPECT_EQ(busy.out,
            "refused: EBUSY (another holder): another VM holds it (gpu-vm)\n"
            "  see: bpmpctl clock holders uarta\n");
  EXPECT_EQ(Ctl({"request", "net-vm", "clk", "warp", "uarta"}).code, 2);
}

TEST_F(VerbsTest, WatchPrintsEventsUntilTheCount) {
  broker_.watch_stays = true;
  for (uint64_t number = 1; number <= 3; ++number) {
    v1::Event event;
    event.set_number(number);
    event.set_kind("vote");
    broker_.events.push_back(event);
  }
  const Result watch = Ctl(
      {"watch", "--since", "1", "--vm", "net-vm", "--kind", "vote", "--count", "2", "-o", "json"});
  EXPECT_EQ(watch.code, 0) << watch.err;
  EXPECT_EQ(std::count(watch.out.begin(), watch.out.end(), '\n'), 2);
  EXPECT_THAT(watch.out, HasSubstr("\"number\":\"2\""));
  EXPECT_EQ(Asked(), "Watch since: 1 vms: \"net-vm\" kinds: \"vote\"");
}

TEST_F(VerbsTest, WatchReplaysThePastAndEnds) {
  broker_.watch_stays = true;
  for (const auto& [number, vm] :
       {std::pair{1, "net-vm"}, {2, "gpu-vm"}, {3, "net-vm"}, {4, "x"}}) {
    v1::Event event;
    event.set_number(static_cast<uint64_t>(number));
    event.set_vm(vm);
    broker_.events.push_back(event);
  }
  broker_.status.set_last_event(4);
  const Result watch = Ctl({"watch", "--replay-only", "--vm", "net-vm"});
  EXPECT_EQ(watch.code, 0) << watch.err;
  EXPECT_THAT(watch.out, HasSubstr("#1 "));
  EXPECT_THAT(watch.out, HasSubstr("#3 "));
  EXPECT_EQ(std::count(watch.out.begin(), watch.out.end(), '\n'), 2);
  EXPECT_EQ(Asked(), "Watch since: 1");
  broker_.status.set_last_event(0);
  EXPECT_EQ(Ctl({"watch", "--replay-only"}).out, "");
}

TEST_F(VerbsTest, WatchEndsWithThreeWhenTheBrokerGoes) { EXPECT_EQ(Ctl({"watch"}).code, 3); }

TEST_F(VerbsTest, SessionsSpeakAsTheVm) {
  broker_.guest = [](const v1::MrqRequest& request) {
    v1::MrqResponse response;
    response.set_error(request.mrq() == 20 ? -13 : 0);
    return response;
  };
  const Result session = Ctl({"session", "net-vm"},
                             "# a story\n"
                             "clk enable uarta   # its own\n"
                             "\n"
                             "reset pulse uarta\n"
                             "keep-alive\n"
                             "machine-reset\n");
  EXPECT_EQ(session.code, 0) << session.err;
  EXPECT_EQ(session.out,
            "session 7 of net-vm, epoch 0\n"
            "clk enable uarta: ok\n"
            "reset pulse uarta: refused: EACCES (not permitted by the VM's policy)\n"
            "  see: bpmpctl why-denied net-vm reset pulse uarta\n"
            "keep-alive: ok\n"
            "machine-reset: ok: released; epoch 3 begins\n");
  EXPECT_THAT(broker_.asked(), Contains("Session hello { client: \"bpmpctl session\" }"));
  EXPECT_EQ(Asked(), "Session sequence: 4 machine_reset { }");
}

TEST_F(VerbsTest, SessionsGoOnAfterALineThatIsNoRequest) {
  const Result session = Ctl({"session", "net-vm", "-o", "json"}, "nonsense\nping\nquit\nping\n");
  EXPECT_EQ(session.code, 2);
  EXPECT_THAT(session.err, HasSubstr("no request begins with 'nonsense'"));
  EXPECT_EQ(std::count(session.out.begin(), session.out.end(), '\n'), 1);
}

TEST_F(VerbsTest, SessionsThatTheBrokerEndsSaySo) {
  broker_.guest = [](const v1::MrqRequest&) {
    v1::MrqResponse response;
    response.set_error(1);
    return response;
  };
  const Result session = Ctl({"session", "net-vm"}, "ping\nping\n");
  EXPECT_EQ(session.code, 1);
  EXPECT_THAT(session.err, HasSubstr("taken over by another session"));
  EXPECT_EQ(Ctl({"session"}).code, 2);
}

TEST_F(VerbsTest, TheBrokersErrorsBecomeExitCodes) {
  const std::pair<grpc::StatusCode, int> codes[] = {{grpc::StatusCode::FAILED_PRECONDITION, 1},
                                                    {grpc::StatusCode::INVALID_ARGUMENT, 1},
                                                    {grpc::StatusCode::ALREADY_EXISTS, 1},
                                                    {grpc::StatusCode::UNAVAILABLE, 3},
                                                    {grpc::StatusCode::NOT_FOUND, 4},
                                                    {grpc::StatusCode::DEADLINE_EXCEEDED, 5},
                                                    {grpc::StatusCode::INTERNAL, 6},
                                                    {grpc::StatusCode::UNIMPLEMENTED, 6}};
  for (const auto& [code, exit_code] : codes) {
    broker_.failure = grpc::Status(code, "because");
    const Result result = Ctl({"status"});
    EXPECT_EQ(result.code, exit_code);
    EXPECT_THAT(result.err, StartsWith("bpmpctl: "));
    EXPECT_EQ(result.out, "");
  }
}

TEST_F(VerbsTest, UsageErrorsEndWithTwoAndReachNobody) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"vm"},
                                             {"vm", "lits"},
                                             {"vm", "show"},
                                             {"status", "--output", "xml"},
                                             {"status", "extra"},
                                             {"--timeout", "0", "status"},
                                             {"watch", "--since", "-1"},
                                             {"request", "net-vm"},
                                             {"completion", "csh"},
                                             {"clock", "show", "a", "b"}}) {
    const Result result = Ctl(arguments);
    EXPECT_EQ(result.code, 2) << testing::PrintToString(arguments);
    EXPECT_NE(result.err, "");
  }
  EXPECT_THAT(broker_.asked(), ElementsAre());
  EXPECT_EQ(Ctl({"--help"}).code, 0);
  EXPECT_THAT(Ctl({"--version"}).out, StartsWith("bpmpctl "));
}

TEST_F(VerbsTest, AnUnreachableBrokerIsExplained) {
  const Result missing = CtlAt({"--socket", "/no/such/admin.sock", "status"});
  EXPECT_EQ(missing.code, 3);
  EXPECT_EQ(missing.err.rfind("bpmpctl: can't reach the broker at /no/such/admin.sock: no such "
                              "file; is bpmp-broker running?",
                              0),
            0u)
      << missing.err;
  const Result too_long = CtlAt({"--socket", "/" + std::string(200, 'x'), "status"});
  EXPECT_EQ(too_long.code, 2);
  // A socket that nobody listens on any more.
  const std::string dead = broker_.socket() + ".dead";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, dead.c_str(), sizeof(address.sun_path) - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ::close(fd);
  const Result refused = CtlAt({"--socket", dead, "status"});
  ::unlink(dead.c_str());
  EXPECT_EQ(refused.code, 3);
  EXPECT_THAT(refused.err, HasSubstr("nobody listens"));
}

TEST_F(VerbsTest, AForbiddenSocketSaysWhoseItIs) {
  if (::geteuid() == 0) {
    GTEST_SKIP() << "root may use every socket";
  }
  ASSERT_EQ(::chmod(broker_.socket().c_str(), 0), 0);
  const Result forbidden = Ctl({"status"});
  EXPECT_EQ(forbidden.code, 3);
  EXPECT_THAT(forbidden.err, HasSubstr("permission denied: " + broker_.socket() + " belongs to"));
}

TEST_F(VerbsTest, TheEnvironmentNamesTheSocket) {
  ::setenv("BPMP_BROKER_ADMIN", broker_.socket().c_str(), 1);
  EXPECT_EQ(CtlAt({"vm", "list"}).code, 0);
  ::unsetenv("BPMP_BROKER_ADMIN");
}

TEST_F(VerbsTest, CompletionAsksTheBroker) {
  ::setenv("BPMP_BROKER_ADMIN", broker_.socket().c_str(), 1);
  EXPECT_EQ(CtlAt({"__complete", "vm", "show", ""}).out, "net-vm\n");
  EXPECT_EQ(CtlAt({"__complete", "request", "net-vm", "pg", "on", "v"}).out, "vic\n");
  EXPECT_THAT(CtlAt({"__complete", "why-on", ""}).out, HasSubstr("uarta\n"));
  ::setenv("BPMP_BROKER_ADMIN", "/no/such/admin.sock", 1);
  const Result nobody = CtlAt({"__complete", "vm", "show", ""});
  EXPECT_EQ(nobody.code, 0);
  EXPECT_EQ(nobody.out + nobody.err, "");
  ::unsetenv("BPMP_BROKER_ADMIN");
}

}  // namespace
}  // namespace bpmp::ctl
