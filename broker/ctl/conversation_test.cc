// SPDX-License-Identifier: Apache-2.0
// Requests, sessions, watches and completion, against a real gRPC server.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "broker/ctl/verbs_fixture.h"

namespace bpmp::ctl {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

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

TEST_F(VerbsTest, RefusedRequestsSayWhy) {
  broker_.answer.mutable_response()->set_error(-16);
  broker_.answer.set_reason_text("gpu-vm holds it.");
  const Result busy = Ctl({"request", "net-vm", "clk", "set-rate", "uarta", "48MHz"});
  EXPECT_EQ(busy.code, 1);
  EXPECT_EQ(busy.out,
            "refused: EBUSY: gpu-vm holds it.\n"
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

TEST_F(VerbsTest, WatchSaysWhatIsNoLongerRemembered) {
  for (const uint64_t number : {4711, 4712}) {
    v1::Event event;
    event.set_number(number);
    event.set_vm(number == 4711 ? "gpu-vm" : "net-vm");
    event.set_lost(number == 4711 ? 4710 : 0);
    broker_.events.push_back(event);
  }
  broker_.status.set_last_event(4712);
  EXPECT_THAT(Ctl({"watch", "--replay-only"}).out,
              StartsWith("(4710 events before this: no longer remembered)\n"));
  EXPECT_THAT(Ctl({"watch", "--replay-only", "--vm", "net-vm"}).out, HasSubstr("(4710 events "))
      << "also where the first event is nobody's";
  broker_.watch_stays = true;
  EXPECT_THAT(Ctl({"watch", "--since", "1", "--count", "2"}).out,
              HasSubstr("no longer remembered"));
  EXPECT_THAT(Ctl({"watch", "--count", "2"}).out, HasSubstr("this watcher is too slow"));
}

TEST_F(VerbsTest, WatchTellsNothingHappenedFromNothingEverDoes) {
  broker_.status.set_last_event(0);
  EXPECT_EQ(Ctl({"watch", "--replay-only", "--vm", "net-vm", "--kind", "vote"}).code, 0);
  EXPECT_EQ(Ctl({"watch", "--replay-only", "--vm", "host"}).code, 0);
  const Result vm = Ctl({"watch", "--replay-only", "--vm", "nosuch"});
  EXPECT_EQ(vm.code, 4);
  EXPECT_EQ(vm.err, "bpmpctl: no vm 'nosuch'\n");
  const Result kind = Ctl({"watch", "--replay-only", "--kind", "vot"});
  EXPECT_EQ(kind.code, 2);
  EXPECT_THAT(kind.err, HasSubstr("no events of kind 'vot'; did you mean vote? The kinds are: "));
}

TEST_F(VerbsTest, AuditFoldsWhatSaysTheSame) {
  broker_.watch_stays = true;
  constexpr std::pair<const char*, const char*> kEvents[] = {
      {"denied", "net-vm was refused uarta"}, {"vote", "net-vm votes for uarta"},
      {"denied", "net-vm was refused uarta"}, {"pinned", "the host holds emc"},
      {"denied", "net-vm was refused vic"},   {"denied", "net-vm was refused emc"}};
  for (const auto& [kind, text] : kEvents) {
    v1::Event event;
    event.set_number(broker_.events.size() + 1);
    event.mutable_time()->set_seconds(1'700'000'000);
    event.set_vm(std::string(kind) == "pinned" ? "host" : "net-vm");
    event.set_kind(kind);
    event.set_text(text);
    broker_.events.push_back(event);
  }
  broker_.events[0].set_lost(7);
  broker_.status.set_last_event(5);  // the last one happens meanwhile
  const Result audit = Ctl({"audit"});
  EXPECT_EQ(audit.code, 0) << audit.err;
  const std::vector<std::string> lines = absl::StrSplit(audit.out, '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 5U) << audit.out;
  EXPECT_EQ(lines[0], "(7 events before this: no longer remembered)");
  EXPECT_THAT(lines[2], MatchesRegex(".* 2 +net-vm +denied +net-vm was refused uarta"));
  EXPECT_THAT(lines[3], MatchesRegex(".* 1 +host +pinned +the host holds emc"));
  EXPECT_THAT(lines[4], MatchesRegex(".* 1 +net-vm +denied +net-vm was refused vic"));
  EXPECT_THAT(Ctl({"audit", "--all"}).out, HasSubstr("votes for uarta"));
  EXPECT_THAT(Ctl({"audit", "--kind", "vote"}).out, Not(HasSubstr("denied")));
  EXPECT_THAT(Ctl({"audit", "--vm", "host"}).out, Not(HasSubstr("net-vm")));
  const std::string json = Ctl({"audit", "--kind", "pinned", "-o", "json"}).out;
  EXPECT_THAT(json, HasSubstr("\"lost\":\"7\"")) << "also where the first is not wanted";
  EXPECT_EQ(std::count(json.begin(), json.end(), '\n'), 1);
}

TEST_F(VerbsTest, AuditTellsNothingHappenedFromNothingEverDoes) {
  broker_.status.set_last_event(0);
  EXPECT_EQ(Ctl({"audit"}).out, "nothing of that kind is remembered\n");
  EXPECT_EQ(Ctl({"audit", "--vm", "nosuch"}).code, 4);
  EXPECT_EQ(Ctl({"audit", "--kind", "denid"}).code, 2);
}

TEST_F(VerbsTest, WatchEndsWithFiveWhenTheBrokerDoesntAnswer) {
  broker_.failure = grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "");
  EXPECT_EQ(Ctl({"watch"}).code, 5);
  EXPECT_THAT(Asked(), StartsWith("GetServerStatus"));
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

TEST_F(VerbsTest, CompletionAsksTheBroker) {
  ::setenv("BPMP_BROKER_ADMIN", broker_.socket().c_str(), 1);
  EXPECT_EQ(CtlAt({"__complete", "vm", "show", ""}).out, "net-vm\ngpu-vm\n");
  EXPECT_EQ(CtlAt({"__complete", "request", "net-vm", "pg", "on", "v"}).out, "vic\n");
  EXPECT_THAT(CtlAt({"__complete", "why-on", ""}).out, HasSubstr("uarta\n"));
  ::setenv("BPMP_BROKER_ADMIN", "/no/such/admin.sock", 1);
  EXPECT_EQ(CtlAt({"__complete", "--socket", broker_.socket(), "vm", "show", "n"}).out, "net-vm\n")
      << "the broker of the line, not of the environment";
  const Result nobody = CtlAt({"__complete", "vm", "show", ""});
  EXPECT_EQ(nobody.code, 0);
  EXPECT_EQ(nobody.out + nobody.err, "");
  ::unsetenv("BPMP_BROKER_ADMIN");
}

}  // namespace
}  // namespace bpmp::ctl
