// SPDX-License-Identifier: Apache-2.0
// A guest that looks at one clock after the other, as Linux does while it boots.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/component/guest_requests.h"
#include "tests/qemu/mailbox.h"
#include "tests/qemu/qemu_fixture.h"

namespace bpmp::testing {
namespace {

constexpr uint32_t kClocks = 20;

class MailboxAheadTest : public QemuTest {
 protected:
  MailboxAheadTest() : QemuTest(R"(vms { name: "a" } vms { name: "b" })") {}

  struct Told {
    std::vector<MailboxAnswer> answers;
    uint64_t requests = 0;  // that the broker has had
  };
  Told LookAtAll(const std::string& vm, const std::string& more) {
    const auto qemu = StartWith({"-device", MailboxDevice(vm, more)});
    EXPECT_TRUE(qemu->Started()) << qemu->Output();
    Mailbox mailbox(qemu.get());
    mailbox.Open();
    Told told;
    for (uint32_t clock = 0; clock < kClocks; ++clock) {
      told.answers.push_back(mailbox.Ask(Clk(mrq::ClkCmd::kGetAllInfo, ClockId(clock))));
    }
    EXPECT_EQ(mailbox.Ask(Ping(1)).error, 0);
    told.requests = Requests(vm);
    return told;
  }
};

TEST_P(MailboxAheadTest, IsToldTheSameAndTheBrokerIsAskedAhead) {
  const Told ahead = LookAtAll("a", "");
  const Told in_turn = LookAtAll("b", ",read-ahead=off");
  EXPECT_GT(ahead.requests, in_turn.requests) << "by the one after the last, at least";
  ASSERT_EQ(ahead.answers.size(), in_turn.answers.size());
  for (uint32_t clock = 0; clock < kClocks; ++clock) {
    EXPECT_EQ(ahead.answers[clock].error, in_turn.answers[clock].error) << clock;
    EXPECT_EQ(ahead.answers[clock].rx, in_turn.answers[clock].rx) << clock;
  }
}

BPMP_FOR_EACH_QEMU(MailboxAheadTest);
BPMP_SANITIZED_QEMU(MailboxAheadTest);

}  // namespace
}  // namespace bpmp::testing
