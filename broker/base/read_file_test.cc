// SPDX-License-Identifier: Apache-2.0
#include "broker/base/read_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace bpmp {
namespace {

using ::testing::HasSubstr;

class ReadFileTest : public ::testing::Test {
 protected:
  ReadFileTest() {
    std::string name = "/tmp/bpmp-read-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~ReadFileTest() override { std::filesystem::remove_all(folder_); }

  std::string At(const std::string& name) const { return folder_ + "/" + name; }
  std::string Pipe() const {
    EXPECT_EQ(mkfifo(At("pipe").c_str(), 0600), 0);
    return At("pipe");
  }

 private:
  std::string folder_;
};

TEST_F(ReadFileTest, ReadsAllOfAFileAndOneByteMoreThanIsAllowed) {
  const std::string text(200'000, 'x');
  std::ofstream(At("file")) << text;
  EXPECT_EQ(ReadFile(At("file"), text.size()).value(), text);
  EXPECT_EQ(ReadFile(At("file"), text.size() - 1).value(), text);
  EXPECT_EQ(ReadFile(At("file"), 10).value(), text.substr(0, 11));
  std::ofstream(At("empty"));
  EXPECT_EQ(ReadFile(At("empty"), 10).value(), "");
  EXPECT_GT(ReadFile("/proc/self/status", 100'000).value().size(), 100U);
}

TEST_F(ReadFileTest, APipeIsReadToItsEnd) {
  const std::string pipe = Pipe();
  // Opened for both, so that neither end waits for the other's.
  const int fd = open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  const std::string text(300'000, 'x');
  std::thread writer([fd, &text] {
    size_t done = 0;
    while (done < text.size()) {
      const ssize_t wrote = write(fd, text.data() + done, text.size() - done);
      if (wrote <= 0) break;
      done += static_cast<size_t>(wrote);
    }
    close(fd);
  });
  EXPECT_EQ(ReadFile(pipe, text.size(), absl::Minutes(1)).value(), text);
  writer.join();
}

TEST_F(ReadFileTest, APipeThatSaysNothingIsGivenUp) {
  const std::string pipe = Pipe();
  const auto expect_given_up = [&pipe] {
    const absl::Status status = ReadFile(pipe, 10, absl::Milliseconds(1)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_THAT(std::string(status.message()), HasSubstr(pipe + ": no byte came within 1ms"));
  };
  expect_given_up();
  const int fd = open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  expect_given_up();
  close(fd);
}

TEST_F(ReadFileTest, WhatCantBeReadIsSaid) {
  EXPECT_THAT(std::string(ReadFile(At("none"), 10).status().message()),
              HasSubstr("can't read " + At("none")));
  EXPECT_THAT(std::string(ReadFile("/tmp", 10).status().message()),
              HasSubstr("/tmp is a directory; name a file in it"));
}

}  // namespace
}  // namespace bpmp
