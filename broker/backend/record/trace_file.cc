// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/record/trace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace bpmp::backend::record {
namespace {

absl::Status Failed(const std::string& what, const std::string& path, int error) {
  return absl::UnavailableError(
      absl::StrCat("can't ", what, " ", path, ": ", std::strerror(error)));
}

class SystemTraceFile final : public TraceFile {
 public:
  SystemTraceFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~SystemTraceFile() override { close(fd_); }
  SystemTraceFile(const SystemTraceFile&) = delete;
  SystemTraceFile& operator=(const SystemTraceFile&) = delete;

  absl::Status Append(std::string_view bytes) override {
    off_t written = 0;
    while (!bytes.empty()) {
      const ssize_t count = write(fd_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return Undo(written, count < 0 ? errno : EIO);
      written += count;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    size_ += written;
    return absl::OkStatus();
  }

 private:
  // Half a record in the middle would make all behind it unreadable.
  absl::Status Undo(off_t written, int error) {
    if (written > 0 && ftruncate(fd_, size_) != 0) error = errno;
    return Failed("write to", path_, error);
  }

  const std::string path_;
  const int fd_;
  off_t size_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TraceFile>> CreateTraceFile(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) == 0) {
    if (!S_ISREG(info.st_mode)) {
      return absl::FailedPreconditionError(
          absl::StrCat(path, " is no regular file; name another one"));
    }
    const std::string old = path + ".1";
    if (info.st_size > 0 && std::rename(path.c_str(), old.c_str()) != 0) {
      return Failed("rename the last trace to", old, errno);
    }
    if (info.st_size == 0 && unlink(path.c_str()) != 0) return Failed("replace", path, errno);
  }
  const int fd =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Failed("create", path, errno);
  return std::make_unique<SystemTraceFile>(path, fd);
}

}  // namespace bpmp::backend::record
