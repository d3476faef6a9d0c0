// SPDX-License-Identifier: Apache-2.0
#include "qemu-client/src/stream.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/slice.h>

#include <limits>
#include <utility>
#include <vector>

namespace bpmp::client {
namespace {

constexpr char kSession[] = "/bpmp.v1.Guest/Session";

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

}  // namespace

Stream::Stream(const std::shared_ptr<grpc::Channel>& channel, Owner* owner) : owner_(owner) {
  grpc::GenericStub(channel).PrepareBidiStreamingCall(&context_, kSession, {}, this);
  // So that writes may be started outside reactions.
  AddHold();
  StartCall();
  StartRead(&raw_in_);
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
  StartWrite(&raw_out_);
}

void Stream::OnWriteDone(bool ok) {
  bool more = false;
  bool release = false;
  {
    MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) over_ = true;
    more = !over_ && owner_->NextMessage(&out_);
    if (more) {
      writing_ = true;
    } else {
      release = TakeHold();
    }
  }
  if (more) StartWriting();
  if (release) RemoveHold();
}

void Stream::OnReadDone(bool ok) {
  const bool readable = ok && Parse(&raw_in_, &in_);
  if (readable) {
    owner_->OnMessage(in_);
    Write();
    StartRead(&raw_in_);
    return;
  }
  bool release = false;
  {
    MutexLock lock(&mutex_);
    over_ = true;
    release = TakeHold();
  }
  // Not where the stream has ended by itself: its status is on the way, and is not to be replaced.
  if (ok) Cancel();
  if (release) RemoveHold();
}

bool Stream::TakeHold() { return over_ && !writing_ && std::exchange(held_, false); }

}  // namespace bpmp::client
