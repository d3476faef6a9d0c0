// SPDX-License-Identifier: Apache-2.0
#include "broker/service/peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"

namespace bpmp::service {
namespace {

using ::testing::HasSubstr;

TEST(UnitOfTest, IsTheFirstPartThatIsNoSlice) {
  EXPECT_EQ(UnitOf("0::/system.slice/system-microvm.slice/microvm@net-vm.service\n"),
            "microvm@net-vm.service");
  EXPECT_EQ(UnitOf("0::/machine.slice/machine-qemu.scope/libvirt/emulator\n"),
            "machine-qemu.scope");
  EXPECT_EQ(UnitOf("0::/a.service\n"), "a.service");
}

TEST(UnitOfTest, NamesFurtherDownDontCount) {
  // Whoever may make groups below his own may name them as he likes.
  EXPECT_EQ(UnitOf("0::/user.slice/user-1000.slice/user@1000.service/microvm@net-vm.service\n"),
            "user@1000.service");
}

TEST(UnitOfTest, PrefersTheUnifiedHierarchy) {
  EXPECT_EQ(UnitOf("4:memory:/other.service\n1:name=systemd:/a.service\n0::/b.service\n"),
            "b.service");
  EXPECT_EQ(UnitOf("4:memory:/other.service\n1:name=systemd:/a.service\n0::/\n"), "a.service");
}

TEST(UnitOfTest, IsEmptyOutsideOfUnits) {
  EXPECT_EQ(UnitOf("0::/\n"), "");
  EXPECT_EQ(UnitOf("0::/system.slice\n"), "");
}

TEST(UnitOfTest, CantBeToldFromWhatSaysNothing) {
  EXPECT_EQ(UnitOf(""), std::nullopt);
  EXPECT_EQ(UnitOf("rubbish\n0:\n::\n4:memory:/other.service\n"), std::nullopt);
  // A broker in a control group namespace sees of those outside only how to get there.
  EXPECT_EQ(UnitOf("0::/../microvm@net-vm.service\n"), std::nullopt);
  EXPECT_EQ(UnitOf("0::/\n1:name=systemd:/../../a.service\n"), std::nullopt);
}

// A child process that holds one end of a socket pair which it made itself, so that it is the peer
// of the other end's credentials.
class PeerTest : public ::testing::Test {
 protected:
  PeerTest() {
    char name[] = "/tmp/bpmp-XXXXXX";
    proc_ = mkdtemp(name);
  }
  ~PeerTest() override { std::filesystem::remove_all(proc_); }

  // This process, as the peer of itself.
  static std::shared_ptr<const Peer> Self() {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    const UniqueFd a(pair[0]);
    const UniqueFd b(pair[1]);
    auto peer = Peer::OfSocket(a.get());
    EXPECT_TRUE(peer.ok()) << peer.status();
    return *std::move(peer);
  }
  void WriteGroup(pid_t pid, const std::string& text) {
    const std::string directory = absl::StrCat(proc_, "/", pid);
    std::filesystem::create_directory(directory);
    std::ofstream(directory + "/cgroup") << text;
  }

  std::string proc_;
};

TEST_F(PeerTest, KnowsItsProcess) {
  const auto peer = Self();
  EXPECT_TRUE(peer->visible());
  EXPECT_EQ(peer->pid(), getpid());
  EXPECT_EQ(peer->uid(), geteuid());
  EXPECT_FALSE(peer->Gone());
  EXPECT_TRUE(peer->SameProcessAs(*Self()));
  EXPECT_FALSE(peer->SameProcessAs(*Peer::Remote("vm-a")));
}

TEST_F(PeerTest, SeesItsEnd) {
  char name[] = "/tmp/bpmp-XXXXXX";
  const std::string directory = mkdtemp(name);
  auto socket = UnixSocket::Listen(directory + "/s", {});
  ASSERT_TRUE(socket.ok()) << socket.status();
  const pid_t child = fork();
  if (child == 0) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket->path().copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) _exit(1);
    pause();
    _exit(0);
  }
  UniqueFd connection;
  while (!connection.valid()) connection = UniqueFd(accept(socket->fd(), nullptr, nullptr));
  const auto peer = Peer::OfSocket(connection.get());
  ASSERT_TRUE(peer.ok()) << peer.status();
  EXPECT_EQ((*peer)->pid(), child);
  EXPECT_FALSE((*peer)->Gone());
  EXPECT_FALSE((*peer)->SameProcessAs(*Self()));
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE((*peer)->Gone());
  // Now that the process is reaped, its number means nothing any more.
  const auto again = Peer::OfSocket(connection.get());
  EXPECT_TRUE(!again.ok() || (*again)->Gone());
  socket->Close();
  std::filesystem::remove_all(directory);
}

TEST_F(PeerTest, AnotherUserIsRefused) {
  const auto remote = Peer::Remote("vm-a");  // uid 0
  const auto self = Self();
  EXPECT_TRUE(CheckPeer(*self, {geteuid(), ""}).ok());
  if (geteuid() != 0) {
    const absl::Status status = CheckPeer(*self, {geteuid() + 1, ""});
    EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("uid ", geteuid() + 1)));
  } else {
    EXPECT_TRUE(CheckPeer(*self, {4711, ""}).ok()) << "root always may";
  }
}

TEST_F(PeerTest, AnotherUnitIsRefusedEvenForRoot) {
  const auto self = Self();
  WriteGroup(getpid(), "0::/system.slice/microvm@net-vm.service\n");
  EXPECT_TRUE(CheckPeer(*self, {geteuid(), "microvm@net-vm.service"}, proc_).ok());
  const absl::Status status = CheckPeer(*self, {geteuid(), "microvm@gpu-vm.service"}, proc_);
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("unit microvm@net-vm.service"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("expected unit microvm@gpu-vm.service"));
}

TEST_F(PeerTest, WhoseUnitCantBeToldSpeaksForNoVmWithAUnit) {
  const absl::Status status = CheckPeer(*Self(), {geteuid(), "a.service"}, proc_);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/cgroup can't be read"));
  EXPECT_FALSE(CheckPeer(*Peer::Remote("vm-a"), {0, "a.service"}, proc_).ok());
}

TEST_F(PeerTest, NobodyOfAVmsUnitIsAnAdministrator) {
  const auto self = Self();
  const PeerRule vm{geteuid(), "a.service"};
  EXPECT_FALSE(CheckAdminPeer(*self, "a.service", vm).ok());
  EXPECT_FALSE(CheckAdminPeer(*self, "a.service", {geteuid() + 1, "a.service"}).ok());
  EXPECT_TRUE(CheckAdminPeer(*self, "sshd.service", vm).ok());
  EXPECT_TRUE(CheckAdminPeer(*self, "", vm).ok());
  EXPECT_TRUE(CheckAdminPeer(*self, absl::NotFoundError("it has ended"), vm).ok());
}

TEST_F(PeerTest, WhoMayBeOfAVmsUnitIsNoAdministrator) {
  const auto self = Self();
  const auto unit = UnitOfPeer(*self, proc_);
  EXPECT_TRUE(absl::IsUnavailable(unit.status())) << unit.status();
  EXPECT_TRUE(CheckAdminPeer(*self, unit, {geteuid(), ""}).ok()) << "the VM has no unit";
  EXPECT_TRUE(CheckAdminPeer(*self, unit, {geteuid() + 1, "a.service"}).ok()) << "another user";
  const absl::Status status = CheckAdminPeer(*self, unit, {geteuid(), "a.service"});
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("may be of this VM's unit a.service; start "
                                                       "bpmpctl where the broker sees"));
  const auto outside = Peer::Remote("a process of another namespace");  // uid 0, not visible
  EXPECT_FALSE(CheckAdminPeer(*outside, UnitOfPeer(*outside), {0, "a.service"}).ok());
  EXPECT_TRUE(CheckAdminPeer(*outside, UnitOfPeer(*outside), {64'001, "a.service"}).ok());
}

}  // namespace
}  // namespace bpmp::service
