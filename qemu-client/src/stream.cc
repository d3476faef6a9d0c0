// SPDX-License-Identifier: Apache-2.0
#include "qemu-client/src/stream.h"

#include <grpc/support/time.h>
#include <grpcpp/support/slice.h>

#include <limits>

#include "qemu-client/src/now.h"

namespace bpmp::client {
namespace {

constexpr char kSession[] = "/bpmp.v1.Guest/Session";
// gRPC counts in its own clock; a longer wait is for ever.
constexpr absl::Duration kForEver = absl::Hours(24);

void Serialize(const v1::SessionRequest& message, grpc::ByteBuffer* bytes) {
  const size_t size = message.ByteSizeLong();
  grpc::Slice slice(size);
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  *bytes = grpc::ByteBuffer(&slice, 1);
}

bool Parse(grpc::ByteBuffer* bytes, v1::SessionResponse* message) {
  grpc::Slice slice;
  // An answer comes in one piece, as a rule.
  if (!bytes->TrySingleSlice(&slice).ok() && !bytes->DumpToSingleSlice(&slice).ok()) return false;
  return slice.size() <= static_cast<size_t>(std::numeric_limits<int>::max()) &&
         message->ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
}

gpr_timespec Deadline(absl::Time until) {
  if (until == absl::InfinitePast()) return gpr_time_0(GPR_CLOCK_MONOTONIC);
  const absl::Duration left = until - Now();
  if (left > kForEver) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_micros(absl::ToInt64Microseconds(left), GPR_TIMESPAN));
}

}  // namespace

Stream::Stream(const std::shared_ptr<grpc::Channel>& channel, Owner* owner) : owner_(owner) {
  call_ = grpc::GenericStub(channel).PrepareCall(&context_, kSession, &queue_);
  call_->StartCall(Tag(Event::kStarted));
}

Stream::~Stream() {
  // An alarm that was set may not have been heard.
  alarm_.Cancel();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

void Stream::Write() {
  {
    MutexLock lock(&mutex_);
    // Asked under the lock: what this one leaves is seen by the one who is writing, afterwards.
    if (writing_ || over_ || !owner_->NextMessage(&out_)) return;
    writing_ = true;
  }
  StartWriting();
}

void Stream::StartWriting() {
  Serialize(out_, &raw_out_);
  call_->Write(raw_out_, Tag(Event::kWritten));
}

void Stream::WakePoller() {
  if (waking_.exchange(true)) return;
  // Not "now", which gRPC rounds up to its timer's next millisecond.
  alarm_.Set(&queue_, gpr_inf_past(GPR_CLOCK_MONOTONIC), Tag(Event::kWoken));
}

Stream::Polled Stream::Poll(absl::Time until) {
  if (ended_) return Polled::kEnded;
  void* tag = nullptr;
  bool ok = false;
  const auto next = queue_.AsyncNext(&tag, &ok, Deadline(until));
  if (next != grpc::CompletionQueue::GOT_EVENT) return Polled::kNothing;
  Handle(*static_cast<Event*>(tag), ok);
  return ended_ ? Polled::kEnded : Polled::kEvent;
}

void Stream::Handle(Event event, bool ok) {
  switch (event) {
    case Event::kStarted:
      // Also where it failed: the read will fail too.
      StartRead();
      OnWritten(ok);
      break;
    case Event::kRead:
      OnRead(ok);
      break;
    case Event::kWritten:
      OnWritten(ok);
      break;
    case Event::kFinished:
      finished_ = true;
      EndIfOver();
      break;
    case Event::kWoken:
      waking_ = false;
      break;
  }
}

void Stream::OnRead(bool ok) {
  if (ok && Parse(&raw_in_, &in_)) {
    owner_->OnMessage(in_);
    Write();
    return StartRead();
  }
  // Not where the stream has ended by itself: its status is on the way, and is not to be replaced.
  if (ok) Cancel();
  {
    MutexLock lock(&mutex_);
    over_ = true;
  }
  call_->Finish(&status_, Tag(Event::kFinished));
}

void Stream::OnWritten(bool ok) {
  bool more = false;
  {
    MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) over_ = true;
    more = !over_ && owner_->NextMessage(&out_);
    writing_ = more;
  }
  if (more) return StartWriting();
  EndIfOver();
}

void Stream::EndIfOver() {
  {
    MutexLock lock(&mutex_);
    if (!finished_ || writing_) return;
  }
  ended_ = true;
  owner_->OnEnd(status_);
}

}  // namespace bpmp::client
