// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/ctl/style.h"

namespace bpmp::ctl {
namespace {

// As read(2), over again when a signal came in between.
ssize_t Read(int fd, char* data, size_t size) {
  ssize_t got = -1;
  do {
    got = ::read(fd, data, size);
  } while (got < 0 && errno == EINTR);
  return got;
}

}  // namespace

bool LineReader::TakeLine(std::string* line) {
  const size_t newline = buffer_.find('\n');
  if (newline == std::string::npos && buffer_.size() < kMaxLine && !(end_ && !buffer_.empty())) {
    return false;
  }
  const size_t size = std::min({newline, buffer_.size(), kMaxLine});
  *line = buffer_.substr(0, size);
  buffer_.erase(0, size == newline ? size + 1 : size);
  return true;
}

LineReader::Result LineReader::Next(std::string* line) {
  while (true) {
    if (TakeLine(line)) {
      return Result::kLine;
    }
    if (end_) {
      return Result::kEnd;
    }
    pollfd waits[] = {{fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0) {
      continue;  // a signal
    }
    if (waits[1].revents != 0) {
      return Result::kStopped;
    }
    char chunk[1024];
    const ssize_t got = Read(fd_, chunk, sizeof(chunk));
    if (got <= 0) {
      end_ = true;
    } else {
      buffer_.append(chunk, static_cast<size_t>(got));
    }
  }
}

void WaitReadable(int fd) {
  pollfd wait = {fd, POLLIN, 0};
  while (::poll(&wait, 1, -1) < 0 && errno == EINTR) {
  }
}

absl::StatusOr<std::string> ReadAll(int fd, size_t max) {
  std::string text;
  char chunk[4096];
  while (true) {
    const ssize_t got = Read(fd, chunk, sizeof(chunk));
    if (got < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("can't read standard input: ", std::strerror(errno)));
    }
    if (got == 0) {
      return text;
    }
    text.append(chunk, static_cast<size_t>(got));
    if (text.size() > max) {
      return absl::InvalidArgumentError(
          absl::StrCat("standard input has more than ", max, " bytes"));
    }
  }
}

absl::StatusOr<std::string> ReadInput(int in_fd, const std::string& path) {
  if (path == "-") {
    return ReadAll(in_fd, kMaxInput);
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  // One byte more than is allowed shows a file that is too long.
  std::string text(kMaxInput + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad() || std::filesystem::is_directory(path)) {
    const int why = file.is_open() ? EISDIR : errno;
    return absl::InvalidArgumentError(
        absl::StrCat("can't read ", Quoted(path), ": ", std::strerror(why)));
  }
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxInput) {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(path), " is larger than 1 MiB"));
  }
  return text;
}

}  // namespace bpmp::ctl
