// SPDX-License-Identifier: Apache-2.0
// The real program, from the outside: how it starts, says so, and ends.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "bpmp/v1/admin.grpc.pb.h"
#include "bpmp/v1/guest.grpc.pb.h"
#include "broker/service/unix_socket.h"

namespace bpmp::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr uid_t kNobody = 65534;

// One run of the program, in a runtime directory of its own, with a service manager's socket that
// the test listens on.
class DaemonComponentTest : public testing::Test {
 protected:
  DaemonComponentTest() {
    std::string name = "/tmp/bpmp-daemon-XXXXXX";  // short: socket paths are bounded
    root_ = mkdtemp(name.data());
    notify_ = service::UniqueFd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = root_ + "/notify";
    std::copy(path.begin(), path.end(), address.sun_path);
    EXPECT_EQ(bind(notify_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }

  ~DaemonComponentTest() override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    std::filesystem::remove_all(root_);
  }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(root_ + "/" + name) << text;
    return root_ + "/" + name;
  }

  // As root, too, everything stays in the test's directory.
  std::string ConfigWith(const std::string& more) {
    return Write("broker.yaml", absl::StrCat("runtime_dir: ", root_, "/run\nmetrics: off\n", more));
  }

  // `unprivileged`: not as root, even if the test is.
  void Start(std::vector<std::string> args, std::map<std::string, std::string> environment = {},
             bool unprivileged = false) {
    environment.try_emplace("XDG_RUNTIME_DIR", root_);
    environment.try_emplace("NOTIFY_SOCKET", root_ + "/notify");
    args.insert(args.begin(), BPMP_BROKER_BINARY);
    std::vector<std::string> variables;
    for (const auto& [key, value] : environment) variables.push_back(absl::StrCat(key, "=", value));
    const auto pointers = [](std::vector<std::string>& strings) {
      std::vector<char*> result;
      for (std::string& string : strings) result.push_back(string.data());
      result.push_back(nullptr);
      return result;
    };
    std::vector<char*> argv = pointers(args);
    std::vector<char*> envp = pointers(variables);
    const std::string out = root_ + "/out";
    const std::string err = root_ + "/err";
    // By descriptor: another user need not be able to reach the build directory.
    const service::UniqueFd program(open(BPMP_BROKER_BINARY, O_PATH | O_CLOEXEC));
    const bool drop = unprivileged && geteuid() == 0;
    if (drop) {
      ASSERT_EQ(chown(root_.c_str(), kNobody, kNobody), 0);
    }
    pid_ = fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) {
      dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
      dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
      if (drop && (chown((root_ + "/notify").c_str(), kNobody, kNobody) != 0 ||
                   setgid(kNobody) != 0 || setuid(kNobody) != 0)) {
        _exit(126);
      }
      execveat(program.get(), "", argv.data(), envp.data(), AT_EMPTY_PATH);
      _exit(127);
    }
    ended_ = service::UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  }

  // Reads what the service manager is told until `text` is in it; false when the program ends
  // first.
  bool WaitUntilTold(const std::string& text) {
    while (!absl::StrContains(told_, text)) {
      std::array<pollfd, 2> fds = {pollfd{notify_.get(), POLLIN, 0},
                                   pollfd{ended_.get(), POLLIN, 0}};
      if (poll(fds.data(), fds.size(), -1) < 0) continue;
      if ((fds[0].revents & POLLIN) == 0) return false;
      std::array<char, 4096> buffer{};
      const ssize_t size = recv(notify_.get(), buffer.data(), buffer.size(), 0);
      if (size > 0)
        absl::StrAppend(&told_, std::string(buffer.data(), static_cast<size_t>(size)), "\n");
    }
    return true;
  }

  // The exit status, or minus the signal that ended it.
  int WaitForEnd() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  std::string Slurp(const std::string& name) {
    std::stringstream text;
    text << std::ifstream(root_ + "/" + name).rdbuf();
    return text.str();
  }

  // The admin API of a broker whose runtime directory is `directory`.
  v1::ServerStatus StatusOf(const std::string& directory) {
    auto stub = v1::Admin::NewStub(grpc::CreateChannel(
        absl::StrCat("unix:", directory, "/admin.sock"), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    v1::ServerStatus status;
    const grpc::Status rpc = stub->GetServerStatus(&context, {}, &status);
    EXPECT_TRUE(rpc.ok()) << rpc.error_message();
    return status;
  }

  std::string root_;
  std::string told_;
  service::UniqueFd notify_;
  service::UniqueFd ended_;
  pid_t pid_ = -1;
};

TEST_F(DaemonComponentTest, WithoutAConfigurationItServesAndEndsCleanly) {
  Start({}, {}, /*unprivileged=*/true);
  ASSERT_TRUE(WaitUntilTold("READY=1")) << Slurp("err");
  EXPECT_EQ(StatusOf(root_ + "/bpmp-broker").backend(), "sim");
  kill(pid_, SIGTERM);
  EXPECT_TRUE(WaitUntilTold("STOPPING=1"));
  EXPECT_EQ(WaitForEnd(), 0) << Slurp("err");
}

TEST_F(DaemonComponentTest, ServesWhatIsConfiguredAndLeavesNoSockets) {
  const std::string config = ConfigWith("vms:\n  - {name: net-vm, devices: [mgbe0]}\n");
  for (const int signal : {SIGTERM, SIGINT}) {
    told_.clear();
    Start({"--config", config});
    ASSERT_TRUE(WaitUntilTold("READY=1")) << Slurp("err");
    EXPECT_THAT(told_, HasSubstr("STATUS=1 VMs, 0 connected"));
    EXPECT_TRUE(std::filesystem::is_socket(root_ + "/run/vms/net-vm.sock"));
    const v1::ServerStatus status = StatusOf(root_ + "/run");
    EXPECT_EQ(status.config_file(), config);
    kill(pid_, signal);
    EXPECT_TRUE(WaitUntilTold("STOPPING=1"));
    EXPECT_EQ(WaitForEnd(), 0) << Slurp("err");
    EXPECT_FALSE(std::filesystem::exists(root_ + "/run/vms/net-vm.sock"));
    EXPECT_FALSE(std::filesystem::exists(root_ + "/run/admin.sock"));
    EXPECT_THAT(Slurp("err"), HasSubstr(root_ + "/run/vms/net-vm.sock (mgbe0)"));
    EXPECT_THAT(Slurp("err"), HasSubstr("bpmpctl --socket " + root_ + "/run/admin.sock status"));
  }
}

TEST_F(DaemonComponentTest, FeedsTheWatchdogAndSaysThatTheBackendAnswers) {
  Start({"--config", ConfigWith("")}, {{"WATCHDOG_USEC", "300000"}});
  ASSERT_TRUE(WaitUntilTold("WATCHDOG=1")) << Slurp("err");
  ASSERT_TRUE(WaitUntilTold("backend answers")) << Slurp("err");
}

TEST_F(DaemonComponentTest, ABackendThatHangsIsToldButDoesntStarveTheWatchdogNorTheStop) {
  // The firmware is read out first, with one GET_RATE for each of 435 clocks; then it hangs.
  Start({"--config",
         ConfigWith("limits: {request_timeout_ms: 60000}\nbackend:\n  transfer_timeout_ms: 100\n"
                    "  sim: {faults: ['CLK GET_RATE * hang nth=436 every=1']}\n")},
        {{"WATCHDOG_USEC", "300000"}});
  ASSERT_TRUE(WaitUntilTold("BACKEND DOESN'T ANSWER")) << Slurp("err");
  told_.clear();
  ASSERT_TRUE(WaitUntilTold("WATCHDOG=1")) << Slurp("err");
  kill(pid_, SIGTERM);
  EXPECT_EQ(WaitForEnd(), 0) << Slurp("err");
  EXPECT_THAT(Slurp("err"), HasSubstr("the backend doesn't answer"));
  EXPECT_THAT(Slurp("err"), Not(HasSubstr("the broker doesn't answer")));
}

TEST_F(DaemonComponentTest, TheLogSaysWhoseASessionIs) {
  Start({"--config", ConfigWith("vms: [{name: net-vm}]\n")});
  ASSERT_TRUE(WaitUntilTold("READY=1")) << Slurp("err");
  const auto stub = v1::Guest::NewStub(grpc::CreateChannel(
      absl::StrCat("unix:", root_, "/run/vms/net-vm.sock"), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  const auto stream = stub->Session(&context);
  v1::SessionRequest hello;
  hello.mutable_hello()->set_client("tester");
  v1::SessionResponse welcome;
  ASSERT_TRUE(stream->Write(hello) && stream->Read(&welcome));
  kill(pid_, SIGTERM);
  EXPECT_EQ(WaitForEnd(), 0) << Slurp("err");
  EXPECT_THAT(Slurp("err"), HasSubstr(absl::StrCat("vm net-vm: session 1: opened by pid ", getpid(),
                                                   ", uid ", geteuid(), ", tester")));
}

TEST_F(DaemonComponentTest, WorksWithoutAServiceManager) {
  Start({"--config", ConfigWith("")}, {{"NOTIFY_SOCKET", root_ + "/nobody-listens"}});
  // Its own log says when it serves.
  while (!absl::StrContains(Slurp("err"), "admin API: ")) {
    pollfd ended{ended_.get(), POLLIN, 0};
    ASSERT_EQ(poll(&ended, 1, 10), 0) << Slurp("err");
  }
  kill(pid_, SIGTERM);
  EXPECT_EQ(WaitForEnd(), 0) << Slurp("err");
}

TEST_F(DaemonComponentTest, OneBrokerToADirectory) {
  const std::string config = ConfigWith("");
  Start({"--config", config});
  ASSERT_TRUE(WaitUntilTold("READY=1")) << Slurp("err");
  const pid_t first = pid_;
  Start({"--config", config});
  EXPECT_EQ(WaitForEnd(), 75);
  EXPECT_THAT(Slurp("err"),
              HasSubstr(absl::StrCat("another bpmp-broker (process ", first, ") runs")));
  pid_ = first;
  EXPECT_EQ(StatusOf(root_ + "/run").backend(), "sim") << "the first isn't disturbed";
  kill(pid_, SIGTERM);
  EXPECT_EQ(WaitForEnd(), 0);
}

TEST_F(DaemonComponentTest, ABadConfigurationIsRefusedWithItsPlaces) {
  const std::string config =
      ConfigWith("vms:\n  - name: a\n    devces: [uarta]\n  - name: b\n    mode: 0999\n");
  Start({"--config", config});
  EXPECT_EQ(WaitForEnd(), 78);
  EXPECT_THAT(Slurp("err"), HasSubstr(config + ":5:5: vms[0].devces: no such field; did you mean "
                                               "'devices'?"));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/run"));
}

TEST_F(DaemonComponentTest, APolicyThatDoesntFitTheBoardIsRefused) {
  const std::string config =
      ConfigWith("vms:\n  - {name: a, devices: [uarta]}\n  - {name: b, devices: [uarta, nope]}\n");
  Start({"--config", config, "--check"});
  EXPECT_EQ(WaitForEnd(), 78);
  EXPECT_THAT(Slurp("err"),
              HasSubstr(config + ":5: vm b: profile 'tegra234' has no device 'nope'"));
  EXPECT_THAT(Slurp("err"), HasSubstr("vm a has reset uarta too"));
}

TEST_F(DaemonComponentTest, CheckTouchesNothing) {
  const std::string config =
      ConfigWith("vms:\n  - {name: a, devices: [uarta]}\n  - {name: b, devices: [vic]}\n");
  Start({"--config", config, "--check"});
  EXPECT_EQ(WaitForEnd(), 0) << Slurp("err");
  EXPECT_EQ(Slurp("out"), absl::StrCat(config, ": OK, 2 VMs, sockets in ", root_, "/run\n"));
  EXPECT_THAT(Slurp("err"), HasSubstr("warning: " + config + ":4:6: vms a, b: all are open to"));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/run"));
}

TEST_F(DaemonComponentTest, BadFaultsAndMissingFiles) {
  Start({"--config", ConfigWith("backend: {sim: {faults: ['CLK DANCE hang']}}\n")});
  EXPECT_EQ(WaitForEnd(), 78);
  EXPECT_THAT(Slurp("err"), HasSubstr("/broker.yaml:3:26: faults: "));
  Start({"--config", root_ + "/nothing.yaml"});
  EXPECT_EQ(WaitForEnd(), 78);
  EXPECT_THAT(Slurp("err"), HasSubstr("can't open " + root_ + "/nothing.yaml"));
}

// A script that keeps the answer in a file must not take a full disk for "OK".
TEST_F(DaemonComponentTest, SaysWhenItsOutputCantBeWritten) {
  std::filesystem::create_symlink("/dev/full", root_ + "/out");
  for (const char* option : {"--check", "--version", "--help"}) {
    Start({"--config", ConfigWith(""), option});
    EXPECT_EQ(WaitForEnd(), 1) << option;
    EXPECT_THAT(Slurp("err"), HasSubstr("can't write to standard output"));
  }
}

TEST_F(DaemonComponentTest, TheCommandLine) {
  Start({"--version"});
  EXPECT_EQ(WaitForEnd(), 0);
  EXPECT_THAT(Slurp("out"), StartsWith("bpmp-broker "));
  Start({"--help"});
  EXPECT_EQ(WaitForEnd(), 0);
  EXPECT_THAT(Slurp("out"), HasSubstr("--config"));
  Start({"--wrong"});
  EXPECT_EQ(WaitForEnd(), 64);
}

}  // namespace
}  // namespace bpmp::daemon
