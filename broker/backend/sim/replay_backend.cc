// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/replay_backend.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace bpmp::backend::sim {

ReplayBackend::ReplayBackend(Replay replay, NoticeFn on_notice)
    : on_notice_(std::move(on_notice)), replay_(std::move(replay)) {}

absl::StatusOr<mrq::Response> ReplayBackend::Transfer(const mrq::Request& request,
                                                      absl::Time /*deadline*/) {
  absl::StatusOr<mrq::Response> answer;
  bool say = false;
  {
    MutexLock lock(&mutex_);
    if (shut_down_) return absl::UnavailableError("the replay is over; nothing was done");
    const uint64_t before = replay_.stats().unknown;
    answer = replay_.Answer(request);
    say = replay_.stats().unknown > before && before < kMaxSaid;
  }
  if (say && on_notice_) on_notice_(true, std::string(answer.status().message()));
  return answer;
}

void ReplayBackend::Shutdown() {
  Replay::Stats stats;
  {
    MutexLock lock(&mutex_);
    if (std::exchange(shut_down_, true)) return;
    stats = replay_.stats();
  }
  if (!on_notice_) return;
  on_notice_(false, absl::StrCat("replayed ", stats.answered, " answers in the trace's order and ",
                                 stats.repeated, " again; ", stats.unknown,
                                 " requests are not in the trace, ", stats.left,
                                 " of its answers were not asked for"));
}

Replay::Stats ReplayBackend::stats() const {
  MutexLock lock(&mutex_);
  return replay_.stats();
}

}  // namespace bpmp::backend::sim
