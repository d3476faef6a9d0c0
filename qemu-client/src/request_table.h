// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_SRC_REQUEST_TABLE_H_
#define QEMU_CLIENT_SRC_REQUEST_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/base/mutex.h"
#include "qemu-client/src/payload.h"
#include "qemu-client/src/read_ahead.h"
#include "qemu-client/src/vote_record.h"

namespace bpmp::client {

// Requests that may wait at once. The C header's number.
inline constexpr size_t kMaxWaiting = 32;

// bpmp_client_done: `status` 0 or a negative errno, then the BPMP error, then the answer's bytes.
using DoneFn = void (*)(void* opaque, int status, int32_t error, const void* rx, size_t rx_size);

// Whom to tell how something ended; exactly once.
struct Waiter {
  DoneFn done = nullptr;  // null: nobody
  void* opaque = nullptr;
  void Tell(int status, int32_t error = 0, const void* rx = nullptr, size_t rx_size = 0) const {
    if (done != nullptr) done(opaque, status, error, rx, rx_size);
  }
};

// What a caller asks. REQUIRES: tx.size() and rx_size <= kMaxPayload.
struct Call {
  uint32_t mrq = 0;
  absl::Span<const uint8_t> tx;
  size_t rx_size = 0;
  absl::Duration timeout;
  Waiter waiter;
  bool read_ahead = false;  // what the guest may ask next may be asked for as well
};

// What the stream sends next.
struct Outgoing {
  enum class Kind { kRequest, kReset, kKeepAlive };
  Kind kind = Kind::kRequest;
  uint64_t sequence = 0;
  uint32_t mrq = 0;
  uint32_t rx_size = 0;
  size_t tx_size = 0;
  std::array<uint8_t, kMaxPayload> tx = {};
};

// What a guest waits for, and what its session has to say next; everything about requests that has
// nothing to do with how bytes travel. Requests outlive the streams that carry them: one that
// wasn't sent goes out on the next.
//
//  - A request ends exactly once: with its answer, at its deadline, with the stream that it was
//  sent
//    on, or with the table.
//  - After a time-out with nothing heard from the broker, and when the connection isn't back at a
//    deadline, the table is *blocked*: requests end at once, until the broker is heard of. So that
//    a slow answer isn't taken for a dead broker, a keep-alive is sent when half of a request's
//    time is over: only if that isn't answered either does the time-out block.
//  - Where callers allow it, what the guest will probably ask next is asked too (ReadAhead), while
//    nothing is on its way that changes anything. The answer is for the guest if it asks so in
//    time, and gone as soon as it does something that isn't a look at a clock.
//  - A machine reset is owed until the broker has confirmed it: it goes out before any later
//  request,
//    again on a new stream. It costs none of the places for requests.
//
// Time comes from the caller; no threads, no I/O. Thread-safe. Waiters are told in the thread that
// makes it happen, without the lock, and may submit.
class RequestTable {
 public:
  RequestTable() = default;
  RequestTable(const RequestTable&) = delete;
  RequestTable& operator=(const RequestTable&) = delete;

  // --- Asking. `*wake`: the thread that calls Tick() must be woken, its next time is earlier now
  // ---

  // 0: the waiter is or will be told. -EBUSY, -ESHUTDOWN: it won't.
  int Submit(const Call& call, absl::Time now, bool* wake) ABSL_LOCKS_EXCLUDED(mutex_);
  // 0 or -ESHUTDOWN, likewise. May throw std::bad_alloc, having done nothing.
  int Reset(Waiter waiter, absl::Duration timeout, absl::Time now, bool* wake)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // --- The stream ---

  // The broker took the session; it allows this many messages without an answer.
  void Connected(uint32_t max_outstanding, absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);
  // The stream is gone. What was sent on it ends with -ECONNRESET. With `refusal` (a negative
  // errno) all else ends too, with that, and later requests at once, until Connected().
  void Disconnected(int refusal) ABSL_LOCKS_EXCLUDED(mutex_);
  // The next message to send; false: none now.
  bool Take(Outgoing* out) ABSL_LOCKS_EXCLUDED(mutex_);
  // Wants a keep-alive sent.
  void Probe() ABSL_LOCKS_EXCLUDED(mutex_);

  // --- Answers, by what they carry. Of a request that isn't waiting any more: only a sign of life
  // ---

  void OnResponse(uint64_t sequence, int32_t error, absl::Span<const uint8_t> rx, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void OnResetDone(uint64_t sequence, absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnKeepAlive(uint64_t sequence, absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);

  // --- Time ---

  struct Ticked {
    bool write = false;    // Take() has something
    bool blocked = false;  // the table is blocked since just now
    bool ended = false;    // some were overdue, and have been told
  };
  // Ends what is overdue.
  Ticked Tick(absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);
  // When Tick() is needed next. From now on earlier times ask for a wake.
  absl::Time NextTick() ABSL_LOCKS_EXCLUDED(mutex_);
  // What is waited for: answers, those to guesses too, and resets.
  size_t waiting() const ABSL_LOCKS_EXCLUDED(mutex_);
  // When the broker was last heard of.
  absl::Time heard() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends everything with -ESHUTDOWN, and what comes later at once.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);

  struct Votes {
    std::vector<uint32_t> clocks;
    std::vector<uint32_t> domains;
  };
  // What the guest holds. Before Connected(), so that nothing is on its way.
  Votes votes() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Slot {
    bool used = false;
    bool sent = false;
    bool probed = false;
    uint64_t ticket = 0;      // the order of asking
    uint64_t sequence = 0;    // once sent
    uint64_t generation = 0;  // resets before it
    absl::Time half;
    absl::Time deadline;
    uint32_t mrq = 0;
    size_t tx_size = 0;
    size_t rx_size = 0;
    std::array<uint8_t, kMaxPayload> tx = {};
    std::optional<Query> query;  // what it is, if it is one
    Waiter waiter;
  };
  struct ResetWaiter {
    uint64_t generation = 0;
    absl::Time half;
    absl::Time deadline;
    bool probed = false;
    Waiter waiter;
  };
  struct SentReset {
    uint64_t sequence = 0;
    uint64_t generation = 0;
  };
  struct Ended {
    Waiter waiter;
    int status = 0;
  };
  using EndedList = absl::InlinedVector<Ended, kMaxWaiting>;

  static void Tell(const EndedList& ended);
  // As the answer's reader wants it: without bytes after an error, else filled up with zeroes.
  static void Deliver(const Waiter& waiter, int32_t error, absl::Span<const uint8_t> rx,
                      size_t rx_size);
  // Whether the guest waits for fewer than kMaxWaiting answers.
  bool HasPlace() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A request to be sent. REQUIRES: HasPlace(), or for a guess MayGuess().
  Slot* Add(const Call& call, const std::optional<Query>& query)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Free(Slot* slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // It is waited for from now on.
  void Await(Slot* slot, const Call& call, absl::Time now, bool* wake)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Slot* NextUnsent() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Frees the slot of a request without an answer.
  void Fail(Slot* slot, int status, EndedList* ended) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends those who wait for resets that are done.
  void EndDoneResets(EndedList* ended) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FailResets(int status, EndedList* ended) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether something with these times is overdue; else notes what it wants.
  bool Overdue(absl::Time now, absl::Time half, absl::Time deadline, bool* probed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool NeedsWake(absl::Time time) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Hear(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool CanTake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeRequest(Slot* slot, Outgoing* out) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeReset(const Slot* next, Outgoing* out) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // --- Reading ahead (request_table_ahead.cc) ---

  // The guess on its way, if it is `query`, fresh and true: the guest's own from now on.
  Slot* ClaimGuess(const Query& query, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Asks what the guest asks after `query`, which is what `call` has asked, if it can be guessed.
  void Guess(const Call& call, const Query& query, absl::Time now, bool* wake)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether nothing is on its way that could make a guess's answer untrue, nor another guess, and
  // the guess takes no place from what the guest may ask next.
  bool MayGuess() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The answer to a query, guessed or not.
  void Look(const Slot& slot, int32_t error, absl::Span<const uint8_t> rx)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What happens now may make guesses untrue.
  void DropGuesses() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  std::array<Slot, kMaxWaiting + 1> slots_ ABSL_GUARDED_BY(mutex_);  // one more for a guess
  ReadAhead ahead_ ABSL_GUARDED_BY(mutex_);
  Slot* guess_ ABSL_GUARDED_BY(mutex_) = nullptr;  // on its way, and the guest hasn't asked
  absl::Time guessed_at_ ABSL_GUARDED_BY(mutex_);
  bool guess_holds_ ABSL_GUARDED_BY(mutex_) = false;  // nothing has made its answer untrue
  std::vector<ResetWaiter> reset_waiters_ ABSL_GUARDED_BY(mutex_);
  VoteRecord votes_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_ticket_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t last_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time armed_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  absl::Time heard_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  int blocked_ ABSL_GUARDED_BY(mutex_) = 0;  // how requests end at once, when not 0

  // Machine resets are counted: those asked for, sent, and confirmed.
  uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t sent_generation_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t done_generation_ ABSL_GUARDED_BY(mutex_) = 0;

  // Of the stream.
  bool connected_ ABSL_GUARDED_BY(mutex_) = false;
  bool asked_ ABSL_GUARDED_BY(mutex_) = false;  // a request was sent on it
  bool probe_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t probe_ ABSL_GUARDED_BY(mutex_) = 0;  // the keep-alive that waits for its answer; 0: none
  uint32_t limit_ ABSL_GUARDED_BY(mutex_) = 1;
  uint32_t unanswered_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<SentReset> sent_resets_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_SRC_REQUEST_TABLE_H_
