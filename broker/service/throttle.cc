// SPDX-License-Identifier: Apache-2.0
#include "broker/service/throttle.h"

#include <algorithm>

namespace bpmp::service {
namespace {

constexpr double kPauseSeconds = 0.0004;

}  // namespace

Throttle::Throttle(const Clock* clock, double per_second, double burst)
    : clock_(clock),
      per_second_(per_second),
      burst_(burst),
      batch_(std::min(burst, std::max(1.0, per_second * kPauseSeconds))),
      tokens_(burst),
      refilled_(clock->Now()) {}

Throttle::Verdict Throttle::Take() {
  MutexLock lock(&mutex_);
  Refill();
  tokens_ -= 1;
  Verdict verdict;
  if (tokens_ >= 0) return verdict;
  verdict.pause = absl::Seconds((batch_ - tokens_) / per_second_);
  verdict.began = !throttled_;
  throttled_ = true;
  return verdict;
}

bool Throttle::throttled() const {
  MutexLock lock(&mutex_);
  Refill();
  return throttled_;
}

void Throttle::Refill() const {
  const absl::Time now = clock_->Now();
  tokens_ = std::min(burst_, tokens_ + absl::ToDoubleSeconds(now - refilled_) * per_second_);
  refilled_ = now;
  if (tokens_ >= burst_ / 2) throttled_ = false;
}

}  // namespace bpmp::service
