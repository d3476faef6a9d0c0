// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_SRC_STREAM_H_
#define QEMU_CLIENT_SRC_STREAM_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/client_callback.h>

#include <memory>

#include "bpmp/v1/guest.pb.h"
#include "broker/base/mutex.h"

namespace bpmp::client {

// One Session stream, from its start to its end: carries messages, one write at a time, and knows
// nothing of what they mean.
//
// Messages go as bytes and are parsed here, so that the library needs nothing of gRPC's generated
// code: its messages are protobuf's light ones, which no registry knows, and a program that has the
// same messages of its own can load the library.
//
// Reactions run in gRPC's threads. Thread-safe.
class Stream final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // Called in gRPC's threads, without a lock but the writer's own in NextMessage().
  class Owner {
   public:
    virtual ~Owner() = default;
    // The next message to send; false: none now, and Write() will be called when there is.
    virtual bool NextMessage(v1::SessionRequest* message) = 0;
    virtual void OnMessage(const v1::SessionResponse& message) = 0;
    // The last call; the stream may be destroyed from now on, and not in this thread.
    virtual void OnEnd(const grpc::Status& status) = 0;
  };

  // Begins at once. `owner` outlives the stream.
  Stream(const std::shared_ptr<grpc::Channel>& channel, Owner* owner);

  // Sends what the owner has.
  void Write() ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends it, without waiting; OnEnd() follows.
  void Cancel() { context_.TryCancel(); }

 private:
  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDone(const grpc::Status& status) override { owner_->OnEnd(status); }
  // REQUIRES: the caller has set `writing_`.
  void StartWriting();
  // gRPC's hold is given back once, when nobody will start a write any more.
  bool TakeHold() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Owner* const owner_;
  grpc::ClientContext context_;

  // Of the read's reaction.
  grpc::ByteBuffer raw_in_;
  v1::SessionResponse in_;

  // Of the one who set `writing_`.
  v1::SessionRequest out_;
  grpc::ByteBuffer raw_out_;

  Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;  // a read or write has failed
  bool held_ ABSL_GUARDED_BY(mutex_) = true;
};

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_SRC_STREAM_H_
