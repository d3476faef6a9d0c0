// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_ACCEPTOR_H_
#define BROKER_SERVICE_ACCEPTOR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/base/mutex.h"
#include "broker/service/unix_socket.h"

namespace bpmp::service {

// One thread that waits for everything the data plane waits for and gRPC doesn't: connections on
// the VMs' sockets, the ends of the processes behind them, and short delays. Callbacks run in that
// thread, one at a time, with no lock held; they must not block. They may call back into the
// acceptor.
//
// Thread-safe. Descriptors are not owned and must stay open until they are forgotten.
class Acceptor {
 public:
  using WatchId = uint64_t;
  using OnConnection = std::function<void(UniqueFd connection)>;

  Acceptor();
  ~Acceptor();  // Stop()
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Not OK: the kernel gave no descriptors to wait with, and nothing will ever be called.
  const absl::Status& status() const { return status_; }

  // Accepts connections of the listening, non-blocking socket `fd`; they are non-blocking and
  // close-on-exec. When the process is out of descriptors, connections wait in the kernel's queue.
  WatchId Listen(int fd, OnConnection on_connection) ABSL_LOCKS_EXCLUDED(mutex_);
  // Calls `ready` once, when `fd` can be read: when the process of a pidfd has ended.
  WatchId WhenReadable(int fd, absl::AnyInvocable<void()> ready) ABSL_LOCKS_EXCLUDED(mutex_);
  // Calls `closed` once, when the other side of the connection `fd` has closed it, or ours was shut
  // down; whether there is anything left to read doesn't matter.
  WatchId WhenClosed(int fd, absl::AnyInvocable<void()> closed) ABSL_LOCKS_EXCLUDED(mutex_);
  // The callback doesn't run after this, and isn't running unless it is the caller. Unknown and
  // finished ids are ignored.
  void Forget(WatchId id) ABSL_LOCKS_EXCLUDED(mutex_);

  // Calls `due` once, `delay` from now or a little later. Dropped (destroyed unrun) by Stop().
  void After(absl::Duration delay, absl::AnyInvocable<void()> due) ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends the thread; nothing is called any more. Idempotent. Not from a callback.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Watch {
    int fd = -1;
    OnConnection on_connection;        // of a listening socket
    absl::AnyInvocable<void()> ready;  // of anything else
  };

  WatchId When(uint32_t events, int fd, absl::AnyInvocable<void()> ready)
      ABSL_LOCKS_EXCLUDED(mutex_);
  WatchId Add(std::shared_ptr<Watch> watch, uint32_t events) ABSL_LOCKS_EXCLUDED(mutex_);
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  void Serve(WatchId id) ABSL_LOCKS_EXCLUDED(mutex_);
  void Accept(WatchId id, Watch* watch) ABSL_LOCKS_EXCLUDED(mutex_);
  // Runs what is due, and sees to it that the thread wakes for what is next. False: Stop().
  bool RunTimers() ABSL_LOCKS_EXCLUDED(mutex_);
  // Wakes the thread at `time`, or in an hour, and no longer when the call before this one said.
  void Arm(absl::Time time) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const UniqueFd epoll_;
  const UniqueFd timer_;  // a timerfd: milliseconds, as epoll_wait() counts, are too coarse
  absl::Status status_;

  mutable Mutex mutex_;
  CondVar idle_;
  absl::flat_hash_map<WatchId, std::shared_ptr<Watch>> watches_ ABSL_GUARDED_BY(mutex_);
  std::multimap<absl::Time, absl::AnyInvocable<void()>> timers_ ABSL_GUARDED_BY(mutex_);
  WatchId next_id_ ABSL_GUARDED_BY(mutex_) = 1;  // 0 is the timer
  WatchId running_ ABSL_GUARDED_BY(mutex_) = 0;  // whose callback runs now
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_ACCEPTOR_H_
