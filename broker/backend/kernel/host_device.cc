// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/kernel/host_device.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bpmp::backend::kernel {

int SystemHostDevice::Open() {
  // Looked at before it is opened, for opening a FIFO waits, and again after, for names change.
  const auto is_device = [](int result, const struct stat& info) {
    return result != 0 || S_ISCHR(info.st_mode);
  };
  struct stat info {};
  if (!is_device(stat(path_.c_str(), &info), info)) return -ENOTBLK;
  const int fd = open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return -errno;
  if (is_device(fstat(fd, &info), info)) return fd;
  close(fd);
  return -ENOTBLK;
}

void SystemHostDevice::Close(int fd) { close(fd); }

int SystemHostDevice::Ioctl(int fd, uint32_t request, void* argument) {
  const int result = ioctl(fd, request, argument);
  return result < 0 ? -errno : result;
}

ssize_t SystemHostDevice::Write(int fd, void* data, size_t size) {
  const ssize_t result = write(fd, data, size);
  return result < 0 ? -errno : result;
}

}  // namespace bpmp::backend::kernel
