// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/instance_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"

namespace bpmp::daemon {
namespace {

using ::testing::HasSubstr;

class InstanceLockTest : public testing::Test {
 protected:
  InstanceLockTest() {
    std::string name = testing::TempDir() + "/lock-XXXXXX";
    root_ = mkdtemp(name.data());
  }
  ~InstanceLockTest() override { std::filesystem::remove_all(root_); }

  std::string root_;
};

TEST_F(InstanceLockTest, OneAtATime) {
  const std::string directory = root_ + "/run/broker";
  auto first = InstanceLock::Take(directory);
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::Status second = InstanceLock::Take(directory).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(second.message(),
            absl::StrCat("another bpmp-broker (process ", getpid(), ") runs in ", directory,
                         "; stop it, or give this one another 'runtime_dir'"));
  EXPECT_TRUE(InstanceLock::Take(root_ + "/elsewhere").ok());
  { const InstanceLock gone = *std::move(first); }
  EXPECT_TRUE(InstanceLock::Take(directory).ok()) << "a file that is left over locks nobody out";
}

TEST_F(InstanceLockTest, NotWhereOthersCanReplaceTheSockets) {
  ASSERT_EQ(chmod(root_.c_str(), 0777), 0);
  const absl::Status status = InstanceLock::Take(root_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("writable by everybody"));
}

TEST_F(InstanceLockTest, NotWhereAGroupCanReplaceTheSockets) {
  ASSERT_EQ(chmod(root_.c_str(), 0770), 0);
  const absl::Status status = InstanceLock::Take(root_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(),
            absl::StrCat(root_, " is writable by the group ", getegid(),
                         ", who could replace the sockets in it; choose a 'runtime_dir' of the "
                         "broker's own, or: chmod go-w ",
                         root_));
}

mode_t ModeOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

// flock() asks for no more than a descriptor, so nobody else may get one.
TEST_F(InstanceLockTest, NobodyElseCanHoldTheLock) {
  const std::string lock = root_ + "/broker.lock";
  ASSERT_TRUE(InstanceLock::Take(root_).ok());
  EXPECT_EQ(ModeOf(lock), 0600u);
  ASSERT_EQ(chmod(lock.c_str(), 0644), 0) << "as an older broker left it";
  ASSERT_TRUE(InstanceLock::Take(root_).ok());
  EXPECT_EQ(ModeOf(lock), 0600u);
}

TEST_F(InstanceLockTest, NotWithALockOfSomebodyElses) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make another user's file";
  ASSERT_TRUE(InstanceLock::Take(root_).ok());
  ASSERT_EQ(chown((root_ + "/broker.lock").c_str(), 1, 1), 0);
  const absl::Status status = InstanceLock::Take(root_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("belongs to uid 1, who could keep"));
}

TEST_F(InstanceLockTest, NotInAFilesPlace) { EXPECT_FALSE(InstanceLock::Take("/dev/null/x").ok()); }

}  // namespace
}  // namespace bpmp::daemon
