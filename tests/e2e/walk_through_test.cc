// SPDX-License-Identifier: Apache-2.0
// Runs docs/walk-through-uarta.md: what the page says to do is done, and what it says that one sees
// is seen. Only what it marks as of the board isn't.
#include "tests/e2e/walk_through.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "broker/service/unix_socket.h"
#include "qemu-client/tests/broker_process.h"
#include "tests/e2e/e2e_fixture.h"
#include "tests/lib/spawn.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kPage[] = BPMP_SOURCE_DIR "/docs/walk-through-uarta.md";
// Of the page's emulator, all but its last argument: as LinuxGuest starts one.
constexpr char kEmulator[] =
    "qemu-system-aarch64 -machine virt -cpu cortex-a57 -m 256 -nographic -kernel Image "
    "-initrd initramfs.gz -dtb guest.dtb -append \"console=ttyAMA0\" -device ";

std::string Contents(const std::string& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The broker inside the test is the firmware of the machine that stands for the host.
class WalkThroughTest : public E2eTest {
 protected:
  WalkThroughTest() : E2eTest(R"(vms { name: "stands-for-host" all: ACCESS_EXCLUSIVE })") {
    for (const char* const program : {BPMP_BROKER_BINARY, BPMPCTL}) {
      std::filesystem::create_symlink(program,
                                      Path(std::filesystem::path(program).filename().string()));
    }
  }
  ~WalkThroughTest() override {
    if (background_ <= 0) return;
    kill(background_, SIGTERM);
    WaitForEnd(background_);
  }

  // The page's paths are the real ones; the broker's is the one that a test can't use.
  std::string Here(const std::string& text) const {
    return absl::StrReplaceAll(text, {{"/run/bpmp-broker", Path("run")}});
  }
  std::string Path(const std::string& name) const { return home_.path() + "/" + name; }
  std::string Shell(const std::string& text) const {
    return absl::StrCat("set -e; cd ", home_.path(), "; export PATH=", home_.path(),
                        ":$PATH BPMP_BROKER_ADMIN=", Path("run/admin.sock"), "\n", Here(text));
  }

  // --- One for each kind of block ---
  void InFile(const Block& block) { std::ofstream(Path(block.kind)) << Here(block.text); }
  void OnTheHost(const Block& block) {
    said_.clear();
    EXPECT_EQ(client::RunProgram({"/bin/bash", "-c", Shell(block.text)}, &said_), 0) << said_;
  }
  void InTheBackground(const Block& block) {
    ASSERT_EQ(background_, -1) << "one program in the background is enough";
    const service::UniqueFd log(
        open(Path("log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    background_ = Spawn({"/bin/bash", "-c", Shell("exec " + block.text)}, log.get());
    in_background_ = true;
  }
  void HostNode(const Block& block) {
    GuestMachine machine = Machine("stands-for-host");
    machine.device_tree = MakeDeviceTree(machine, block.text, home_.path());
    host_ = Boot(machine);
  }
  void GuestNode(const Block& block) { guest_node_ = block.text; }
  void Emulator(const Block& block) {
    std::string command = absl::StrReplaceAll(block.text, {{"\\\n", " "}});
    command =
        absl::StrJoin(absl::StrSplit(command, absl::ByAnyChar(" \n"), absl::SkipEmpty()), " ");
    absl::string_view device = command;
    ASSERT_TRUE(absl::ConsumePrefix(&device, kEmulator)) << command;
    GuestMachine machine = MachineOn("");
    machine.device = Here(std::string(device));
    machine.device_tree = MakeDeviceTree(machine, guest_node_, home_.path());
    guest_ = Boot(machine);
  }
  void Inside(LinuxGuest* guest, const Block& block) {
    ASSERT_NE(guest, nullptr);
    said_.clear();
    for (const absl::string_view line : absl::StrSplit(block.text, '\n', absl::SkipEmpty())) {
      absl::StrAppend(&said_, guest->Run(std::string(line)), "\n");
      EXPECT_EQ(guest->status(), 0) << line << ": " << said_;
    }
  }
  void See(const Block& block) {
    const std::string expected = Here(block.text);
    while (in_background_ && !Missing(expected, Contents(Path("log"))).empty()) {
      // Until it is there: a file can't be waited for.
      siginfo_t ended{};
      ASSERT_EQ(waitid(P_PID, static_cast<id_t>(background_), &ended, WEXITED | WNOHANG | WNOWAIT),
                0);
      ASSERT_EQ(ended.si_pid, 0) << Contents(Path("log"));
      poll(nullptr, 0, 20);
    }
    if (!in_background_) {
      EXPECT_EQ(Missing(expected, said_), "") << "is not in what there is to see:\n" << said_;
    }
    in_background_ = false;
    ++seen_;
  }
  void OnTheBoard(const Block& block) { EXPECT_THAT(block.before, HasSubstr("**On the board**")); }
  void Do(const Block& block) {
    using Action = void (WalkThroughTest::*)(const Block&);
    static const std::map<std::string, Action> kActions = {
        {"dts host", &WalkThroughTest::HostNode},
        {"dts guest", &WalkThroughTest::GuestNode},
        {"sh ", &WalkThroughTest::OnTheHost},
        {"sh background", &WalkThroughTest::InTheBackground},
        {"sh emulator", &WalkThroughTest::Emulator},
        {"text see", &WalkThroughTest::See},
        {"yaml broker.yaml", &WalkThroughTest::InFile},
    };
    if (block.kind == "board") return OnTheBoard(block);
    const std::string what = absl::StrCat(block.language, " ", block.kind);
    if (what == "sh host") return Inside(host_.get(), block);
    if (what == "sh guest") return Inside(guest_.get(), block);
    const auto action = kActions.find(what);
    ASSERT_NE(action, kActions.end()) << "nobody knows how to run a block of '" << what << "'";
    (this->*action->second)(block);
  }

  const TemporaryDirectory home_;
  std::unique_ptr<LinuxGuest> host_;
  std::unique_ptr<LinuxGuest> guest_;
  std::string guest_node_;
  std::string said_;  // by the last block that says something
  pid_t background_ = -1;
  bool in_background_ = false;  // the last block was that
  int seen_ = 0;
};

TEST_P(WalkThroughTest, IsAsThePageSays) {
  for (const Block& block : BlocksOf(Contents(kPage))) {
    SCOPED_TRACE(absl::StrCat("docs/walk-through-uarta.md:", block.line));
    Do(block);
    if (HasFatalFailure()) break;
  }
  EXPECT_GE(seen_, 10);
  guest_.reset();
  host_.reset();
}

TEST(WalkThrough, FindsTheBlocksOfAPage) {
  const auto blocks = BlocksOf("one\n```sh\na\nb\n```\ntwo\n```text see\n```\n");
  ASSERT_EQ(blocks.size(), 2U);
  EXPECT_EQ(blocks[0].language, "sh");
  EXPECT_EQ(blocks[0].kind, "");
  EXPECT_EQ(blocks[0].text, "a\nb\n");
  EXPECT_EQ(blocks[0].before, "one\n");
  EXPECT_EQ(blocks[1].kind, "see");
  EXPECT_EQ(blocks[1].before, "two\n");
  EXPECT_EQ(blocks[1].line, 7);
}

TEST(WalkThrough, FindsWhatIsNotThere) {
  EXPECT_EQ(Missing("a ... c\nd\n", "x\na b c\n d \n"), "");
  EXPECT_EQ(Missing("a...c\n", "c b a\n"), "a...c");
  EXPECT_EQ(Missing("d\na\n", "a\nd\n"), "a");
  EXPECT_EQ(Missing("a\na\n", "a\n"), "a");
  EXPECT_EQ(Missing("0\n", "-110\n"), "0");
  EXPECT_EQ(Missing("off\n", "is offered\n"), "off");
}

INSTANTIATE_TEST_SUITE_P(Linux, WalkThroughTest, ::testing::ValuesIn(kWindowPairs), NameOfTest);

}  // namespace
}  // namespace bpmp::testing
