// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_KERNEL_FAKE_HOST_DEVICE_H_
#define BROKER_BACKEND_KERNEL_FAKE_HOST_DEVICE_H_

#include <linux/tegra-bpmp-host.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "broker/backend/kernel/host_device.h"
#include "broker/base/mutex.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/types.h"

namespace bpmp::backend::kernel {

// For tests: a host with a proxy's module, a firmware behind it, and troubles. Thread-safe.
class FakeHostDevice final : public HostDevice {
 public:
  enum class Proxy : uint8_t {
    kFlat,     // the ioctls, and no write()
    kWrite48,  // write() of 48 bytes, no other length
    kWrite56,  // of 56 or more
    kOldest,   // of any length, and an answer that is lost isn't told
  };
  // What the firmware answers.
  using Firmware = std::function<mrq::Response(uint32_t mrq, absl::Span<const uint8_t> tx)>;
  // Answers a PING, and whatever else with the request's number.
  static mrq::Response Echo(uint32_t mrq, absl::Span<const uint8_t> tx);

  explicit FakeHostDevice(Proxy proxy, Firmware firmware = Echo)
      : firmware_(std::move(firmware)), proxy_(proxy) {}

  // --- What happens in the world ---

  // Requests from now on hang in the kernel, until they are let go.
  void Hang();
  void LetGo();
  // The time of every BPMP_HOST_TRANSFER that hangs is over: its caller hears so, and the request
  // hangs on.
  void TimeOut();
  // Blocks until `count` calls hang.
  void WaitUntilHanging(size_t count);
  size_t hanging() const;

  // The module is unloaded: no device of that name, and what is open is dead. Calls that hang fail
  // once they are let go.
  void Vanish();
  void ComeBack(Proxy proxy);

  // Each open() fails with `error`; 0: no longer.
  void RefuseToOpen(int error);
  // The proxy allows no request of this number.
  void Forbid(uint32_t mrq);
  // Each request fails with `error` as the call's own; 0: no longer.
  void FailCalls(int error);
  // Whether the host's own transfer fails, after the firmware did what was asked.
  void LoseAnswers(bool lose);
  // Some other user of the flat ABI holds these.
  void set_holds(std::vector<bpmp_host_hold> holds);

  // --- What was seen ---

  size_t opened() const;      // how often
  size_t open_files() const;  // now
  // Numbers of the requests that reached the firmware, PINGs of 0x12345678 (detection's) aside.
  std::vector<uint32_t> carried() const;
  std::vector<size_t> written_sizes() const;  // of every write()
  uint32_t last_timeout_ms() const;
  int adopted() const;  // how often
  // Calls with a descriptor that isn't open. There must be none.
  size_t misuses() const;

  // --- HostDevice ---

  const std::string& name() const override { return name_; }
  int Open() override;
  void Close(int fd) override;
  int Ioctl(int fd, uint32_t request, void* argument) override;
  ssize_t Write(int fd, void* data, size_t size) override;

 private:
  struct Answer {
    int error = 0;   // of the call
    int status = 0;  // of the transport
    mrq::Response response;
  };

  // 0, or why a call with this descriptor fails.
  int Look(int fd) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // One request on its way to the firmware and back.
  Answer Carry(int fd, uint32_t mrq, absl::Span<const uint8_t> tx, bool may_time_out)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int Transfer(int fd, bpmp_host_transfer* transfer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ListHolds(bpmp_host_holds* part) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  static constexpr size_t kSlots = 2;

  const std::string name_ = "/dev/fake-bpmp-host";
  const Firmware firmware_;

  mutable Mutex mutex_;
  CondVar changed_;
  Proxy proxy_ ABSL_GUARDED_BY(mutex_);
  bool present_ ABSL_GUARDED_BY(mutex_) = true;
  uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<int, uint64_t> files_ ABSL_GUARDED_BY(mutex_);  // to the generation they are of
  int last_fd_ ABSL_GUARDED_BY(mutex_) = 100;
  bool hang_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t let_go_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t timed_out_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t hanging_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t abandoned_ ABSL_GUARDED_BY(mutex_) = 0;
  int open_error_ ABSL_GUARDED_BY(mutex_) = 0;
  int call_error_ ABSL_GUARDED_BY(mutex_) = 0;
  bool lose_answers_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<uint32_t> forbidden_ ABSL_GUARDED_BY(mutex_);
  std::vector<bpmp_host_hold> holds_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint32_t> carried_ ABSL_GUARDED_BY(mutex_);
  std::vector<size_t> written_sizes_ ABSL_GUARDED_BY(mutex_);
  uint32_t last_timeout_ms_ ABSL_GUARDED_BY(mutex_) = 0;
  int adopted_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t opened_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t misuses_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace bpmp::backend::kernel

#endif  // BROKER_BACKEND_KERNEL_FAKE_HOST_DEVICE_H_
