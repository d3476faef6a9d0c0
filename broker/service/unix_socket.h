// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_UNIX_SOCKET_H_
#define BROKER_SERVICE_UNIX_SOCKET_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace bpmp::service {

// A file descriptor that closes itself. Movable.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

// The number of the socket behind a descriptor, by which to tell whether it still is the same one;
// 0 where there is none.
ino_t SocketOf(int fd);

// How a socket file shall look. What is absent is left as the broker creates it.
struct SocketOwner {
  std::optional<uid_t> user;
  std::optional<gid_t> group;
  mode_t mode = 0600;
};

// Resolves a user or group written as a name or a decimal number. NotFound names it;
// InvalidArgument for 4294967295, which chown(2) takes for "leave it as it is".
absl::StatusOr<uid_t> FindUser(std::string_view name_or_id);
absl::StatusOr<gid_t> FindGroup(std::string_view name_or_id);
// "0660" and "660" alike. InvalidArgument for what is no octal mode.
absl::StatusOr<mode_t> ParseMode(std::string_view octal);

// Creates `path` and its parents (mode 0755) unless they exist.
absl::Status MakeDirectory(const std::string& path);

// A listening Unix stream socket at a path; closing it removes the file.
//
// The file appears under its name with its final owner and mode, already listening: it is made
// under a temporary name beside it, open to the broker alone, and then moved into place. The file
// of a broker that is gone is replaced; one on which somebody listens, or that is no socket, is
// left alone (AlreadyExists).
class UnixSocket {
 public:
  UnixSocket() = default;
  // Parents are made as needed. Errors name the path: InvalidArgument when it is longer than the
  // kernel takes (107 bytes), PermissionDenied, AlreadyExists, Internal. The descriptor is
  // non-blocking and close-on-exec.
  static absl::StatusOr<UnixSocket> Listen(const std::string& path, const SocketOwner& owner);
  UnixSocket(UnixSocket&& other) noexcept = default;
  UnixSocket& operator=(UnixSocket&& other) noexcept;
  ~UnixSocket() { Close(); }

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  // Stops listening and removes the file, unless another one has taken its place. Idempotent.
  void Close();

 private:
  UniqueFd fd_;
  std::string path_;
  ino_t inode_ = 0;  // of the file that is ours
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_UNIX_SOCKET_H_
