// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BASE_THREAD_H_
#define BROKER_BASE_THREAD_H_

#include <pthread.h>

#include <string>
#include <thread>
#include <utility>

#include "broker/base/signal_guard.h"

namespace bpmp {

// Starts a thread that takes no signals. `name` is what debuggers and ps show; at most 15 bytes.
template <typename Body>
std::thread StartThread(const std::string& name, Body&& body) {
  const SignalGuard guard;
  std::thread thread(std::forward<Body>(body));
  pthread_setname_np(thread.native_handle(), name.c_str());
  return thread;
}

}  // namespace bpmp

#endif  // BROKER_BASE_THREAD_H_
