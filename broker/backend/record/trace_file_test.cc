// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/record/trace_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace bpmp::backend::record {
namespace {

using ::testing::HasSubstr;

class TraceFileTest : public ::testing::Test {
 protected:
  TraceFileTest() {
    std::string name = "/tmp/bpmp-record-XXXXXX";
    directory_ = mkdtemp(name.data());
    path_ = directory_ + "/run.trace";
  }
  ~TraceFileTest() override { std::filesystem::remove_all(directory_); }

  static std::string Slurp(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  std::string directory_;
  std::string path_;
};

TEST_F(TraceFileTest, AppendsToAFileOfTheOwnersAlone) {
  auto file = CreateTraceFile(path_);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE((*file)->Append("one ").ok());
  EXPECT_TRUE((*file)->Append("two").ok());
  EXPECT_EQ(Slurp(path_), "one two");
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(TraceFileTest, KeepsTheLastTraceButNoEmptyOne) {
  std::ofstream(path_) << "old";
  EXPECT_TRUE(CreateTraceFile(path_).ok());
  EXPECT_EQ(Slurp(path_ + ".1"), "old");
  EXPECT_EQ(Slurp(path_), "");
  EXPECT_TRUE(CreateTraceFile(path_).ok());
  EXPECT_EQ(Slurp(path_ + ".1"), "old");
  std::ofstream(path_) << "newer";
  EXPECT_TRUE(CreateTraceFile(path_).ok());
  EXPECT_EQ(Slurp(path_ + ".1"), "newer");
}

TEST_F(TraceFileTest, FollowsNoLinkAndReplacesNoDevice) {
  std::filesystem::create_symlink("/etc/passwd", path_);
  EXPECT_THAT(std::string(CreateTraceFile(path_).status().message()),
              HasSubstr("is no regular file; name another one"));
  EXPECT_THAT(std::string(CreateTraceFile("/dev/null").status().message()),
              HasSubstr("is no regular file"));
}

TEST_F(TraceFileTest, SaysWhyThereIsNone) {
  EXPECT_EQ(CreateTraceFile("/nowhere/run.trace").status().message(),
            "can't create /nowhere/run.trace: No such file or directory");
}

TEST_F(TraceFileTest, WhatFitsInPartIsNotThereAtAll) {
  auto file = CreateTraceFile(path_);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Append(std::string(60, 'x')).ok());
  // The kernel writes up to the limit and refuses the rest, as on a full disk.
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit limit = before;
  limit.rlim_cur = 100;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  const absl::Status status = (*file)->Append(std::string(60, 'y'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_THAT(std::string(status.message()), HasSubstr("can't write to " + path_));
  EXPECT_EQ(Slurp(path_), std::string(60, 'x'));
  EXPECT_TRUE((*file)->Append("z").ok());
  EXPECT_EQ(Slurp(path_), std::string(60, 'x') + "z");
}

}  // namespace
}  // namespace bpmp::backend::record
