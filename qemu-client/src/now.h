// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_SRC_NOW_H_
#define QEMU_CLIENT_SRC_NOW_H_

#include <chrono>

#include "absl/time/time.h"

namespace bpmp::client {

// The machine's monotonic time; only differences mean anything. A function, and no object that ends
// with the process's other static ones: a program may exit without closing its client, whose
// threads go on meanwhile.
inline absl::Time Now() {
  return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_SRC_NOW_H_
