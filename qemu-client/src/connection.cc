// SPDX-License-Identifier: Apache-2.0
// Client: its own thread, which connects, watches the time, and clears away.
#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "qemu-client/src/client.h"
#include "qemu-client/src/now.h"

namespace bpmp::client {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(10);
// A Unix socket that is closed before the first answer, every time for this long, is one that the
// broker doesn't let this process use: it looks at who connects before it listens to them. It does
// the same for a moment where a process too many is connected, or while it stops.
constexpr absl::Duration kSilentRefusal = absl::Seconds(2);
// Of a broker on another machine: how long it may be silent before it is asked for a sign of life,
// and how much longer it has to give one. The same for a connection that is being made.
constexpr absl::Duration kRemoteSilence = absl::Seconds(10);
constexpr absl::Duration kRemotePatience = absl::Seconds(10);

bool IsRefusal(grpc::StatusCode code) {
  return code == grpc::StatusCode::ALREADY_EXISTS || code == grpc::StatusCode::PERMISSION_DENIED ||
         code == grpc::StatusCode::UNAUTHENTICATED || code == grpc::StatusCode::FAILED_PRECONDITION;
}

}  // namespace

void Client::Run() {
  pthread_setname_np(pthread_self(), "bpmp-client");
  for (;;) {
    const absl::Time now = Now();
    const RequestTable::Ticked ticked = table_.Tick(now);
    if (ticked.ended) WakeCaller();
    if (ticked.blocked) {
      Log(BPMP_CLIENT_LOG_WARNING,
          "the broker does not answer; requests fail at once until it does");
    }
    if (ticked.write && own_stream_ != nullptr) own_stream_->Write();
    State current = state();
    if (current == State::kEnded) {
      HangUp();
      current = state();
    }
    absl::Time next = WatchRemote(current, now);
    if (current == State::kDown) {
      absl::Time retry_at;
      {
        MutexLock lock(&mutex_);
        retry_at = retry_at_;
      }
      if (now >= retry_at) {
        Connect(now);
        continue;
      }
      next = std::min(next, retry_at);
    }
    if (!Sleep(next)) break;
  }
  if (own_stream_ != nullptr) {
    own_stream_->Cancel();
    // No caller is in it any more.
    while (own_stream_->Poll(absl::InfiniteFuture()) != Stream::Polled::kEnded) {
    }
    DestroyStream();
  }
}

Client::State Client::state() const {
  MutexLock lock(&mutex_);
  return state_;
}

void Client::Connect(absl::Time now) {
  ++attempts_;
  Failure failure;
  channel_ = endpoint_->Connect(&failure);
  if (channel_ == nullptr) {
    End end;
    end.refused = failure.status == -EACCES;
    end.final = !endpoint_->reconnects();
    end.failure = std::move(failure);
    return Down(end);
  }
  connecting_since_ = now;
  hello_due_ = true;
  {
    MutexLock lock(&mutex_);
    state_ = State::kConnecting;
    was_up_ = false;
    changed_.SignalAll();
  }
  own_stream_ = std::make_unique<Stream>(channel_, this);
  {
    MutexLock lock(&mutex_);
    stream_ = own_stream_.get();
  }
  // The Hello. Nothing else goes out before its answer, which makes the table ready.
  own_stream_->Write();
}

void Client::DestroyStream() {
  {
    MutexLock lock(&mutex_);
    stream_ = nullptr;
    while (stream_users_ > 0) left_.Wait(&mutex_);
  }
  own_stream_.reset();
  channel_.reset();
}

void Client::HangUp() {
  DestroyStream();
  grpc::Status status;
  bool was_up = false;
  {
    MutexLock lock(&mutex_);
    status = ended_with_;
    was_up = was_up_;
  }
  if (was_up) attempts_ = 0;
  Down(Explain(status, was_up));
}

Client::End Client::Explain(const grpc::Status& status, bool was_up) {
  End end;
  end.final = !endpoint_->reconnects();
  const std::string& said = status.error_message();
  const bool silent = status.error_code() == grpc::StatusCode::UNAVAILABLE && !was_up;
  const absl::Time now = Now();
  silent_since_ = silent ? std::min(silent_since_, now) : absl::InfiniteFuture();
  if (status.error_code() == grpc::StatusCode::ABORTED && was_up) {
    // Two clients of one process would take the session from each other for ever.
    end.refused = end.final = true;
    end.failure = {-EACCES, absl::StrCat("the broker ended the session: ", said)};
  } else if (IsRefusal(status.error_code())) {
    end.refused = true;
    end.failure = {-EACCES, absl::StrCat("the broker refused the session: ", said)};
  } else if (was_up) {
    end.failure = {-ENOTCONN, absl::StrCat("connection to the broker lost: ", said)};
  } else if (endpoint_->remote()) {
    const bool refused = absl::StrContains(said, "Connection refused");
    end.failure = {refused ? -ECONNREFUSED : -EHOSTUNREACH,
                   absl::StrCat("can't connect to ", endpoint_->name(), ": ", said)};
  } else if (silent && (end.final || now - silent_since_ >= kSilentRefusal)) {
    end.refused = true;
    end.failure = {-EACCES,
                   absl::StrCat("the broker closed ", endpoint_->name(),
                                " without an answer; may this process use it? (see its log)")};
  } else {
    end.failure = {-ECONNREFUSED, absl::StrCat("no session over ", endpoint_->name(), ": ", said)};
  }
  return end;
}

void Client::Down(const End& end) {
  int refusal = 0;
  if (end.final) refusal = -ENOTCONN;
  if (end.refused) refusal = -EACCES;
  table_.Disconnected(refusal);
  const absl::Time retry_at = Now() + NextPause();
  {
    MutexLock lock(&mutex_);
    state_ = end.final ? State::kDead : State::kDown;
    retry_at_ = retry_at;
    last_failure_ = end.failure;
    changed_.SignalAll();
  }
  // The same news once, and not with every attempt.
  if (end.failure.text == last_logged_ && attempts_ > 1) return;
  last_logged_ = end.failure.text;
  Log(BPMP_CLIENT_LOG_WARNING,
      absl::StrCat(end.failure.text, end.final ? "" : "; trying again until it is back"));
}

absl::Duration Client::NextPause() {
  const int doublings = std::min(std::max(attempts_ - 1, 0), 20);
  const absl::Duration pause = std::min(kFirstPause * (1 << doublings), options_.backoff_max);
  // Not all clients of a broker that comes back at the same moment.
  return pause * std::uniform_real_distribution<double>(0.5, 1.0)(random_);
}

absl::Time Client::WatchRemote(State current, absl::Time now) {
  if (!endpoint_->remote()) return absl::InfiniteFuture();
  if (current == State::kConnecting) {
    const absl::Time over = connecting_since_ + kRemoteSilence + kRemotePatience;
    if (now < over) return over;
    own_stream_->Cancel();
  } else if (current == State::kUp) {
    const absl::Time quiet = table_.heard() + kRemoteSilence;
    if (now < quiet) return quiet;
    if (now < quiet + kRemotePatience) {
      table_.Probe();
      own_stream_->Write();
      return quiet + kRemotePatience;
    }
    own_stream_->Cancel();
  }
  return absl::InfiniteFuture();
}

}  // namespace bpmp::client
