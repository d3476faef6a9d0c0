// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/instance_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/base/status_macros.h"

namespace bpmp::daemon {
namespace {

constexpr mode_t kLockMode = 0600;

// Whoever can rename files in the directory could put a socket of his own in a VM's place.
absl::Status CheckDirectory(const std::string& directory) {
  struct stat info {};
  if (stat(directory.c_str(), &info) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("can't look at ", directory));
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    const bool everybody = (info.st_mode & S_IWOTH) != 0;
    return absl::FailedPreconditionError(absl::StrFormat(
        "%s is writable by %s, who could replace the sockets in it; choose a 'runtime_dir' of the "
        "broker's own, or: chmod go-w %s",
        directory, everybody ? "everybody" : absl::StrFormat("the group %d", info.st_gid),
        directory));
  }
  if (info.st_uid != geteuid() && info.st_uid != 0) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%s belongs to uid %d, who could replace the sockets in it; choose a "
                        "'runtime_dir' of the broker's own",
                        directory, info.st_uid));
  }
  return absl::OkStatus();
}

// Whoever can open the file, even to read it, can lock it, and keep the broker from starting.
absl::Status KeepToOurselves(int fd, const std::string& path) {
  struct stat info {};
  if (fstat(fd, &info) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("can't look at ", path));
  }
  if (info.st_uid != geteuid()) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%s belongs to uid %d, who could keep the broker from starting; remove it",
                        path, info.st_uid));
  }
  if ((info.st_mode & 07777) == kLockMode || fchmod(fd, kLockMode) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("can't set the mode of ", path));
}

std::string HolderOf(int fd) {
  std::array<char, 32> text{};
  const ssize_t size = pread(fd, text.data(), text.size() - 1, 0);
  std::string pid(text.data(), size > 0 ? static_cast<size_t>(size) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return pid.empty() ? "unknown" : pid;
}

}  // namespace

absl::StatusOr<InstanceLock> InstanceLock::Take(const std::string& directory) {
  BPMP_RETURN_IF_ERROR(service::MakeDirectory(directory));
  BPMP_RETURN_IF_ERROR(CheckDirectory(directory));
  const std::string path = directory + "/broker.lock";
  service::UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kLockMode));
  if (!fd.valid()) {
    return absl::ErrnoToStatus(
        errno, absl::StrCat("can't make ", path, "; make room, or choose another 'runtime_dir'"));
  }
  BPMP_RETURN_IF_ERROR(KeepToOurselves(fd.get(), path));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return absl::ErrnoToStatus(errno, absl::StrCat("can't lock ", path));
    return absl::AlreadyExistsError(
        absl::StrFormat("another bpmp-broker (process %s) runs in %s; stop it, or give this one "
                        "another 'runtime_dir'",
                        HolderOf(fd.get()), directory));
  }
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(fd.get(), 0) != 0 ||
      pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return absl::ErrnoToStatus(errno, absl::StrCat("can't write ", path));
  }
  // The file stays when the process ends: removing it would race with the next broker's lock.
  return InstanceLock(std::move(fd));
}

}  // namespace bpmp::daemon
