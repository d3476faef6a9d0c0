// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_KERNEL_HOST_DEVICE_H_
#define BROKER_BACKEND_KERNEL_HOST_DEVICE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace bpmp::backend::kernel {

// /dev/bpmp-host as the system calls see it, and nothing more: the seam at which a fake
// (fake_host_device.h) stands in. Thread-safe; calls block as the kernel's do. Each returns what
// the system call does, with -errno for an error.
class HostDevice {
 public:
  virtual ~HostDevice() = default;

  // What people know it by: its path.
  virtual const std::string& name() const = 0;
  // A descriptor of its own. ENOTBLK: there is something of this name, but no character device.
  virtual int Open() = 0;
  virtual void Close(int fd) = 0;
  virtual int Ioctl(int fd, uint32_t request, void* argument) = 0;
  // The proxies' write() also writes: into `data`, and where its pointers point.
  virtual ssize_t Write(int fd, void* data, size_t size) = 0;
};

// The real one.
class SystemHostDevice final : public HostDevice {
 public:
  explicit SystemHostDevice(std::string path) : path_(std::move(path)) {}

  const std::string& name() const override { return path_; }
  int Open() override;
  void Close(int fd) override;
  int Ioctl(int fd, uint32_t request, void* argument) override;
  ssize_t Write(int fd, void* data, size_t size) override;

 private:
  const std::string path_;
};

// One opening of the device; closed when the last who uses it lets go, so that no call meets a
// descriptor that is somebody else's by now.
class OpenDevice {
 public:
  OpenDevice(std::shared_ptr<HostDevice> device, int fd) : device_(std::move(device)), fd_(fd) {}
  ~OpenDevice() { device_->Close(fd_); }
  OpenDevice(const OpenDevice&) = delete;
  OpenDevice& operator=(const OpenDevice&) = delete;

  const std::string& name() const { return device_->name(); }
  int Ioctl(uint32_t request, void* argument) { return device_->Ioctl(fd_, request, argument); }
  ssize_t Write(void* data, size_t size) { return device_->Write(fd_, data, size); }

 private:
  const std::shared_ptr<HostDevice> device_;
  const int fd_;
};

}  // namespace bpmp::backend::kernel

#endif  // BROKER_BACKEND_KERNEL_HOST_DEVICE_H_
