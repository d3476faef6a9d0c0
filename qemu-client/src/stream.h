// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_SRC_STREAM_H_
#define QEMU_CLIENT_SRC_STREAM_H_

#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "bpmp/v1/guest.pb.h"
#include "broker/base/mutex.h"

namespace bpmp::client {

// One Session stream, from its start to its end: carries messages, one write at a time, and knows
// nothing of what they mean.
//
// It has no thread. What happens on it happens in Poll(), in the thread that calls it: where the
// one who waits for an answer polls, the answer needs no other thread to wake it, and that is most
// of what a request through gRPC takes (docs/adr/2026-11-29-who-waits-polls.md).
//
// Messages go as bytes and are parsed here, so that the library needs nothing of gRPC's generated
// code: its messages are protobuf's light ones, which no registry knows, and a program that has the
// same messages of its own can load the library.
//
// Poll() is for one thread at a time; everything else is thread-safe.
class Stream {
 public:
  // Called in Poll() and Write(), without a lock but the writer's own in NextMessage().
  class Owner {
   public:
    virtual ~Owner() = default;
    // The next message to send; false: none now, and Write() will be called when there is.
    virtual bool NextMessage(v1::SessionRequest* message) = 0;
    virtual void OnMessage(const v1::SessionResponse& message) = 0;
    // The last call; the stream may be destroyed from now on, but not in it.
    virtual void OnEnd(const grpc::Status& status) = 0;
  };

  // Begins at once. `owner` outlives the stream.
  Stream(const std::shared_ptr<grpc::Channel>& channel, Owner* owner);
  // REQUIRES: it has ended, and nobody is in it.
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Sends what the owner has.
  void Write() ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends it, without waiting; OnEnd() follows in a Poll().
  void Cancel() { context_.TryCancel(); }

  enum class Polled {
    kNothing,  // until `until`
    kEvent,    // something happened, or WakePoller() was called
    kEnded,    // OnEnd() was called, now or before
  };
  // Waits for one thing to happen and deals with it. Times are Now()'s; one in the past only looks.
  Polled Poll(absl::Time until) ABSL_LOCKS_EXCLUDED(mutex_);
  // Makes the Poll() that is under way, or else the next one, return.
  void WakePoller();

 private:
  // What gRPC's operations are told apart by when they are done: their tags point into `events_`.
  enum class Event : uint8_t { kStarted, kRead, kWritten, kFinished, kWoken };
  void* Tag(Event event) { return &events_[static_cast<size_t>(event)]; }

  void Handle(Event event, bool ok) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnRead(bool ok) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnWritten(bool ok) ABSL_LOCKS_EXCLUDED(mutex_);
  // REQUIRES: the caller has set `writing_`.
  void StartWriting();
  void StartRead() { call_->Read(&raw_in_, Tag(Event::kRead)); }
  // Tells the owner of the end, when all that was begun is over.
  void EndIfOver() ABSL_LOCKS_EXCLUDED(mutex_);

  Owner* const owner_;
  std::array<Event, 5> events_ = {Event::kStarted, Event::kRead, Event::kWritten, Event::kFinished,
                                  Event::kWoken};
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::Alarm alarm_;
  std::atomic<bool> waking_{false};  // the alarm is set, and its event not yet taken

  // Of the one who polls.
  grpc::ByteBuffer raw_in_;
  v1::SessionResponse in_;
  grpc::Status status_;
  bool finished_ = false;  // `status_` is there
  bool ended_ = false;     // and the owner knows

  // Of the one who set `writing_`.
  v1::SessionRequest out_;
  grpc::ByteBuffer raw_out_;

  Mutex mutex_;
  // The call's start counts as a write: none may follow before it is done.
  bool writing_ ABSL_GUARDED_BY(mutex_) = true;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;  // a read or write has failed
};

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_SRC_STREAM_H_
