// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_SRC_CLIENT_H_
#define QEMU_CLIENT_SRC_CLIENT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "broker/base/mutex.h"
#include "qemu-client/include/bpmp_client.h"
#include "qemu-client/src/endpoint.h"
#include "qemu-client/src/request_table.h"
#include "qemu-client/src/stream.h"
#include "qemu-client/src/waiting.h"

namespace bpmp::client {

// A VM's client: keeps a session with the broker for as long as it lives, and the table of requests
// moving over it.
//
// One thread of its own connects, watches deadlines, and ends streams; the callers write. What
// comes is dealt with by whoever polls the stream, one thread at a time: a caller that waits for
// its answer and is the only one who waits, else the own thread, which stays out of the way for a
// moment after a caller, who may be back. A stream that has ended is destroyed by the own thread
// when no caller is in it any more.
//
// Thread-safe. Locks are taken in the order: a stream's, then this one's or the table's.
class Client final : public Stream::Owner {
 public:
  struct Options {
    absl::Duration timeout;
    absl::Duration backoff_max;
    bool read_ahead = false;  // for requests that nobody waits for in Submit()
    std::string name;
    void (*log)(void* opaque, bpmp_client_log_level level, const char* message) = nullptr;
    void* log_opaque = nullptr;
    void (*notify)(void* opaque, uint32_t mrq, const void* data, size_t size) = nullptr;
    void* notify_opaque = nullptr;
  };

  // Begins to connect. All signals are blocked in the caller's thread.
  Client(std::unique_ptr<Endpoint> endpoint, Options options);
  // Ends all requests, then the session. Waits for callers that are inside, and for all threads.
  ~Client() override;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Blocks until the broker has taken the session, has refused it for good, or the time is over.
  Failure WaitUntilConnected(absl::Duration wait) ABSL_LOCKS_EXCLUDED(mutex_);

  // RequestTable's, and sends what there is. A time-out of zero is the client's. Sending may need
  // memory; where there is none, the process ends, as gRPC itself would end it.
  //
  // With `waiting`, whose waiter is the call's, the thread may work for the client until that has
  // ended; Waiting::Wait() says when it has.
  int Submit(Call call, const Waiting* waiting = nullptr) noexcept ABSL_LOCKS_EXCLUDED(mutex_);
  int Reset(Waiter waiter, const Waiting* waiting = nullptr) noexcept ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class State {
    kDown,        // connects at `retry_at_`
    kConnecting,  // a stream without its Welcome
    kUp,
    kEnded,  // a stream that the own thread has to clear away
    kDead,   // never connects again
  };
  // What a stream's end means.
  struct End {
    Failure failure;
    bool refused = false;  // by the broker; worth another try, later
    bool final = false;    // never another try
  };

  // Stream::Owner.
  bool NextMessage(v1::SessionRequest* message) override;
  void OnMessage(const v1::SessionResponse& message) override;
  void OnEnd(const grpc::Status& status) override;
  void OnWelcome(const v1::Welcome& welcome);
  void OnNotification(const v1::Notification& notification) const;
  void FillHello(v1::Hello* hello);

  // --- Callers: between the two, the stream isn't destroyed ---
  // Asks the table, and sends what there is; `ask` says whether the own thread must be woken.
  int Ask(absl::FunctionRef<int(bool* wake)> ask, const Waiting* waiting)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Enter() ABSL_LOCKS_EXCLUDED(mutex_);
  // The stream that there is, which stays until Leave(); may be null.
  Stream* UseStream() ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave(const Stream* stream) ABSL_LOCKS_EXCLUDED(mutex_);
  // Makes the own thread look at everything again.
  void Wake(Stream* stream) ABSL_LOCKS_EXCLUDED(mutex_);
  // Makes whoever polls look again at what it waits for.
  void WakePoller() ABSL_LOCKS_EXCLUDED(mutex_);

  // --- Who polls (polling.cc) ---
  enum class Poller { kNobody, kCaller, kOwn };
  // Polls until `waiting` has ended or the stream has. False: that is somebody else's work now.
  bool Help(Stream* stream, const Waiting& waiting) ABSL_LOCKS_EXCLUDED(mutex_);
  // Looks for the answer without letting go of the CPU; whether it came.
  static bool Spin(Stream* stream, const Waiting& waiting);
  bool TakeTurn(Stream* stream) ABSL_LOCKS_EXCLUDED(mutex_);
  void GiveTurn() ABSL_LOCKS_EXCLUDED(mutex_);
  // Somebody waits: the own thread polls now, unless a caller does.
  void KeepPolled() ABSL_LOCKS_EXCLUDED(mutex_);
  // The own thread has ended requests: a caller that polls may wait for one of them.
  void WakeCaller() ABSL_LOCKS_EXCLUDED(mutex_);
  // Blocks until `until`, or until the own thread has something to do; polls when it is its turn.
  // False: the client is being closed.
  bool Sleep(absl::Time until) ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether Sleep() is over; if not, blocks for a while unless the own thread is to poll.
  enum class Slept { kOver, kAgain, kPoll };
  Slept SleepOrPoll(absl::Time until) ABSL_LOCKS_EXCLUDED(mutex_);

  // --- The own thread ---
  void Run();
  void Connect(absl::Time now);
  // Clears the ended stream away and decides what follows.
  void HangUp();
  void DestroyStream();
  End Explain(const grpc::Status& status, bool was_up);
  // No connection: tells the table and the user, and plans the next attempt.
  void Down(const End& end);
  absl::Duration NextPause();
  // Remote brokers: a sign of life is asked for, and awaited, within bounds. Returns when to look
  // again.
  absl::Time WatchRemote(State state, absl::Time now);
  State state() const ABSL_LOCKS_EXCLUDED(mutex_);
  void Log(bpmp_client_log_level level, const std::string& message) const;

  const std::unique_ptr<Endpoint> endpoint_;
  const Options options_;
  const bool spins_;  // this process has more than one CPU
  RequestTable table_;
  std::atomic<bool> hello_due_{false};

  // Of the own thread.
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Stream> own_stream_;
  absl::Time connecting_since_;
  int attempts_ = 0;                                  // without success
  absl::Time silent_since_ = absl::InfiniteFuture();  // connections end without an answer
  std::string last_logged_;
  std::minstd_rand random_;

  // Of the caller that polls.
  int misses_ = 0;  // answers in a row for which it spun in vain
  int turns_without_spin_ = 0;

  mutable Mutex mutex_;
  CondVar changed_;
  CondVar left_;
  CondVar turn_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kDown;
  absl::Time retry_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  Stream* stream_ ABSL_GUARDED_BY(mutex_) = nullptr;  // for callers
  int users_ ABSL_GUARDED_BY(mutex_) = 0;             // callers inside
  int stream_users_ ABSL_GUARDED_BY(mutex_) = 0;      // those of them with the stream
  bool was_up_ ABSL_GUARDED_BY(mutex_) = false;       // the stream got its Welcome
  grpc::Status ended_with_ ABSL_GUARDED_BY(mutex_);
  Failure last_failure_ ABSL_GUARDED_BY(mutex_);
  uint64_t session_id_ ABSL_GUARDED_BY(mutex_) = 0;
  Poller poller_ ABSL_GUARDED_BY(mutex_) = Poller::kNobody;
  int wanting_ ABSL_GUARDED_BY(mutex_) = 0;  // callers that wait for the own thread's turn to end
  absl::Time own_turn_from_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_SRC_CLIENT_H_
