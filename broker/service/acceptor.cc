// SPDX-License-Identifier: Apache-2.0
#include "broker/service/acceptor.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "broker/base/clock.h"

namespace bpmp::service {
namespace {

constexpr Acceptor::WatchId kTimerId = 0;
// Connections taken before others get their turn.
constexpr int kAcceptBatch = 16;
// How long to leave a socket alone when the process is out of descriptors or memory.
constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);

bool Control(int epoll, int operation, int fd, uint32_t events, uint64_t id) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  return epoll_ctl(epoll, operation, fd, &event) == 0;
}

}  // namespace

Acceptor::Acceptor()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  const int making = errno;
  const bool made = epoll_.valid() && timer_.valid();
  if (!made || !Control(epoll_.get(), EPOLL_CTL_ADD, timer_.get(), EPOLLIN, kTimerId)) {
    status_ = absl::ErrnoToStatus(
        made ? errno : making,
        "can't wait for connections: the limit of open files is too low, or the kernel lacks "
        "CONFIG_EPOLL or CONFIG_TIMERFD");
    return;
  }
  thread_ = std::thread([this] { Run(); });
}

Acceptor::~Acceptor() { Stop(); }

Acceptor::WatchId Acceptor::Listen(int fd, OnConnection on_connection) {
  auto watch = std::make_shared<Watch>();
  watch->fd = fd;
  watch->on_connection = std::move(on_connection);
  return Add(std::move(watch), EPOLLIN);
}

Acceptor::WatchId Acceptor::WhenReadable(int fd, absl::AnyInvocable<void()> ready) {
  return When(EPOLLIN, fd, std::move(ready));
}

Acceptor::WatchId Acceptor::WhenClosed(int fd, absl::AnyInvocable<void()> closed) {
  return When(EPOLLRDHUP, fd, std::move(closed));  // EPOLLHUP is always waited for
}

Acceptor::WatchId Acceptor::When(uint32_t events, int fd, absl::AnyInvocable<void()> ready) {
  auto watch = std::make_shared<Watch>();
  watch->fd = fd;
  watch->ready = std::move(ready);
  return Add(std::move(watch), events);
}

Acceptor::WatchId Acceptor::Add(std::shared_ptr<Watch> watch, uint32_t events) {
  MutexLock lock(&mutex_);
  const WatchId id = next_id_++;
  Control(epoll_.get(), EPOLL_CTL_ADD, watch->fd, events, id);
  watches_.emplace(id, std::move(watch));
  return id;
}

void Acceptor::Forget(WatchId id) {
  std::shared_ptr<Watch> watch;  // destroyed without the lock: it may hold anything
  MutexLock lock(&mutex_);
  const auto it = watches_.find(id);
  if (it != watches_.end()) {
    watch = std::move(it->second);
    Control(epoll_.get(), EPOLL_CTL_DEL, watch->fd, 0, id);
    watches_.erase(it);
  }
  if (std::this_thread::get_id() == thread_.get_id()) return;
  while (running_ == id && running_ != kTimerId) idle_.Wait(&mutex_);
}

void Acceptor::After(absl::Duration delay, absl::AnyInvocable<void()> due) {
  const absl::Time when = MonotonicClock().Now() + delay;
  MutexLock lock(&mutex_);
  if (stopping_) return;
  const bool first = timers_.empty() || when < timers_.begin()->first;
  timers_.emplace(when, std::move(due));
  if (first) Arm(when);
}

void Acceptor::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    Arm(absl::InfinitePast());
  }
  if (thread_.joinable()) thread_.join();
  decltype(timers_) timers;
  decltype(watches_) watches;
  MutexLock lock(&mutex_);
  timers.swap(timers_);
  watches.swap(watches_);
}

void Acceptor::Run() {
  std::array<epoll_event, 64> events;
  while (RunTimers()) {
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      {
        MutexLock lock(&mutex_);
        if (stopping_) return;
      }
      Serve(events[static_cast<size_t>(i)].data.u64);
    }
  }
}

void Acceptor::Serve(WatchId id) {
  if (id == kTimerId) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t taken = read(timer_.get(), &count, sizeof(count));
    return;
  }
  std::shared_ptr<Watch> watch;
  {
    MutexLock lock(&mutex_);
    const auto it = watches_.find(id);
    if (it == watches_.end()) return;  // forgotten while its event was on the way
    watch = it->second;
    running_ = id;
    if (watch->ready) {
      Control(epoll_.get(), EPOLL_CTL_DEL, watch->fd, 0, id);
      watches_.erase(it);
    }
  }
  if (watch->ready) {
    watch->ready();
  } else {
    Accept(id, watch.get());
  }
  watch.reset();
  MutexLock lock(&mutex_);
  running_ = kTimerId;
  idle_.SignalAll();
}

void Acceptor::Accept(WatchId id, Watch* watch) {
  for (int i = 0; i < kAcceptBatch; ++i) {
    UniqueFd connection(accept4(watch->fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (connection.valid()) {
      watch->on_connection(std::move(connection));
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // The socket stays readable, so waiting for it would spin.
      Control(epoll_.get(), EPOLL_CTL_MOD, watch->fd, 0, id);
      After(kAcceptPause, [this, id] {
        MutexLock lock(&mutex_);
        const auto it = watches_.find(id);
        if (it == watches_.end()) return;
        Control(epoll_.get(), EPOLL_CTL_MOD, it->second->fd, EPOLLIN, id);
      });
      return;
    }
    if (errno != ECONNABORTED && errno != EINTR) return;
  }
}

bool Acceptor::RunTimers() {
  // What becomes due meanwhile comes after what the descriptors have to say.
  const absl::Time now = MonotonicClock().Now();
  while (true) {
    absl::AnyInvocable<void()> due;
    {
      MutexLock lock(&mutex_);
      if (stopping_) return false;
      if (timers_.empty()) return true;
      const auto first = timers_.begin();
      if (first->first > now) {
        Arm(first->first);
        return true;
      }
      due = std::move(first->second);
      timers_.erase(first);
    }
    due();
  }
}

void Acceptor::Arm(absl::Time time) {
  const absl::Duration delay = time - MonotonicClock().Now();
  itimerspec when{};
  // No time at all would disarm it.
  when.it_value = absl::ToTimespec(std::clamp(delay, absl::Nanoseconds(1), absl::Hours(1)));
  timerfd_settime(timer_.get(), 0, &when, nullptr);
}

}  // namespace bpmp::service
