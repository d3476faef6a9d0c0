// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "broker/ctl/run_in_test.h"
#include "broker/ctl/trace_view.h"
#include "broker/trace/trace_in_test.h"

namespace bpmp::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using trace::ClkInTest;
using trace::Record;
using trace::Transfer;
using trace::TransferInTest;

const mrq::Request kEnable = ClkInTest(mrq::ClkCmd::kEnable, 155);
const mrq::Request kGetRate = ClkInTest(mrq::ClkCmd::kGetRate, 155);

mrq::Response InfoOf(const std::string& name, uint32_t parent) {
  mrq::ClkInfo info;
  info.flags = mrq::clk_flag::kHasMux;
  info.parent = ClockId(parent);
  info.num_parents = 1;
  info.parents[0] = ClockId(parent);
  name.copy(info.name.data(), name.size());
  return mrq::OkClkInfo(info);
}

Transfer Lost(uint32_t vm, const mrq::Request& request) {
  Transfer transfer = TransferInTest(vm, request);
  transfer.response = {};
  transfer.status = absl::DeadlineExceededError("no answer\x1b[31m");
  transfer.took = absl::Seconds(2);
  return transfer;
}

// A firmware that is read out, and two VMs.
std::vector<Record> Sample() {
  return {
      TransferInTest(0, ClkInTest(mrq::ClkCmd::kGetAllInfo, 155), InfoOf("uarta", 102)),
      TransferInTest(0, ClkInTest(mrq::ClkCmd::kIsEnabled, 155), mrq::OkU32(0)),
      trace::VmName{VmId(1), "net-vm"},
      TransferInTest(1, kEnable, mrq::Ok(), absl::Seconds(1)),
      trace::VmName{VmId(2), "gpu-vm"},
      TransferInTest(2, kEnable, mrq::Fail(mrq::Error::kAccess), absl::Seconds(2)),
      trace::Dropped{5},
      Lost(1, ClkInTest(mrq::ClkCmd::kSetRate, 155, 48'000'000)),
      trace::End{},
  };
}

class TraceVerbsTest : public ::testing::Test {
 protected:
  TraceVerbsTest() {
    std::string name = "/tmp/bpmp-ctl-trace-XXXXXX";
    directory_ = mkdtemp(name.data());
  }
  ~TraceVerbsTest() override { std::filesystem::remove_all(directory_); }

  std::string Write(const std::string& name, const std::string& bytes) {
    std::ofstream(directory_ + "/" + name) << bytes;
    return directory_ + "/" + name;
  }
  std::string Write(const std::string& name, const std::vector<Record>& records) {
    return Write(name, trace::TraceOf(records));
  }
  // The lines of transfers alone.
  static std::vector<std::string> Lines(const std::string& text) {
    std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
    std::erase_if(lines, [](const std::string& line) { return line.find('#') == line.npos; });
    return lines;
  }

  std::string directory_;
};

TEST_F(TraceVerbsTest, ShowsWhatWasAskedAndAnswered) {
  const Result run = RunInTest({"trace", "show", Write("t", Sample())});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, StartsWith("recorded by bpmp-broker 0.1.0 on backend sim, from 2027-01-1"));
  EXPECT_THAT(
      Lines(run.out),
      ElementsAre(
          "     0.001000  #1      host        5.00 us    CLK GET_ALL_INFO clock 155 (uarta)  ok: "
          "uarta, flags 0x1, parent 102 of 1",
          "     0.001000  #2      host        5.00 us    CLK IS_ENABLED clock 155 (uarta)  ok: off",
          "     1.000000  #3      net-vm      5.00 us    CLK ENABLE clock 155 (uarta)  ok",
          HasSubstr(
              "#4      gpu-vm      5.00 us    CLK ENABLE clock 155 (uarta)  refused: EACCES (-13)"),
          HasSubstr("#5      net-vm      2.00 s     CLK SET_RATE clock 155 to 48000000 Hz (uarta)  "
                    "lost: no answer?[31m")));
  EXPECT_THAT(run.out, HasSubstr("(5 transfers are missing)\n"));
  EXPECT_THAT(run.out, HasSubstr("5 transfers in 2.00 s, 5 are missing; the broker stopped\n"));
}

TEST_F(TraceVerbsTest, ShowsWhatWasAskedFor) {
  const std::string file = Write("t", Sample());
  const auto lines = [&](std::vector<std::string> filters) {
    filters.insert(filters.begin(), {"trace", "show", file});
    const Result run = RunInTest(filters);
    EXPECT_EQ(run.code, 0) << run.err;
    return Lines(run.out);
  };
  EXPECT_THAT(lines({"--vm", "net-vm"}), ElementsAre(HasSubstr("#3"), HasSubstr("#5")));
  EXPECT_THAT(lines({"--vm", "net-vm", "--vm", "gpu-vm", "--request", "clk enable"}),
              ElementsAre(HasSubstr("#3"), HasSubstr("#4")));
  EXPECT_THAT(lines({"--request", "clk en"}), ElementsAre());
  EXPECT_THAT(lines({"--errors"}), ElementsAre(HasSubstr("#4"), HasSubstr("#5")));
  EXPECT_THAT(lines({"--slower", "1s"}), ElementsAre(HasSubstr("#5")));
  EXPECT_THAT(lines({"--from", "2", "--count", "2"}),
              ElementsAre(HasSubstr("#2"), HasSubstr("#3")));
}

TEST_F(TraceVerbsTest, ANumberIsNotNegative) {
  const Result run = RunInTest({"trace", "show", Write("t", Sample()), "--from", "-1"});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("'-1' is no number; write 0 or more"));
}

TEST_F(TraceVerbsTest, ShowsJson) {
  const Result run = RunInTest({"trace", "show", Write("t", Sample()), "-o", "json", "--errors"});
  const std::vector<std::string> lines = absl::StrSplit(run.out, '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 2u) << run.out;
  EXPECT_THAT(lines[0], HasSubstr("\"number\":\"4\""));
  EXPECT_THAT(lines[0], HasSubstr("\"time\":\"2027-01-15T08:00:02Z\""));
  EXPECT_THAT(lines[0], HasSubstr("\"vm\":\"gpu-vm\""));
  EXPECT_THAT(lines[0], HasSubstr("\"error\":-13"));
  EXPECT_THAT(lines[1], HasSubstr("\"transport_error\":\"DEADLINE_EXCEEDED: no answer?[31m\""));
  EXPECT_THAT(lines[1], HasSubstr("\"missing_before\":\"5\""));
}

TEST_F(TraceVerbsTest, CountsByVmAndByRequest) {
  const std::string file = Write("t", Sample());
  const Result text = RunInTest({"trace", "stats", file});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("VM      TRANSFERS  ERRORS  FAILED  LOST"));
  EXPECT_THAT(text.out, HasSubstr("net-vm          2       -       -     1  5.00 us   2.00 s"));
  EXPECT_THAT(text.out, HasSubstr("all             5       1       -     1"));
  EXPECT_THAT(text.out, HasSubstr("CLK ENABLE                2       1"));
  const Result json = RunInTest({"trace", "stats", file, "-o", "json"});
  EXPECT_THAT(json.out, HasSubstr("\"of\": \"gpu-vm\""));
  EXPECT_THAT(json.out, HasSubstr("\"ending\": \"STOPPED\""));
}

TEST_F(TraceVerbsTest, PercentilesAreOfTheValuesThemselves) {
  std::vector<Record> records;
  for (int i = 1; i <= 100; ++i) {
    Transfer transfer = TransferInTest(0, kGetRate, mrq::OkRate(1));
    transfer.took = absl::Nanoseconds(i);
    records.emplace_back(transfer);
  }
  const Result run = RunInTest({"trace", "stats", Write("t", records), "-o", "json"});
  EXPECT_THAT(run.out, HasSubstr("\"p50_ns\": \"50\""));
  EXPECT_THAT(run.out, HasSubstr("\"p90_ns\": \"90\""));
  EXPECT_THAT(run.out, HasSubstr("\"p99_ns\": \"99\""));
  EXPECT_THAT(run.out, HasSubstr("\"max_ns\": \"100\""));
  EXPECT_THAT(run.out, HasSubstr("\"ending\": \"CUT_OFF\""));
}

TEST_F(TraceVerbsTest, TheSameAtOtherTimesAndInAnotherOrderOfVmsIsNoDifference) {
  const trace::VmName net{VmId(1), "net-vm"};
  const trace::VmName gpu{VmId(2), "gpu-vm"};
  const trace::VmName net_later{VmId(7), "net-vm"};
  const Transfer rate = TransferInTest(0, kGetRate, mrq::OkRate(5));
  const std::string a = Write("a", {net, gpu, rate, TransferInTest(1, kEnable),
                                    TransferInTest(2, kGetRate, mrq::OkRate(5)), rate, rate});
  const std::string b =
      Write("b", {rate, gpu, net_later, TransferInTest(2, kGetRate, mrq::OkRate(5)),
                  TransferInTest(7, kEnable, mrq::Ok(), absl::Seconds(9))});
  const Result run = RunInTest({"trace", "diff", a, b});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(run.out,
            "no difference in 2 and 2 transfers; passed over as repeated reads: 3 and 1\n");
  const Result all = RunInTest({"trace", "diff", "--all", a, b});
  EXPECT_EQ(all.code, 1);
  EXPECT_THAT(all.out, HasSubstr("2 differences in 5 and 3 transfers"));
}

TEST_F(TraceVerbsTest, DifferencesAreShownByVm) {
  const trace::VmName net{VmId(1), "net-vm"};
  const mrq::Request disable = ClkInTest(mrq::ClkCmd::kDisable, 155);
  const mrq::Request other = ClkInTest(mrq::ClkCmd::kEnable, 20);
  const std::string a =
      Write("a", {net, TransferInTest(1, kEnable), TransferInTest(1, other),
                  TransferInTest(1, kGetRate, mrq::OkRate(1)), TransferInTest(1, disable)});
  const std::string b =
      Write("b", {net, TransferInTest(1, kEnable), TransferInTest(1, kGetRate, mrq::OkRate(2)),
                  TransferInTest(1, disable), TransferInTest(1, other)});
  const Result run = RunInTest({"trace", "diff", a, b});
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.out,
            "net-vm:\n"
            "  - #2  CLK ENABLE clock 20  ok\n"
            "  ! #3 | #2  CLK GET_RATE clock 155  ok: 1 Hz | ok: 2 Hz\n"
            "  + #4  CLK ENABLE clock 20  ok\n"
            "3 differences in 4 and 4 transfers; passed over as repeated reads: 0 and 0\n");
  const Result short_run = RunInTest({"trace", "diff", a, b, "--count", "1"});
  EXPECT_THAT(short_run.out, HasSubstr("(2 more)\n3 differences"));
  const Result json = RunInTest({"trace", "diff", a, b, "-o", "json"});
  EXPECT_THAT(json.out, HasSubstr("\"total\": \"3\""));
}

TEST_F(TraceVerbsTest, WhatIsWrongWithAFileIsSaid) {
  const Result missing = RunInTest({"trace", "show", directory_ + "/none"});
  EXPECT_EQ(missing.code, 2);
  EXPECT_THAT(missing.err, HasSubstr("can't read " + directory_ + "/none: No such file"));
  EXPECT_EQ(RunInTest({"trace", "stats", Write("x", std::string("hello"))}).code, 2);

  // What stands before the damage is shown.
  const Result damaged =
      RunInTest({"trace", "show", Write("d", trace::TraceOf(Sample()) + std::string(4, '\0'))});
  EXPECT_EQ(damaged.code, 2);
  EXPECT_EQ(Lines(damaged.out).size(), 5u);
  EXPECT_THAT(damaged.err, HasSubstr("is damaged at byte"));

  const std::string whole = trace::TraceOf(Sample());
  const Result torn = RunInTest({"trace", "show", Write("c", whole.substr(0, whole.size() - 5))});
  EXPECT_EQ(torn.code, 0) << torn.err;
  EXPECT_THAT(torn.out, HasSubstr("it just ends: the broker was killed, or runs still"));
  EXPECT_THAT(torn.out, Not(HasSubstr("the broker stopped")));
}

TEST(TraceViewTest, TimesHaveAUnitThatFits) {
  EXPECT_EQ(FormatTook(0), "0 ns");
  EXPECT_EQ(FormatTook(999), "999 ns");
  EXPECT_EQ(FormatTook(3'200), "3.20 us");
  EXPECT_EQ(FormatTook(150'000), "150 us");
  EXPECT_EQ(FormatTook(1'500'000), "1.50 ms");
  EXPECT_EQ(FormatTook(230'000'000'000), "230 s");
}

}  // namespace
}  // namespace bpmp::ctl
