// SPDX-License-Identifier: Apache-2.0
// The real program, from the outside: how it starts, says so, and ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <filesystem>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/daemon/daemon_fixture.h"

namespace bpmp::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

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
    EXPECT_THAT(told_, HasSubstr("STATUS=1 VM, 0 connected"));
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
        {{"WATCHDOG_USEC", "1000000"}});
  ASSERT_TRUE(WaitUntilTold("BACKEND DOESN'T ANSWER")) << Slurp("err");
  told_.clear();
  ASSERT_TRUE(WaitUntilTold("WATCHDOG=1")) << Slurp("err");
  kill(pid_, SIGTERM);
  EXPECT_EQ(WaitForEnd(), 0) << Slurp("err");
  EXPECT_THAT(Slurp("err"), HasSubstr("the backend doesn't answer"));
  EXPECT_THAT(Slurp("err"), Not(HasSubstr("the broker doesn't answer")));
}

TEST_F(DaemonComponentTest, SaysWhatWasOnBeforeItAndThatNoVmClaims) {
  // The simulated board boots from its eMMC.
  Start({"--config", ConfigWith("vms:\n  - {name: a, devices: [sdmmc4]}\n")});
  while (!absl::StrContains(Slurp("err"), "claimed by no VM")) {
    pollfd ended{ended_.get(), POLLIN, 0};
    ASSERT_EQ(poll(&ended, 1, 10), 0) << Slurp("err");
  }
  EXPECT_THAT(Slurp("err"),
              HasSubstr("claimed by no VM: clock sdmmc4 (of a), which stay on until their VM turns "
                        "them off or is released (bpmpctl vm release VM); clock sdmmc_legacy_tm "
                        "(of a), which are the host's now and stay on until it boots again"));
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
  EXPECT_THAT(Slurp("err"), HasSubstr("can't read " + root_ + "/nothing.yaml"));
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
