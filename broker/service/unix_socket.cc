// SPDX-License-Identifier: Apache-2.0
#include "broker/service/unix_socket.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"

namespace bpmp::service {
namespace {

constexpr int kBacklog = 64;
constexpr uint32_t kNobodyId = 0xffff'ffff;
constexpr size_t kMaxNameBuffer = 1 << 20;  // of getpwnam_r; a group may have many members

absl::StatusOr<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "socket path '", path, "' has ", path.size(), " bytes, but the kernel takes 1 to ",
        sizeof(address.sun_path) - 1, ": choose a shorter `runtime_dir` or `socket`"));
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

const sockaddr* Generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// `what` failed with errno `error`: a status whose code fits and whose message says so.
absl::Status Errno(int error, std::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(error, absl::StrCat(ToAbsl(what), " ", path));
}

// The file at `path` may be replaced: there is none, or a socket on which nobody listens.
absl::Status CheckStale(const std::string& path, const sockaddr_un& address) {
  struct stat file {};
  if (lstat(path.c_str(), &file) != 0) {
    return errno == ENOENT ? absl::OkStatus() : Errno(errno, "can't look at", path);
  }
  if (!S_ISSOCK(file.st_mode)) {
    return absl::AlreadyExistsError(
        absl::StrCat(path, " exists and is no socket: remove it, or choose another path"));
  }
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) return Errno(errno, "can't make a socket for", path);
  if (connect(probe.get(), Generic(address), sizeof(address)) == 0 || errno == EAGAIN) {
    return absl::AlreadyExistsError(
        absl::StrCat("another process listens on ", path, ": is a broker running already?"));
  }
  return absl::OkStatus();
}

// Resolves a name by `get` (getpwnam_r or getgrnam_r), which wants a buffer of unknown size.
template <typename Entry, typename Get, typename IdOf>
absl::StatusOr<uint32_t> FindId(std::string_view name, const char* kind, Get get, IdOf id_of) {
  uint32_t number = 0;
  if (absl::SimpleAtoi(ToAbsl(name), &number)) {
    // To the kernel, -1 is "leave it as it is": the socket would silently stay the broker's.
    if (number != kNobodyId) return number;
    return absl::InvalidArgumentError(
        absl::StrCat(number, " is the number of no ", kind, ": the kernel takes it for -1"));
  }
  const std::string key(name);
  for (size_t size = 1024; size <= kMaxNameBuffer; size *= 2) {
    std::vector<char> buffer(size);
    Entry entry{};
    Entry* found = nullptr;
    const int error = get(key.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE) continue;
    if (found != nullptr) return id_of(*found);
    break;
  }
  return absl::NotFoundError(absl::StrCat("this machine has no ", kind, " '", key, "'"));
}

absl::Status SetOwner(const std::string& path, const SocketOwner& owner) {
  constexpr uid_t kSame = static_cast<uid_t>(-1);
  if (owner.user || owner.group) {
    if (chown(path.c_str(), owner.user.value_or(kSame), owner.group.value_or(kSame)) != 0) {
      return Errno(errno, "can't give to its owner:", path);
    }
  }
  if (chmod(path.c_str(), owner.mode) != 0) return Errno(errno, "can't set the mode of", path);
  return absl::OkStatus();
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int UniqueFd::release() { return std::exchange(fd_, -1); }

void UniqueFd::reset() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

ino_t SocketOf(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

absl::StatusOr<uid_t> FindUser(std::string_view name_or_id) {
  return FindId<passwd>(name_or_id, "user", getpwnam_r,
                        [](const passwd& entry) { return entry.pw_uid; });
}

absl::StatusOr<gid_t> FindGroup(std::string_view name_or_id) {
  return FindId<group>(name_or_id, "group", getgrnam_r,
                       [](const group& entry) { return entry.gr_gid; });
}

absl::StatusOr<mode_t> ParseMode(std::string_view octal) {
  mode_t mode = 0;
  for (const char digit : octal) {
    if (digit < '0' || digit > '7' || mode > 0777) {
      mode = 01000;
      break;
    }
    mode = mode * 8 + static_cast<mode_t>(digit - '0');
  }
  if (octal.empty() || mode > 0777) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", ToAbsl(octal), "' is no file mode: write it in octal, e.g. \"0660\""));
  }
  return mode;
}

absl::Status MakeDirectory(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (!part.empty()) {
      if (mkdir(part.c_str(), 0755) == 0) {
        // Whatever the umask: a VM's process must be able to walk to its socket.
        if (chmod(part.c_str(), 0755) != 0) return Errno(errno, "can't set the mode of", part);
      } else if (errno != EEXIST) {
        return Errno(errno, "can't make directory", part);
      }
    }
    if (end == std::string::npos) return absl::OkStatus();
  }
}

absl::StatusOr<UnixSocket> UnixSocket::Listen(const std::string& path, const SocketOwner& owner) {
  BPMP_ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(path));
  const size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    BPMP_RETURN_IF_ERROR(MakeDirectory(path.substr(0, slash)));
  }
  BPMP_RETURN_IF_ERROR(CheckStale(path, address));

  // As long as the name itself, so that it fits where the name does.
  std::string temporary = path;
  temporary.back() = temporary.back() == '~' ? '_' : '~';
  BPMP_ASSIGN_OR_RETURN(const sockaddr_un temporary_address, AddressOf(temporary));
  BPMP_RETURN_IF_ERROR(CheckStale(temporary, temporary_address));
  unlink(temporary.c_str());

  UnixSocket made;
  made.fd_ = UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.fd_.valid()) return Errno(errno, "can't make a socket for", path);
  // Before bind(), the mode of the descriptor is the mode that the file will have.
  if (fchmod(made.fd(), 0600) != 0 ||
      bind(made.fd(), Generic(temporary_address), sizeof(temporary_address)) != 0) {
    return Errno(errno, "can't make socket", path);
  }
  made.path_ = temporary;
  struct stat file {};
  if (lstat(temporary.c_str(), &file) != 0) return Errno(errno, "can't look at", temporary);
  made.inode_ = file.st_ino;
  BPMP_RETURN_IF_ERROR(SetOwner(temporary, owner));
  if (listen(made.fd(), kBacklog) != 0) return Errno(errno, "can't listen on", path);
  if (rename(temporary.c_str(), path.c_str()) != 0) return Errno(errno, "can't name", path);
  made.path_ = path;
  return made;
}

UnixSocket& UnixSocket::operator=(UnixSocket&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::move(other.fd_);
    path_ = std::move(other.path_);
    inode_ = std::exchange(other.inode_, 0);
  }
  return *this;
}

void UnixSocket::Close() {
  if (!fd_.valid()) return;
  fd_.reset();
  struct stat file {};
  if (lstat(path_.c_str(), &file) == 0 && file.st_ino == inode_) unlink(path_.c_str());
}

}  // namespace bpmp::service
