// SPDX-License-Identifier: Apache-2.0
#include "broker/service/unix_socket.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace bpmp::service {
namespace {

using ::testing::HasSubstr;

class UnixSocketTest : public ::testing::Test {
 protected:
  UnixSocketTest() {
    char name[] = "/tmp/bpmp-XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~UnixSocketTest() override { std::filesystem::remove_all(directory_); }

  static struct stat Stat(const std::string& path) {
    struct stat file {};
    EXPECT_EQ(lstat(path.c_str(), &file), 0) << path;
    return file;
  }
  static bool Connects(const std::string& path) {
    const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    return connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  size_t FilesIn(const std::string& path) {
    size_t count = 0;
    for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(path)) ++count;
    return count;
  }

  std::string directory_;
};

TEST_F(UnixSocketTest, ListensWithTheModeAskedFor) {
  const mode_t before = umask(0077);
  const std::string path = directory_ + "/vms/a.sock";
  const auto socket = UnixSocket::Listen(path, {{}, {}, 0666});
  umask(before);
  ASSERT_TRUE(socket.ok()) << socket.status();
  EXPECT_EQ(Stat(path).st_mode & 07777, 0666u);
  EXPECT_EQ(Stat(directory_ + "/vms").st_mode & 07777, 0755u);
  EXPECT_EQ(FilesIn(directory_ + "/vms"), 1u) << "the temporary name is gone";
  EXPECT_TRUE(Connects(path));
  EXPECT_TRUE(fcntl(socket->fd(), F_GETFD) & FD_CLOEXEC);
}

TEST_F(UnixSocketTest, GivesTheFileToItsOwner) {
  if (geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  const std::string path = directory_ + "/a.sock";
  const auto socket = UnixSocket::Listen(path, {1234, 2345, 0660});
  ASSERT_TRUE(socket.ok()) << socket.status();
  EXPECT_EQ(Stat(path).st_uid, 1234u);
  EXPECT_EQ(Stat(path).st_gid, 2345u);
}

TEST_F(UnixSocketTest, ReplacesWhatADeadBrokerLeft) {
  const std::string path = directory_ + "/a.sock";
  {
    const UniqueFd dead(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(listen(dead.get(), 1), 0);
  }
  ASSERT_FALSE(Connects(path));
  const auto socket = UnixSocket::Listen(path, {});
  ASSERT_TRUE(socket.ok()) << socket.status();
  EXPECT_TRUE(Connects(path));
}

TEST_F(UnixSocketTest, LeavesALiveBrokerAlone) {
  const std::string path = directory_ + "/a.sock";
  const auto first = UnixSocket::Listen(path, {});
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = UnixSocket::Listen(path, {});
  EXPECT_TRUE(absl::IsAlreadyExists(second.status())) << second.status();
  EXPECT_TRUE(Connects(path));
}

TEST_F(UnixSocketTest, LeavesOtherFilesAlone) {
  const std::string path = directory_ + "/a.sock";
  std::ofstream(path) << "precious";
  const auto socket = UnixSocket::Listen(path, {});
  EXPECT_TRUE(absl::IsAlreadyExists(socket.status())) << socket.status();
  EXPECT_THAT(std::string(socket.status().message()), HasSubstr(path));
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

TEST_F(UnixSocketTest, SaysThatAPathIsTooLong) {
  const std::string longest = directory_ + "/" + std::string(107 - directory_.size() - 1, 'x');
  ASSERT_EQ(longest.size(), 107u);
  EXPECT_TRUE(UnixSocket::Listen(longest, {}).ok());
  const auto socket = UnixSocket::Listen(longest + "x", {});
  EXPECT_TRUE(absl::IsInvalidArgument(socket.status())) << socket.status();
  EXPECT_THAT(std::string(socket.status().message()), HasSubstr("108 bytes"));
}

TEST_F(UnixSocketTest, RemovesItsFileButNotAnothers) {
  const std::string path = directory_ + "/a.sock";
  {
    auto socket = UnixSocket::Listen(path, {});
    ASSERT_TRUE(socket.ok());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  auto first = UnixSocket::Listen(path, {});
  ASSERT_TRUE(first.ok());
  std::filesystem::rename(path, directory_ + "/elsewhere");
  const auto second = UnixSocket::Listen(path, {});
  ASSERT_TRUE(second.ok()) << second.status();
  first->Close();
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(ParseModeTest, ReadsOctal) {
  EXPECT_EQ(*ParseMode("0660"), 0660u);
  EXPECT_EQ(*ParseMode("600"), 0600u);
  for (const char* bad : {"", "0999", "rw", "01777", "-1", "0x1ff"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseMode(bad).status())) << bad;
  }
}

TEST(FindUserTest, RefusesTheNumberThatStandsForNobody) {
  for (const absl::Status& status :
       {FindUser("4294967295").status(), FindGroup("4294967295").status()}) {
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("the kernel takes it for -1"));
  }
}

TEST(FindUserTest, TakesNamesAndNumbers) {
  EXPECT_EQ(*FindUser("root"), 0u);
  EXPECT_EQ(*FindUser("4711"), 4711u);
  EXPECT_EQ(*FindGroup("root"), 0u);
  EXPECT_TRUE(absl::IsNotFound(FindUser("no-such-user").status()));
  EXPECT_EQ(*FindUser("4294967294"), 4294967294u);
  EXPECT_TRUE(absl::IsNotFound(FindGroup("no-such-group").status()));
}

}  // namespace
}  // namespace bpmp::service
