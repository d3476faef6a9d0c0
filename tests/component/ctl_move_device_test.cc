// SPDX-License-Identifier: Apache-2.0
// A device moves from one VM to another by the very commands that docs/operations.md has for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "broker/ctl/run_in_test.h"
#include "broker/ctl/tool_process.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

using ctl::Result;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr ClockId kVic{167};
constexpr DomainId kVicDomain{29};
constexpr ResetId kVicReset{113};

// The lines of the first block of commands in the page's chapter.
std::vector<std::string> Documented() {
  std::stringstream page;
  page << std::ifstream(OPERATIONS_PAGE).rdbuf();
  const std::string text = page.str();
  const size_t chapter = text.find("## Moving a device to another VM");
  const size_t begin = text.find("```sh\n", chapter) + 6;
  return absl::StrSplit(text.substr(begin, text.find("```", begin) - begin), '\n',
                        absl::SkipEmpty());
}

class MoveDeviceTest : public ::testing::Test {
 protected:
  // The next line of the page, which must be `command`: does it, and must succeed.
  Result Next(const std::string& command) {
    EXPECT_LT(line_, page_.size()) << "the page has no more lines";
    if (line_ < page_.size()) {
      EXPECT_EQ(page_[line_++], command) << "the page says something else";
    }
    if (absl::StartsWith(command, "#")) return {};
    std::vector<std::string> words = absl::StrSplit(command, ' ');
    words.erase(words.begin());  // bpmpctl
    words.insert(words.begin(), {"--socket", broker_.admin_socket()});
    const Result result = ctl::RunInTest(words);
    EXPECT_EQ(result.code, 0) << command << ": " << result.err;
    return result;
  }
  bool PageIsDone() const { return line_ == page_.size(); }

  std::unique_ptr<ctl::ToolProcess> StartGuest(const std::string& vm) {
    auto guest = std::make_unique<ctl::ToolProcess>(
        std::vector<std::string>{BPMPCTL, "--socket", broker_.admin_socket(), "session", vm});
    EXPECT_THAT(guest->ReadLine(), HasSubstr(" of " + vm + ", epoch "));
    return guest;
  }
  static std::string Ask(ctl::ToolProcess& guest, const std::string& request) {
    guest.Write(request + "\n");
    return guest.ReadLine();
  }
  // What a driver of the device does, in its order.
  static constexpr const char* kUse[] = {"pg on vic", "clk enable vic", "reset deassert vic"};
  static void Use(ctl::ToolProcess& guest) {
    for (const std::string request : kUse) EXPECT_EQ(Ask(guest, request), request + ": ok");
  }
  static void ExpectRefused(ctl::ToolProcess& guest) {
    for (const std::string request : kUse) {
      EXPECT_THAT(Ask(guest, request), StartsWith(request + ": refused: EACCES"));
      EXPECT_THAT(guest.ReadLine(), HasSubstr("see: bpmpctl why-denied"));
    }
  }

  // What is true of the hardware.
  void ExpectInUse() {
    broker_.sim().WithModel([](auto& model) {
      EXPECT_TRUE(model.DomainOn(kVicDomain));
      EXPECT_TRUE(model.IsEnabled(kVic));
      EXPECT_FALSE(model.ResetAsserted(kVicReset));
    });
  }
  void ExpectAsleep() {
    broker_.sim().WithModel([](auto& model) {
      EXPECT_FALSE(model.DomainOn(kVicDomain));
      EXPECT_FALSE(model.IsEnabled(kVic));
      EXPECT_TRUE(model.ResetAsserted(kVicReset));
    });
  }

  TestBroker broker_{R"(
      vms { name: "gpu-vm" devices { device: "vic" } devices { device: "uarta" } }
      vms { name: "display-vm" devices { device: "i2c@3160000" } })"};
  const std::vector<std::string> page_ = Documented();
  size_t line_ = 0;
};

TEST_F(MoveDeviceTest, ByTheDocumentedSequence) {
  auto display = StartGuest("display-vm");
  auto gpu = StartGuest("gpu-vm");
  Use(*gpu);
  ExpectInUse();
  ExpectRefused(*display);

  Next("bpmpctl vm drain gpu-vm");
  // The guest that runs is left alone; its VMM, started again, would be refused.
  Use(*gpu);
  ExpectInUse();
  ctl::ToolProcess again({BPMPCTL, "session", "--socket", broker_.socket("gpu-vm")});
  again.CloseInput();
  EXPECT_EQ(again.ReadAll(), "");
  EXPECT_EQ(again.Wait(), 1);

  Next("# end gpu-vm's guest");
  gpu->CloseInput();
  EXPECT_EQ(gpu->Wait(), 0);

  Next("bpmpctl vm wait-released gpu-vm --timeout 2m");
  ExpectAsleep();
  ExpectRefused(*display);
  EXPECT_EQ(
      ctl::RunInTest({"--socket", broker_.admin_socket(), "request", "gpu-vm", "pg", "on", "vic"})
          .code,
      1);
  ExpectAsleep();

  Next("bpmpctl vm update gpu-vm --without-device vic");
  ExpectRefused(*display);
  ExpectAsleep();

  Next("bpmpctl vm update display-vm --device vic");
  ExpectAsleep();
  Use(*display);
  ExpectInUse();

  Next("bpmpctl vm undrain gpu-vm");
  Next("# start gpu-vm's guest again, without the device, and display-vm's with it");
  EXPECT_TRUE(PageIsDone());
  gpu = StartGuest("gpu-vm");
  ExpectRefused(*gpu);
  EXPECT_EQ(Ask(*gpu, "clk enable uarta"), "clk enable uarta: ok") << "what it keeps works";
  ExpectInUse();
}

// The same where the guest can't be ended.
TEST_F(MoveDeviceTest, TheSessionMayBeEndedInstead) {
  auto gpu = StartGuest("gpu-vm");
  Use(*gpu);
  const auto ctl = [this](std::vector<std::string> words) {
    words.insert(words.begin(), {"--socket", broker_.admin_socket()});
    return ctl::RunInTest(words);
  };
  const Result late = ctl({"vm", "wait-released", "gpu-vm", "--timeout", "20ms"});
  EXPECT_EQ(late.code, 5);
  EXPECT_THAT(late.err, HasSubstr("gpu-vm is not free after 20ms: it holds 1 clock and 1 power "
                                  "domain: vic, vic; to undo that: bpmpctl vm release gpu-vm"));
  EXPECT_THAT(ctl({"vm", "drain", "gpu-vm"}).out,
              HasSubstr("bpmpctl vm drain gpu-vm --end-session"));
  EXPECT_THAT(ctl({"vm", "list"}).out, HasSubstr("draining"));
  EXPECT_THAT(ctl({"status"}).out, HasSubstr("DRAINING"));
  EXPECT_EQ(ctl({"vm", "drain", "gpu-vm", "--end-session"}).code, 0);
  EXPECT_EQ(ctl({"vm", "wait-released", "gpu-vm", "--timeout", "2m"}).code, 0);
  ExpectAsleep();
  EXPECT_THAT(ctl({"vm", "list"}).out, HasSubstr("drained"));
  EXPECT_NE(gpu->Wait(), 0);
}

}  // namespace
}  // namespace bpmp::testing
