// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/fault.h"

#include <string>
#include <vector>

#include "broker/base/ids.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::backend::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

mrq::ClkRequest Clk(mrq::ClkCmd cmd, uint32_t id) {
  mrq::ClkRequest request;
  request.cmd = cmd;
  request.clock = ClockId(id);
  return request;
}

Fault Parsed(std::string_view text) {
  const auto fault = ParseFault(text);
  EXPECT_TRUE(fault.ok()) << text << ": " << fault.status();
  return fault.value_or(Fault());
}

std::string ErrorOf(std::string_view text) {
  const auto fault = ParseFault(text);
  EXPECT_FALSE(fault.ok()) << text;
  return std::string(fault.status().message());
}

TEST(ParseFaultTest, ReadsMatchEffectAndCount) {
  const Fault fault = Parsed("CLK ENABLE 155 error=EIO count=2");
  EXPECT_EQ(fault.mrq, 22u);
  EXPECT_EQ(fault.command, "ENABLE");
  EXPECT_EQ(fault.id, 155u);
  EXPECT_EQ(fault.effect, FaultEffect::kError);
  EXPECT_EQ(fault.error, mrq::Error::kIo);
  EXPECT_EQ(fault.count, 2u);
  EXPECT_EQ(fault.nth, 1u);
  EXPECT_EQ(fault.every, 1u);
}

TEST(ParseFaultTest, KnowsNamesOfTheTegra234) {
  EXPECT_EQ(Parsed("CLK * uarta hang").id, 155u);
  EXPECT_EQ(Parsed("RESET DEASSERT mgbe0_mac lost").id, 46u);
  EXPECT_EQ(Parsed("PG SET_STATE mgbeb drop").id, 18u);
}

TEST(ParseFaultTest, LeavesOpenWhatIsNotSaid) {
  const Fault all = Parsed("* unavailable");
  EXPECT_EQ(all.mrq, std::nullopt);
  EXPECT_EQ(all.effect, FaultEffect::kUnavailable);
  const Fault reset = Parsed("RESET delay=50ms");
  EXPECT_EQ(reset.mrq, 20u);
  EXPECT_EQ(reset.command, "");
  EXPECT_EQ(reset.id, std::nullopt);
  EXPECT_EQ(reset.effect, FaultEffect::kNone);
  EXPECT_EQ(reset.delay, absl::Milliseconds(50));
}

TEST(ParseFaultTest, HeatsAZone) {
  const Fault fault = Parsed("THERMAL GET_TEMP 1 heat=8:96000 nth=2");
  ASSERT_TRUE(fault.heat.has_value());
  EXPECT_EQ(fault.heat->zone, ThermalZoneId(8));
  EXPECT_EQ(fault.heat->milli_c, 96'000);
  EXPECT_EQ(fault.effect, FaultEffect::kNone);
  EXPECT_EQ(fault.count, 1u);
}

TEST(ParseFaultTest, NthAloneIsOnce) {
  EXPECT_EQ(Parsed("RESET hang nth=3").count, 1u);
  EXPECT_EQ(Parsed("RESET hang nth=3 every=2").count, 0u);
  EXPECT_EQ(Parsed("RESET hang nth=3 count=0").count, 0u);
}

TEST(ParseFaultTest, ErrorsSayWhatIsWrongAndWhatIsPossible) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("starts with the requests"));
  EXPECT_THAT(ErrorOf("hang"), HasSubstr("starts with the requests"));
  EXPECT_THAT(ErrorOf("CLOCK hang"), HasSubstr("'CLOCK' is no MRQ"));
  EXPECT_THAT(ErrorOf("? hang"), HasSubstr("'?' is no MRQ"));
  EXPECT_THAT(ErrorOf("CLK ON hang"), HasSubstr("'ON' is no command of CLK"));
  EXPECT_THAT(ErrorOf("CLK ON hang"), HasSubstr("ENABLE, DISABLE"));
  EXPECT_THAT(ErrorOf("PG GET hang"), HasSubstr("SET_STATE"));
  EXPECT_THAT(ErrorOf("CLK ENABLE uartz hang"), HasSubstr("'uartz'"));
  EXPECT_THAT(ErrorOf("CLK ENABLE 1 2 hang"), HasSubstr("'2' is no effect"));
  EXPECT_THAT(ErrorOf("* ENABLE hang"), HasSubstr("'ENABLE' is no effect"));
  EXPECT_THAT(ErrorOf("CLK hang now"), HasSubstr("'now' is no effect"));
  EXPECT_THAT(ErrorOf("CLK error=5"), HasSubstr("error=EIO"));
  EXPECT_THAT(ErrorOf("CLK error=E?"), HasSubstr("error=EIO"));
  EXPECT_THAT(ErrorOf("CLK delay=fast"), HasSubstr("delay=50ms"));
  EXPECT_THAT(ErrorOf("CLK delay=-1s"), HasSubstr("delay=50ms"));
  EXPECT_THAT(ErrorOf("CLK hang nth=0"), HasSubstr("from 1"));
  EXPECT_THAT(ErrorOf("CLK hang every=0"), HasSubstr("from 1"));
  EXPECT_THAT(ErrorOf("CLK hang count=x"), HasSubstr("from 0"));
  EXPECT_THAT(ErrorOf("CLK hang times=2"), HasSubstr("'times=2' is no setting"));
  EXPECT_THAT(ErrorOf("CLK hang lost"), HasSubstr("one effect"));
  EXPECT_THAT(ErrorOf("CLK ENABLE 155 count=1"), HasSubstr("has no effect"));
  for (const std::string_view heat : {"heat=8", "heat=9:1", "heat=:1", "heat=8:hot", "heat=8:"}) {
    EXPECT_THAT(ErrorOf("CLK " + std::string(heat)), HasSubstr("like heat=8:96000"));
  }
}

TEST(ParseFaultTest, TextComesBack) {
  for (const std::string_view text :
       {"CLK ENABLE 155 error=EIO", "* unavailable", "RESET delay=50ms", "CLK * 14 delay=1ms lost",
        "PG SET_STATE 18 drift nth=2 every=3 count=4", "RESET DEASSERT drop", "CLK hang",
        "THERMAL GET_TEMP 8 heat=8:96000", "* delay=1ms heat=0:-5000 lost"}) {
    EXPECT_EQ(ToText(Parsed(text)), text);
  }
  EXPECT_EQ(ToText(Parsed("CLK ENABLE uarta hang nth=3")),
            "CLK ENABLE 155 hang nth=3 every=1 count=1");
}

TEST(FaultTest, MatchesByMrqCommandAndId) {
  const Fault fault = Parsed("CLK ENABLE 155 hang");
  EXPECT_TRUE(fault.Matches(Clk(mrq::ClkCmd::kEnable, 155)));
  EXPECT_FALSE(fault.Matches(Clk(mrq::ClkCmd::kEnable, 156)));
  EXPECT_FALSE(fault.Matches(Clk(mrq::ClkCmd::kDisable, 155)));
  EXPECT_FALSE(fault.Matches(mrq::ResetRequest{mrq::ResetCmd::kAssert, ResetId(155)}));
  EXPECT_TRUE(Parsed("CLK hang").Matches(Clk(mrq::ClkCmd::kGetRate, 1)));
  EXPECT_TRUE(Parsed("PING hang").Matches(mrq::PingRequest()));
  EXPECT_FALSE(Parsed("THREADED_PING hang").Matches(mrq::PingRequest()));
  EXPECT_TRUE(Parsed("* hang").Matches(mrq::QueryFwTagRequest()));
  const Fault zone = Parsed("THERMAL * 8 hang");
  EXPECT_TRUE(zone.Matches(mrq::ThermalRequest{mrq::ThermalCmd::kGetTemp, 8}));
  EXPECT_FALSE(zone.Matches(mrq::ThermalRequest{mrq::ThermalCmd::kGetTemp, 1}));
  EXPECT_FALSE(zone.Matches(mrq::ThermalRequest{mrq::ThermalCmd::kQueryAbi, 8}));
  // An id that the command doesn't have is no id.
  EXPECT_FALSE(Parsed("CLK * 0 hang").Matches(Clk(mrq::ClkCmd::kGetMaxClkId, 0)));
}

// Which of `requests` requests a fault with these settings affects.
std::vector<int> Fires(std::string_view settings, int requests) {
  FaultTable table;
  table.Add(Parsed("CLK hang " + std::string(settings)));
  std::vector<int> fired;
  for (int i = 1; i <= requests; ++i) {
    if (table.Fire(Clk(mrq::ClkCmd::kEnable, 1)).has_value()) {
      fired.push_back(i);
    }
  }
  return fired;
}

TEST(FaultTableTest, TakesTurns) {
  EXPECT_THAT(Fires("", 3), ElementsAre(1, 2, 3));
  EXPECT_THAT(Fires("count=2", 4), ElementsAre(1, 2));
  EXPECT_THAT(Fires("nth=3", 5), ElementsAre(3));
  EXPECT_THAT(Fires("nth=2 every=3", 9), ElementsAre(2, 5, 8));
  EXPECT_THAT(Fires("every=2 count=2", 9), ElementsAre(1, 3));
}

TEST(FaultTableTest, TheFirstWhoseTurnItIsFires) {
  FaultTable table;
  const uint64_t hang = table.Add(Parsed("CLK ENABLE hang count=1"));
  const uint64_t lost = table.Add(Parsed("CLK lost"));
  const mrq::Request enable = Clk(mrq::ClkCmd::kEnable, 1);
  EXPECT_EQ(table.Fire(enable)->effect, FaultEffect::kHang);
  EXPECT_EQ(table.Fire(enable)->effect, FaultEffect::kLost);
  EXPECT_EQ(table.Fire(Clk(mrq::ClkCmd::kGetRate, 1))->effect, FaultEffect::kLost);
  EXPECT_FALSE(table.Fire(mrq::PingRequest()).has_value());
  ASSERT_EQ(table.entries().size(), 2u);
  EXPECT_EQ(table.entries()[0].seen, 2u);
  EXPECT_EQ(table.entries()[0].fired, 1u);
  EXPECT_EQ(table.entries()[1].seen, 3u);
  EXPECT_EQ(table.entries()[1].fired, 2u);

  EXPECT_TRUE(table.Remove(lost));
  EXPECT_FALSE(table.Remove(lost));
  EXPECT_FALSE(table.Fire(enable).has_value());
  EXPECT_TRUE(table.Remove(hang));
  EXPECT_NE(table.Add(Parsed("CLK hang")), hang);
}

}  // namespace
}  // namespace bpmp::backend::sim
