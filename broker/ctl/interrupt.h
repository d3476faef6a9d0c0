// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_INTERRUPT_H_
#define BROKER_CTL_INTERRUPT_H_

#include <functional>
#include <thread>

namespace bpmp::ctl {

// While it lives, Ctrl-C and SIGTERM call `stop` (once, in a thread of its own) instead of ending
// the process, so that a stream ends in order. At most one at a time in a process.
class InterruptGuard {
 public:
  explicit InterruptGuard(std::function<void()> stop);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  int pipe_[2];  // the signal handler writes a byte, the destructor too
  std::thread thread_;
};

// Whether one of those signals came since the last guard was made.
bool WasInterrupted();

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_INTERRUPT_H_
