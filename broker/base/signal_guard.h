// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BASE_SIGNAL_GUARD_H_
#define BROKER_BASE_SIGNAL_GUARD_H_

#include <signal.h>

namespace bpmp {

// Blocks all signals in the calling thread for its own lifetime. A thread inherits the mask of the
// one that starts it: whatever is started meanwhile never takes the program's signals, which belong
// to threads that know of them.
class SignalGuard {
 public:
  SignalGuard() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalGuard() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

 private:
  sigset_t before_ = {};
};

}  // namespace bpmp

#endif  // BROKER_BASE_SIGNAL_GUARD_H_
