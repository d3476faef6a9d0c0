// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/session.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"

namespace bpmp::ctl {

GuestSession::GuestSession(Endpoint endpoint, absl::Duration timeout)
    : endpoint_(std::move(endpoint)), timeout_(timeout), ended_fd_(::eventfd(0, EFD_CLOEXEC)) {}

GuestSession::~GuestSession() {
  Cancel();
  if (stream_ != nullptr) {
    Finish().IgnoreError();
  }
  ::close(ended_fd_);
}

absl::StatusOr<std::unique_ptr<GuestSession>> GuestSession::Open(
    const Endpoint& endpoint, const std::shared_ptr<grpc::Channel>& channel,
    absl::Duration timeout) {
  std::unique_ptr<GuestSession> session(new GuestSession(endpoint, timeout));
  BPMP_RETURN_IF_ERROR(session->Start(channel));
  return session;
}

absl::Status GuestSession::Start(const std::shared_ptr<grpc::Channel>& channel) {
  if (ended_fd_ < 0) {
    return absl::UnknownError("no descriptors left");
  }
  stub_ = v1::Guest::NewStub(channel);
  stream_ = stub_->Session(&context_);
  reader_ = std::thread([this] { ReadLoop(); });
  v1::SessionRequest hello;
  hello.mutable_hello()->set_client("bpmpctl session");
  if (!stream_->Write(hello)) {
    return Finish();
  }
  BPMP_ASSIGN_OR_RETURN(const v1::SessionResponse response, WaitFor(0));
  if (!response.has_welcome()) {
    return absl::UnknownError(absl::StrCat(endpoint_.what, " did not answer Hello by Welcome"));
  }
  welcome_ = response.welcome();
  return absl::OkStatus();
}

void GuestSession::ReadLoop() {
  v1::SessionResponse response;
  while (stream_->Read(&response)) {
    MutexLock lock(&mutex_);
    responses_.push_back(std::move(response));
    changed_.SignalAll();
  }
  {
    MutexLock lock(&mutex_);
    ended_ = true;
    changed_.SignalAll();
  }
  ::eventfd_write(ended_fd_, 1);
}

absl::StatusOr<v1::SessionResponse> GuestSession::WaitFor(uint64_t sequence) {
  const absl::Time deadline = absl::Now() + timeout_;
  {
    MutexLock lock(&mutex_);
    while (true) {
      while (!responses_.empty()) {
        v1::SessionResponse response = std::move(responses_.front());
        responses_.pop_front();
        if (response.sequence() == sequence) {
          return response;
        }
      }
      const absl::Duration left = deadline - absl::Now();
      if (ended_) {
        break;
      }
      if (left <= absl::ZeroDuration()) {
        return absl::DeadlineExceededError(absl::StrCat("no answer from ", endpoint_.what,
                                                        " within ", absl::FormatDuration(timeout_),
                                                        "; a longer time: --timeout 30s"));
      }
      changed_.WaitFor(&mutex_, left);
    }
  }
  const absl::Status end = Finish();
  return end.ok() ? absl::UnavailableError(absl::StrCat(endpoint_.what, " ended the session"))
                  : end;
}

absl::StatusOr<v1::SessionResponse> GuestSession::Exchange(v1::SessionRequest request) {
  request.set_sequence(++last_sequence_);
  // A failed write says no more than that the stream is over; waiting tells why.
  stream_->Write(request);
  return WaitFor(last_sequence_);
}

absl::Status GuestSession::Finish() {
  if (!finished_) {
    finished_ = true;
    reader_.join();
    end_ = ExplainFailure(stream_->Finish(), endpoint_, timeout_);
  }
  return end_;
}

absl::Status GuestSession::Close() {
  if (!finished_) {
    stream_->WritesDone();
  }
  return Finish();
}

}  // namespace bpmp::ctl
