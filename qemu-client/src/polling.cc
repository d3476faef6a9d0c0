// SPDX-License-Identifier: Apache-2.0
// Client: which thread polls the stream.
#include <algorithm>

#include "qemu-client/src/client.h"
#include "qemu-client/src/now.h"

namespace bpmp::client {
namespace {

// How long a caller looks for its answer before it lets go of its CPU. An answer that needs no
// hardware is there by then, and waking a thread takes as long as the whole rest of its way.
constexpr absl::Duration kSpin = absl::Microseconds(50);
// After so many answers in a row that weren't there by then, callers sleep at once for some turns:
// the broker is slow, or was woken on the caller's own CPU and stays there for as long as that is
// kept busy.
constexpr int kMisses = 4;
constexpr int kTurnsWithoutSpin = 4;
// How long the own thread leaves the stream to callers after the last one. As long, the end of a
// connection isn't noticed.
constexpr absl::Duration kLull = absl::Milliseconds(10);

}  // namespace

// --- A caller -----------------------------------------------------------------------------------

bool Client::Help(Stream* stream, const Waiting& waiting) {
  if (waiting.done() || !TakeTurn(stream)) return false;
  if (spins_ && turns_without_spin_ == 0) {
    misses_ = Spin(stream, waiting) ? 0 : misses_ + 1;
    if (misses_ >= kMisses) turns_without_spin_ = kTurnsWithoutSpin;
  } else if (turns_without_spin_ > 0) {
    --turns_without_spin_;
  }
  while (!waiting.done()) {
    if (stream->Poll(absl::InfiniteFuture()) == Stream::Polled::kEnded) break;
  }
  GiveTurn();
  return true;
}

bool Client::Spin(Stream* stream, const Waiting& waiting) {
  const absl::Time until = Now() + kSpin;
  while (!waiting.done()) {
    if (stream->Poll(absl::InfinitePast()) == Stream::Polled::kEnded) return false;
    if (Now() >= until) return false;
  }
  return true;
}

bool Client::TakeTurn(Stream* stream) {
  // With others, each answer would send another one to poll.
  if (table_.waiting() != 1) return false;
  {
    MutexLock lock(&mutex_);
    if (poller_ == Poller::kCaller) return false;
    if (poller_ == Poller::kNobody) {
      poller_ = Poller::kCaller;
      return true;
    }
    ++wanting_;
  }
  stream->WakePoller();
  MutexLock lock(&mutex_);
  while (poller_ == Poller::kOwn) turn_.Wait(&mutex_);
  --wanting_;
  if (poller_ != Poller::kNobody) return false;
  poller_ = Poller::kCaller;
  return true;
}

void Client::GiveTurn() {
  {
    MutexLock lock(&mutex_);
    poller_ = Poller::kNobody;
    own_turn_from_ = Now() + kLull;
    turn_.SignalAll();
  }
  // Asked after the turn is free: who comes now sees that nobody polls.
  if (table_.waiting() > 0) KeepPolled();
}

void Client::KeepPolled() {
  MutexLock lock(&mutex_);
  if (poller_ != Poller::kNobody) return;
  own_turn_from_ = absl::InfinitePast();
  changed_.SignalAll();
}

// --- The own thread -----------------------------------------------------------------------------

void Client::WakeCaller() {
  {
    MutexLock lock(&mutex_);
    if (poller_ != Poller::kCaller) return;
  }
  own_stream_->WakePoller();
}

bool Client::Sleep(absl::Time until) {
  // Outside the lock: the table's comes after no other.
  until = std::min(until, table_.NextTick());
  for (;;) {
    const Slept slept = SleepOrPoll(until);
    if (slept == Slept::kAgain) continue;
    if (slept == Slept::kOver) break;
    own_stream_->Poll(until);
    MutexLock lock(&mutex_);
    poller_ = Poller::kNobody;
    turn_.SignalAll();
  }
  MutexLock lock(&mutex_);
  woken_ = false;
  return !closing_;
}

Client::Slept Client::SleepOrPoll(absl::Time until) {
  const absl::Time now = Now();
  MutexLock lock(&mutex_);
  if (closing_ || woken_ || state_ == State::kEnded || now >= until) return Slept::kOver;
  const bool free = poller_ == Poller::kNobody && wanting_ == 0;
  if (stream_ != nullptr && free && now >= own_turn_from_) {
    poller_ = Poller::kOwn;
    return Slept::kPoll;
  }
  absl::Time next = until;
  // A caller says when it is over that it was there, and wakes nobody.
  if (stream_ != nullptr) next = std::min(next, free ? own_turn_from_ : now + kLull);
  changed_.WaitFor(&mutex_, std::min(next - now, absl::Hours(1)));
  return Slept::kAgain;
}

}  // namespace bpmp::client
