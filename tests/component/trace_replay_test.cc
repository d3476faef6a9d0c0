// SPDX-License-Identifier: Apache-2.0
// A run of the real broker is recorded and replayed: the same requests get the same answers, and
// the hardware is asked for the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/ctl/run_in_test.h"
#include "broker/daemon/daemon_fixture.h"
#include "broker/mrq/types.h"
#include "broker/trace/reader.h"
#include "tests/component/guest_requests.h"
#include "tests/lib/guest_client.h"

namespace bpmp {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kVms[] =
    "vms:\n"
    "  - {name: net-vm, devices: [mgbe0]}\n"
    "  - {name: uart-vm, devices: [uarta], clocks: [{name: vic, access: vote}]}\n";

class TraceReplayTest : public daemon::DaemonComponentTest {
 protected:
  // Two guests, each with one request at a time.
  std::vector<mrq::Response> Play() {
    std::vector<mrq::Response> answers;
    testing::GuestClient net(root_ + "/run/vms/net-vm.sock");
    testing::GuestClient uart(root_ + "/run/vms/uart-vm.sock");
    net.Hello();
    uart.Hello();
    const auto ask = [&](testing::GuestClient* guest, const mrq::Request& request) {
      answers.push_back(guest->Transfer(request));
    };
    for (uint32_t id = 0; id <= 476; ++id)
      ask(&net, testing::Clk(mrq::ClkCmd::kGetAllInfo, ClockId(id)));
    ask(&net, testing::Pg(mrq::PgCmd::kSetState, DomainId(18), 1));
    for (const uint32_t clock : {380u, 377u, 376u, 381u})
      ask(&net, testing::Clk(mrq::ClkCmd::kEnable, ClockId(clock)));
    ask(&net, testing::Clk(mrq::ClkCmd::kEnable, ClockId(155)));  // another's
    ask(&uart, testing::Clk(mrq::ClkCmd::kEnable, ClockId(155)));
    ask(&uart, testing::Clk(mrq::ClkCmd::kRoundRate, ClockId(155), 48'000'000));
    ask(&uart, testing::Clk(mrq::ClkCmd::kSetRate, ClockId(155), 48'000'000));
    ask(&uart, testing::Clk(mrq::ClkCmd::kGetRate, ClockId(155)));
    ask(&uart, testing::Clk(mrq::ClkCmd::kGetFmaxAtVmin, ClockId(155)));
    ask(&uart, testing::Clk(mrq::ClkCmd::kEnable, ClockId(167)));
    ask(&uart, mrq::ResetRequest{mrq::ResetCmd::kDeassert, ResetId(100)});
    ask(&net, testing::Clk(mrq::ClkCmd::kDisable, ClockId(380)));
    ask(&net, testing::Clk(mrq::ClkCmd::kGetRate, ClockId(380)));
    uart.MachineReset();
    ask(&uart, testing::Clk(mrq::ClkCmd::kGetRate, ClockId(155)));
    ask(&uart, testing::Clk(mrq::ClkCmd::kEnable, ClockId(155)));
    return answers;
  }

  // Starts the broker with `more` configuration, plays, and stops it.
  std::vector<mrq::Response> Run(const std::string& more) {
    told_.clear();
    Start({"--config", ConfigWith(more)});
    EXPECT_TRUE(WaitUntilTold("READY=1")) << Slurp("err");
    std::vector<mrq::Response> answers = Play();
    EXPECT_EQ(kill(pid_, SIGTERM), 0);
    EXPECT_EQ(WaitForEnd(), 0) << Slurp("err");
    return answers;
  }

  // All that changes the hardware, in order: "net-vm: CLK ENABLE clock 380".
  std::vector<std::string> Changes(const std::string& name) {
    std::vector<std::string> changes;
    auto reader = trace::Reader::Open(root_ + "/" + name);
    EXPECT_TRUE(reader.ok()) << reader.status();
    auto record = reader->Next();
    for (; record.ok() && *record; record = reader->Next()) {
      const auto* transfer = std::get_if<trace::Transfer>(&**record);
      if (transfer == nullptr || trace::IsRead(*transfer)) continue;
      changes.push_back(
          absl::StrCat(reader->NameOf(transfer->vm), ": ", trace::Describe(*transfer)));
    }
    EXPECT_TRUE(record.ok()) << record.status();
    EXPECT_TRUE(reader->end());
    EXPECT_EQ(reader->dropped(), 0u);
    return changes;
  }

  std::string Recorded(const std::string& name) {
    return absl::StrCat("record: {file: ", root_, "/", name, "}");
  }
};

TEST_F(TraceReplayTest, TheSameRequestsGetTheSameAnswersAndTheSameEdges) {
  const auto first = Run(absl::StrCat("backend: {", Recorded("a.trace"), "}\n", kVms));
  EXPECT_THAT(Slurp("err"), HasSubstr("every transfer is recorded in"));
  const auto again =
      Run(absl::StrCat("backend: {sim: {trace: a.trace}, ", Recorded("b.trace"), "}\n", kVms));
  EXPECT_TRUE(first == again);  // nobody wants to see 500 of them
  EXPECT_THAT(Slurp("err"), HasSubstr("0 requests are not in the trace"));

  const std::vector<std::string> changes = Changes("a.trace");
  EXPECT_EQ(changes, Changes("b.trace"));
  EXPECT_THAT(changes, Contains("net-vm: CLK DISABLE clock 380"));
  EXPECT_THAT(changes, Contains("uart-vm: CLK SET_RATE clock 155 to 48000000 Hz"));
  EXPECT_THAT(changes, Not(Contains("net-vm: CLK ENABLE clock 155")));

  const auto diff = ctl::RunInTest({"trace", "diff", root_ + "/a.trace", root_ + "/b.trace"});
  EXPECT_EQ(diff.code, 0) << diff.out << diff.err;
  EXPECT_THAT(diff.out, HasSubstr("no difference in "));
}

TEST_F(TraceReplayTest, AnotherPolicyOnTheSameTraceShowsInTheDifference) {
  const auto first = Run(absl::StrCat("backend: {", Recorded("a.trace"), "}\n", kVms));
  const auto answers = Run(absl::StrCat(
      "backend: {sim: {trace: a.trace}, ", Recorded("b.trace"),
      "}\nvms: [{name: net-vm, devices: [mgbe0]}, {name: uart-vm, devices: [uarta]}]\n"));
  EXPECT_TRUE(first != answers);
  const auto diff = ctl::RunInTest({"trace", "diff", root_ + "/a.trace", root_ + "/b.trace"});
  EXPECT_EQ(diff.code, 1) << diff.out << diff.err;
  EXPECT_THAT(diff.out, HasSubstr("uart-vm:\n  - #"));
  EXPECT_THAT(diff.out, HasSubstr("CLK ENABLE clock 167 (vic)"));
  EXPECT_THAT(diff.out, Not(HasSubstr("net-vm:")));
}

TEST_F(TraceReplayTest, ABrokerThatOnlyChecksRecordsNothing) {
  Start(
      {"--config", ConfigWith(absl::StrCat("backend: {", Recorded("a.trace"), "}\n")), "--check"});
  EXPECT_EQ(WaitForEnd(), 0) << Slurp("err");
  EXPECT_FALSE(std::filesystem::exists(root_ + "/a.trace"));
}

TEST_F(TraceReplayTest, ABrokerThatCantRecordServesAllTheSame) {
  std::filesystem::create_directory(root_ + "/a.trace");
  Run(absl::StrCat("backend: {", Recorded("a.trace"), "}\n", kVms));
  EXPECT_THAT(Slurp("err"), HasSubstr("nothing is recorded: "));
}

}  // namespace
}  // namespace bpmp
