// SPDX-License-Identifier: Apache-2.0
#include "broker/base/clock.h"

#include <chrono>

namespace bpmp {
namespace {

class SteadyClock final : public Clock {
 public:
  absl::Time Now() const override {
    return absl::UnixEpoch() +
           absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }
};

}  // namespace

const Clock& MonotonicClock() {
  // Never destroyed: threads may still ask while the process ends.
  static const auto* const clock = new SteadyClock;
  return *clock;
}

}  // namespace bpmp
