// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_SESSION_REACTOR_H_
#define BROKER_SERVICE_SESSION_REACTOR_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "bpmp/v1/guest.pb.h"
#include "broker/backend/engine.h"
#include "broker/base/mutex.h"
#include "broker/mrq/types.h"
#include "broker/service/acceptor.h"
#include "broker/service/answer_queue.h"
#include "broker/service/caller.h"
#include "broker/service/event_log.h"
#include "broker/service/pending_trips.h"
#include "broker/service/sessions.h"

namespace bpmp::service {

// What the guest's data plane works with. Not owned.
struct GuestDeps {
  backend::Engine* engine = nullptr;
  SessionTable* sessions = nullptr;
  EventLog* events = nullptr;
  Acceptor* acceptor = nullptr;  // for delays
};

// One Session stream. Reads a message, hands it to the engine, and writes the answer when it is
// there: at once, in the same reaction, for what needs no hardware.
//
// What a peer can make the broker keep is bounded. At most `max_outstanding` requests wait for the
// engine (one more ends the stream), and at most as many answers wait to be written: a peer that
// doesn't read is not read from; of what it is told unasked, one of each kind. Nor is a VM that is
// over its rate, until it has saved up for more.
//
// The session is opened by the stream's first message, whatever it is. Messages come as bytes and
// are parsed here: gRPC's own parsing would tell the end of the stream and what is no message
// alike.
//
// Lives until gRPC, the engine, and the table are all done with it. Reactions run in gRPC's
// threads, answers come from any; nothing blocks. Two rules keep gRPC's own: whoever set `writing_`
// may start a write, and Finish() waits for the end of that write; a read is started in a reaction,
// or else under the lock and before Finish().
class SessionReactor final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                             public SessionStream,
                             public std::enable_shared_from_this<SessionReactor> {
 public:
  // A reactor for gRPC to drive.
  static SessionReactor* Start(const GuestDeps& deps, Caller caller,
                               grpc::CallbackServerContext* context);

  // SessionStream.
  void End(const absl::Status& why) override ABSL_LOCKS_EXCLUDED(mutex_);
  backend::Notified Notify(const mrq::HostTrip& trip) override ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t requests() const override { return requests_.load(std::memory_order_relaxed); }

  // Reactions.
  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDone() override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // A message's way from being read to being answered.
  struct Slot {
    uint64_t sequence = 0;
    v1::SessionResponse::BodyCase kind = v1::SessionResponse::BODY_NOT_SET;
    uint32_t rx_size = 0;    // kResponse
    mrq::Response response;  // kResponse
    uint32_t epoch = 0;      // kWelcome, kMachineResetDone
    // Set while the engine has it.
    std::shared_ptr<SessionReactor> owner;
    Slot* next = nullptr;
  };
  // What the stream does next. kFinish and kWrite oblige whoever got them from NextStep() to Do()
  // them.
  enum class Step { kNothing, kWrite, kFinish };

  SessionReactor(const GuestDeps& deps, Caller caller, grpc::CallbackServerContext* context)
      : deps_(deps), caller_(std::move(caller)), context_(context) {}

  // --- Reading: one thread at a time, that of the last read's reaction or of what continues it ---

  // The message in `raw_in_` becomes that in `in_`.
  bool Parse();
  // Deals with the message in `in_`; true: read on.
  bool Handle();
  // Opens the session. False: refused, or to be tried again by a timer.
  bool Open();
  bool Dispatch();
  void HandleRequest(const v1::MrqRequest& request, Slot* slot);
  // False: the session is read on when its votes are renewed.
  bool HandleHello(const v1::Hello& hello, Slot* slot);
  void HandleMachineReset(Slot* slot);
  // When to read on.
  enum class Reading { kNow, kPaused, kOver };
  Reading NextRead() ABSL_LOCKS_EXCLUDED(mutex_);
  // Continues after a timer, unless the stream is over.
  void Resume() ABSL_LOCKS_EXCLUDED(mutex_);
  void RetryOpen() ABSL_LOCKS_EXCLUDED(mutex_);

  // --- Answering: any thread ---

  // A slot for the message `sequence`, which now waits. Null: there are too many.
  Slot* Wait(uint64_t sequence) ABSL_LOCKS_EXCLUDED(mutex_);
  // The answer is in the slot.
  void Answer(Slot* slot) ABSL_LOCKS_EXCLUDED(mutex_);
  Step NextStep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Do(Step step) ABSL_LOCKS_EXCLUDED(mutex_);
  // Puts the next message into `out_`. Trips and answers take turns where both wait, so that
  // neither holds up the other; a client hears of none before its first answer. False: there is
  // none.
  bool FillNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Fill(const Slot& slot);
  void Fill(const mrq::HostTrip& trip);
  void CancelIfStuck() ABSL_LOCKS_EXCLUDED(mutex_);

  VmId vm() const { return caller_.endpoint->vm; }
  const Limits& limits() const { return caller_.endpoint->limits; }
  uint32_t Epoch() const;

  const GuestDeps deps_;
  const Caller caller_;
  grpc::CallbackServerContext* const context_;
  std::atomic<uint64_t> requests_{0};

  // Of the reading side.
  grpc::ByteBuffer raw_in_;
  v1::SessionRequest in_;
  uint64_t last_sequence_ = 0;
  int open_attempts_ = 0;
  uint64_t session_id_ = 0;  // 0: not opened yet; constant afterwards
  bool resumed_ = false;     // likewise
  bool asked_ = false;       // a request was read

  // Of the one who set `writing_`.
  v1::SessionResponse out_;
  grpc::ByteBuffer raw_out_;

  Mutex mutex_;
  std::shared_ptr<SessionReactor> self_ ABSL_GUARDED_BY(mutex_);  // until OnDone
  AnswerQueue<Slot> answers_ ABSL_GUARDED_BY(mutex_);
  uint32_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;  // messages that have no answer yet
  PendingTrips trips_ ABSL_GUARDED_BY(mutex_);
  bool answered_ ABSL_GUARDED_BY(mutex_) = false;     // the first message, or is about to be
  bool trip_may_go_ ABSL_GUARDED_BY(mutex_) = false;  // before an answer: the last was no trip
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_paused_ ABSL_GUARDED_BY(mutex_) = false;  // until the queue is shorter
  bool read_closed_ ABSL_GUARDED_BY(mutex_) = false;  // the client will send no more
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;       // with `status_`; answers are dropped
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;     // Finish() was called or is about to
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_SESSION_REACTOR_H_
