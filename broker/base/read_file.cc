// SPDX-License-Identifier: Apache-2.0
#include "broker/base/read_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace bpmp {
namespace {

constexpr size_t kStep = size_t{64} << 10;

// Waits until there is something to read; 0, or an errno.
int WaitFor(int fd, absl::Duration patience) {
  pollfd poll_fd = {fd, POLLIN, 0};
  const int ready = poll(&poll_fd, 1, static_cast<int>(absl::ToInt64Milliseconds(patience)));
  if (ready < 0) return errno == EINTR ? 0 : errno;
  return ready == 0 ? ETIMEDOUT : 0;
}

// Appends up to `max` bytes; 0, or an errno.
int ReadAll(int fd, size_t max, absl::Duration patience, std::string* bytes) {
  // A pipe that nobody has opened for writing yet would seem to end.
  if (const int failed = WaitFor(fd, patience); failed != 0) return failed;
  while (bytes->size() < max) {
    const size_t size = bytes->size();
    bytes->resize(std::min(size + kStep, max));
    const ssize_t got = read(fd, bytes->data() + size, bytes->size() - size);
    const int error = got < 0 ? errno : 0;
    bytes->resize(size + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return 0;
    if (error == EAGAIN) {
      if (const int failed = WaitFor(fd, patience); failed != 0) return failed;
    } else if (error != 0 && error != EINTR) {
      return error;
    }
  }
  return 0;
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max, absl::Duration patience) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("can't read ", path));
  std::string bytes;
  const int error = ReadAll(fd, max + 1, patience, &bytes);
  close(fd);
  if (error == 0) return bytes;
  if (error == EISDIR) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is a directory; name a file in it"));
  }
  if (error == ETIMEDOUT) {
    return absl::DeadlineExceededError(absl::StrCat("can't read ", path, ": no byte came within ",
                                                    absl::FormatDuration(patience)));
  }
  return absl::ErrnoToStatus(error, absl::StrCat("can't read ", path));
}

}  // namespace bpmp
