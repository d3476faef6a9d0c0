// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_SRC_SIGNAL_GUARD_H_
#define QEMU_CLIENT_SRC_SIGNAL_GUARD_H_

#include <signal.h>

namespace bpmp::client {

// Blocks all signals in the calling thread for its own lifetime. A thread inherits the mask of the
// one that starts it, and gRPC may start threads in any call: so each of the host program's threads
// that comes into gRPC goes through one of these. Otherwise the program's signals (QEMU kicks its
// vCPUs with one, and stops on others) could be delivered to a thread that knows nothing of them.
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

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_SRC_SIGNAL_GUARD_H_
