// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_KERNEL_KERNEL_BACKEND_H_
#define BROKER_BACKEND_KERNEL_KERNEL_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/backend/kernel/abi.h"
#include "broker/backend/kernel/call_pool.h"
#include "broker/backend/kernel/host_device.h"
#include "broker/backend/kernel/host_link.h"
#include "broker/backend/stoppable_backend.h"
#include "broker/base/clock.h"
#include "broker/base/mutex.h"
#include "broker/mrq/types.h"

namespace bpmp::backend::kernel {

// The device's state has changed: one line for a log.
struct Notice {
  bool usable = false;
  std::string text;
};

struct KernelOptions {
  Abi abi = Abi::kAuto;
  size_t write_slots = 2;  // write()s in flight, late ones included
  // How often a device that is gone is looked for, at most.
  absl::Duration reopen_interval = absl::Milliseconds(100);
  // Told once for each change, from whichever thread met it, no lock held; must be quick.
  std::function<void(const Notice&)> on_notice;
};

// The BPMP behind the host proxy's device.
//
// The device may vanish (its module is unloaded, the driver unbound) and come back, as another
// proxy even. A transfer that finds it gone and had no effect is made once more on a new opening;
// as long as there is none, transfers are Unavailable. Nobody looks for it in the background: the
// broker's own heartbeat asks often enough.
//
// ResourceExhausted: the kernel's slots are taken by requests that are late; nothing was sent.
// Which errors of the firmware are the proxy's own refusal can't be told: both are answers.
//
// Thread-safe. Deadlines are on `clock`.
class KernelBackend final : public StoppableBackend {
 public:
  // `clock` must outlive the backend. The device may outlive it, in a write() that doesn't return.
  KernelBackend(std::shared_ptr<HostDevice> device, const Clock* clock, KernelOptions options);
  // Shutdown(). No call is in progress.
  ~KernelBackend() override;
  KernelBackend(const KernelBackend&) = delete;
  KernelBackend& operator=(const KernelBackend&) = delete;

  // Opens the device, so that what is wrong with it is said when the broker starts; Connect() has
  // the errors. Transfer() would do it, too.
  absl::Status Open(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_);

  // Takes over what the proxy holds for its users, now and whenever the device comes back; nullopt
  // with an ABI that has no holds. For the one broker that serves, not for who only looks.
  absl::StatusOr<std::optional<Holds>> AdoptHolds(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_);

  absl::StatusOr<mrq::Response> Transfer(const mrq::Request& request, absl::Time deadline) override
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Who waits for a write() is DeadlineExceeded at once; a flat transfer ends by its deadline.
  void Shutdown() override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class State : uint8_t { kNew, kUsable, kGone };

  // The present opening, or a new one. Blocks while it is made, by whichever thread.
  absl::StatusOr<std::shared_ptr<HostLink>> Link(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_);
  // For the one thread that has set `connecting_`.
  absl::StatusOr<std::shared_ptr<HostLink>> Reconnect(absl::Time deadline)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // The same without what the others see of it. `text` says what was found.
  absl::StatusOr<std::shared_ptr<HostLink>> MakeLink(absl::Time deadline, std::string* text)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Lose(const std::shared_ptr<HostLink>& link, const absl::Status& why)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether that is news.
  bool Become(State state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Tell(bool usable, const std::string& text) const;

  const std::shared_ptr<HostDevice> device_;
  const Clock* const clock_;
  const KernelOptions options_;
  const std::shared_ptr<CallPool> pool_;

  Mutex mutex_;
  CondVar connected_;  // connecting_ has ended, or shut_down_
  std::shared_ptr<HostLink> link_ ABSL_GUARDED_BY(mutex_);
  State state_ ABSL_GUARDED_BY(mutex_) = State::kNew;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);  // why there is no link
  absl::Time next_try_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  bool connecting_ ABSL_GUARDED_BY(mutex_) = false;
  bool adopting_ ABSL_GUARDED_BY(mutex_) = false;
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace bpmp::backend::kernel

#endif  // BROKER_BACKEND_KERNEL_KERNEL_BACKEND_H_
