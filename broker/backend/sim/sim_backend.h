// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_SIM_SIM_BACKEND_H_
#define BROKER_BACKEND_SIM_SIM_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/backend/sim/fault.h"
#include "broker/backend/sim/tegra_model.h"
#include "broker/backend/stoppable_backend.h"
#include "broker/base/ids.h"
#include "broker/base/listener_slot.h"
#include "broker/base/mutex.h"
#include "broker/mrq/types.h"

namespace bpmp::backend::sim {

struct SimOptions {
  absl::Duration latency;      // of each call; zero doesn't wait at all
  size_t record_limit = 4096;  // how many of the latest requests requests() keeps; 0 for none
  std::vector<Fault> faults;
};

// A backend with a simulated Tegra234 behind it, for machines without one. Ships with the daemon.
//
// A request passes through the bytes that the real path would carry. Calls may overlap: each waits
// out its own latency and faults, and takes its turn at the model after that, in the order in which
// the waits end. Like the kernel's, a call that was made can't be given up: `deadline` is ignored.
// Lost answers and dropped requests are reported at once, and not at the deadline; add delay= to a
// fault for that.
//
// Thread-safe. Time is the machine's.
class SimBackend final : public StoppableBackend {
 public:
  explicit SimBackend(SimOptions options = {});
  // Ends the calls in flight as Shutdown() does and waits for them.
  ~SimBackend() override ABSL_LOCKS_EXCLUDED(mutex_);
  SimBackend(const SimBackend&) = delete;
  SimBackend& operator=(const SimBackend&) = delete;

  absl::StatusOr<mrq::Response> Transfer(const mrq::Request& request, absl::Time deadline) override
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Told of each trip that a zone of the model reaches, in one of the threads that call this
  // object.
  void Listen(core::InboundListener* listener) override { listener_.Set(listener); }

  // From now on every call is Unavailable, and so are those that hang or wait, without effect.
  void Shutdown() override ABSL_LOCKS_EXCLUDED(mutex_);

  // Returns what RemoveFault() takes.
  uint64_t AddFault(const Fault& fault) ABSL_LOCKS_EXCLUDED(mutex_);
  bool RemoveFault(uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_);
  // Faults that are in force for no new call. What hangs, hangs on.
  void ClearFaults() ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<FaultTable::Entry> faults() const ABSL_LOCKS_EXCLUDED(mutex_);
  void set_latency(absl::Duration latency) ABSL_LOCKS_EXCLUDED(mutex_);

  // Lets every call that hangs now go on.
  void ReleaseHangs() ABSL_LOCKS_EXCLUDED(mutex_);
  size_t hanging() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Blocks until at least `count` calls hang.
  void WaitUntilHanging(size_t count) ABSL_LOCKS_EXCLUDED(mutex_);

  // Calls `use(TegraModel&)` between calls and returns what it returns: to look at the hardware, or
  // to let the host act behind the broker's back. `use` must not call this object.
  template <typename Use>
  auto WithModel(Use&& use) ABSL_LOCKS_EXCLUDED(mutex_) {
    const TellAfter tell(this);
    MutexLock lock(&mutex_);
    return std::forward<Use>(use)(model_);
  }

  // The latest requests that arrived, in order, those without effect too; calls() counts all.
  std::vector<mrq::Request> requests() const ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t calls() const ABSL_LOCKS_EXCLUDED(mutex_);
  void ForgetRequests() ABSL_LOCKS_EXCLUDED(mutex_);

  // As if the firmware had said this unasked.
  void Say(uint32_t mrq, absl::Span<const uint8_t> data) {
    listener_.Call([&](core::InboundListener& listener) { listener.OnInbound(mrq, data); });
  }

 private:
  // Tells the listener, once the lock is free again, which trips were reached.
  class TellAfter {
   public:
    explicit TellAfter(SimBackend* sim) : sim_(sim) {}
    ~TellAfter() { sim_->TellTrips(); }
    TellAfter(const TellAfter&) = delete;
    TellAfter& operator=(const TellAfter&) = delete;

   private:
    SimBackend* const sim_;
  };
  void TellTrips() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<mrq::Response> Call(const mrq::Request& request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Record(const mrq::Request& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Delay(absl::Duration delay) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Hang() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<mrq::Response> Finish(const mrq::Request& request, const Fault& fault)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t record_limit_;
  ListenerSlot<core::InboundListener> listener_;

  mutable Mutex mutex_;
  CondVar wake_;     // for calls that wait: shutdown, or hangs were released
  CondVar changed_;  // for who watches calls: one hangs, or one ended after shutdown
  TegraModel model_ ABSL_GUARDED_BY(mutex_);
  FaultTable faults_ ABSL_GUARDED_BY(mutex_);
  absl::Duration latency_ ABSL_GUARDED_BY(mutex_);
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
  size_t in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t hanging_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t releases_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<mrq::Request> requests_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bpmp::backend::sim

#endif  // BROKER_BACKEND_SIM_SIM_BACKEND_H_
