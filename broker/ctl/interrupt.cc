// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/interrupt.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <utility>

namespace bpmp::ctl {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM};

// All that a signal handler may touch.
std::atomic<int> wake_fd{-1};
std::atomic<bool> interrupted{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

extern "C" void OnSignal(int /*signal*/) {
  const int saved = errno;
  interrupted = true;
  const char byte = 's';
  if (::write(wake_fd, &byte, 1) < 0) {
    // The pipe is full, so the thread wakes anyway.
  }
  errno = saved;
}

void Handle(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  for (const int signal : kSignals) {
    ::sigaction(signal, &action, nullptr);
  }
}

}  // namespace

InterruptGuard::InterruptGuard(std::function<void()> stop) : pipe_{-1, -1} {
  interrupted = false;
  if (::pipe2(pipe_, O_CLOEXEC | O_NONBLOCK) != 0) {
    return;  // no descriptors left: signals end the process as they always do
  }
  ::fcntl(pipe_[0], F_SETFL, 0);  // the thread waits in read()
  wake_fd = pipe_[1];
  thread_ = std::thread([read_end = pipe_[0], stop = std::move(stop)] {
    char byte = 0;
    while (::read(read_end, &byte, 1) < 0 && errno == EINTR) {
    }
    if (byte == 's') {
      stop();
    }
  });
  Handle(OnSignal);
}

InterruptGuard::~InterruptGuard() {
  if (!thread_.joinable()) {
    return;
  }
  Handle(SIG_DFL);
  const char byte = 'q';
  if (::write(pipe_[1], &byte, 1) < 0) {
    // The pipe is full of signals: the thread has one to read.
  }
  thread_.join();
  wake_fd = -1;
  ::close(pipe_[0]);
  ::close(pipe_[1]);
}

bool WasInterrupted() { return interrupted; }

}  // namespace bpmp::ctl
