// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/answer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "broker/ctl/fake_names.h"
#include "broker/mrq/codec.h"

namespace bpmp::ctl {
namespace {

ParsedRequest Parse(const std::string& line) {
  FakeNames names;
  return ParseRequest({line}, names).value();
}

std::string Say(const std::string& line, const mrq::Response& response) {
  FakeNames names;
  v1::MrqResponse proto;
  proto.set_error(response.error);
  proto.set_rx(response.data.data(), response.size);
  return AnswerText(Parse(line), proto, names);
}

TEST(AnswerText, SaysWhatTheAnswerMeans) {
  EXPECT_EQ(Say("clk enable uarta", mrq::Ok()), "ok");
  EXPECT_EQ(Say("clk get-rate uarta", mrq::OkRate(408'000'000)), "ok: 408 MHz");
  EXPECT_EQ(Say("clk set-rate uarta 48MHz", mrq::OkRate(47'999'999)), "ok: 48 MHz (47999999 Hz)");
  EXPECT_EQ(Say("clk is-enabled uarta", mrq::OkU32(1)), "ok: enabled by this VM");
  EXPECT_EQ(Say("clk is-enabled uarta", mrq::OkU32(0)), "ok: not enabled by this VM");
  EXPECT_EQ(Say("clk get-parent uarta", mrq::OkU32(102)), "ok: pllp_out0 (102)");
  EXPECT_EQ(Say("clk get-parent uarta", mrq::OkU32(9)), "ok: clock 9");
  EXPECT_EQ(Say("clk max-id", mrq::OkU32(434)), "ok: highest id 434");
  EXPECT_EQ(Say("reset pulse uarta", mrq::Ok()), "ok");
  EXPECT_EQ(Say("pg get vic", mrq::OkU32(1)), "ok: on for this VM");
  EXPECT_EQ(Say("pg name vic", mrq::OkName("vic")), "ok: vic");
  EXPECT_EQ(Say("ping 21", mrq::OkU32(42)), "ok: 42, twice the challenge as it must");
  EXPECT_EQ(Say("ping 21", mrq::OkU32(41)), "ok: 41, which is wrong");
  EXPECT_EQ(Say("fw-tag", mrq::OkFwTag("sim-t234")), "ok: sim-t234");
  EXPECT_EQ(Say("query-abi CLK", mrq::OkU32(0)), "ok: supported");
  EXPECT_EQ(Say("query-abi DEBUG", mrq::OkU32(static_cast<uint32_t>(-19))),
            "ok: not supported: ENODEV (not offered to this VM)");
  EXPECT_EQ(Say("thermal temp 8", mrq::OkU32(45'500)), "ok: 45.5 degrees C");
  EXPECT_EQ(Say("emc-latency", mrq::OkEmcLatency({2, {{{204'000, 1'180}, {3'199'000, 150}}}})),
            "ok: 1180 ns at 204000 kHz, 150 ns at 3199000 kHz");
  EXPECT_EQ(Say("raw 75 1", mrq::OkU32(0x01020304)), "ok: hex:04030201");
}

TEST(AnswerText, ShowsAllInfoWithNames) {
  mrq::ClkInfo info;
  info.flags = mrq::clk_flag::kHasMux | mrq::clk_flag::kRateParentChangeDenied;
  info.parent = ClockId(102);
  info.num_parents = 2;
  info.parents[0] = ClockId(102);
  info.parents[1] = ClockId(14);
  const std::string name = "uarta";
  std::copy(name.begin(), name.end(), info.name.begin());
  EXPECT_EQ(Say("clk info uarta", mrq::OkClkInfo(info)),
            "ok: uarta\n"
            "  flags    0x40000001, the VM may not change rate or parent\n"
            "  parent   pllp_out0 (102)\n"
            "  parents  pllp_out0 (102), clock 14");
}

TEST(AnswerText, NeverGuessesAtAnAnswerThatIsTooShort) {
  EXPECT_EQ(Say("clk get-rate uarta", mrq::Ok()).rfind("ok, but the answer can't be read", 0), 0u);
  EXPECT_EQ(Say("clk info uarta", mrq::OkU32(1)).rfind("ok, but the answer can't be read", 0), 0u);
}

TEST(AnswerText, NamesTheError) {
  EXPECT_EQ(Say("clk enable uarta", mrq::Fail(mrq::Error::kAccess)),
            "refused: EACCES (not permitted by the VM's policy)");
  EXPECT_EQ(Say("clk enable uarta", mrq::FromBytes(-4711, {})), "refused: error -4711");
  EXPECT_EQ(Say("clk enable uarta", mrq::FromBytes(INT32_MIN, {})), "refused: error -2147483648");
}

TEST(RefusalText, SaysTheReasonAndWhereToLook) {
  EXPECT_EQ(RefusalText(Parse("clk set-rate uarta 48MHz"), -16, "net-vm",
                        "Refused with EBUSY: another agent holds it. Held by gpu-vm."),
            "refused: EBUSY: another agent holds it. Held by gpu-vm.\n"
            "  see: bpmpctl clock holders uarta");
  EXPECT_EQ(RefusalText(Parse("pg on vic"), -16, "net-vm", ""),
            "refused: EBUSY (another holder)\n"
            "  see: bpmpctl domain holders vic");
  EXPECT_EQ(RefusalText(Parse("reset pulse uarta"), -13, "net-vm", "the VM's policy forbids it"),
            "refused: EACCES: the VM's policy forbids it\n"
            "  see: bpmpctl why-denied net-vm reset pulse uarta");
}

}  // namespace
}  // namespace bpmp::ctl
