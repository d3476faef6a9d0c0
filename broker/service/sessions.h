// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_SESSIONS_H_
#define BROKER_SERVICE_SESSIONS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/backend/engine.h"
#include "broker/base/ids.h"
#include "broker/base/mutex.h"
#include "broker/mrq/types.h"
#include "broker/service/acceptor.h"
#include "broker/service/caller.h"
#include "broker/service/event_log.h"

namespace bpmp::service {

// A session for listings.
struct SessionInfo {
  uint64_t id = 0;
  bool connected = false;  // false: its stream is lost and may come back
  std::string client;
  int pid = 0;  // 0 where the process can't be seen
  uint32_t uid = 0;
  absl::Time since;  // wall
  uint64_t requests = 0;
  bool throttled = false;
};

// The stream of a session, as the table sees it. Thread-safe.
class SessionStream {
 public:
  virtual ~SessionStream() = default;
  // Ends the stream with this status. SessionTable::StreamEnded follows, later.
  virtual void End(const absl::Status& why) = 0;
  // Tells the client of a trip, as soon as it can be.
  virtual backend::Notified Notify(const mrq::HostTrip& trip) = 0;
  virtual uint64_t requests() const = 0;
};

// Who has the session of each VM: at most one process at a time. The table decides what a second
// session, a lost stream and the end of a process mean, and starts the release when a VM is gone.
//
//  - A session belongs to the process that opened it, not to its stream. It ends, and the VM is
//    released, when the process has ended *and* the stream is closed: in this order or the other,
//    so that a session on a descriptor which a launcher had connected outlives the launcher.
//  - The same process may open another stream at any time: it takes the session over.
//  - Another process is refused for as long as the first lives.
//  - Where the process can't be seen (another pid namespace, another machine), a lost stream starts
//    the VM's grace time. Who names the session's id within it continues the session; anybody
//    else, then or after, begins a new one, before which the VM is released.
//
//  - A VM that is being drained takes no new session, whoever asks. The one that it has goes on,
//    also on another stream, if the client names its id; once it is over, the engine lets nobody
//    take anything in the VM's name.
//
// Thread-safe. Calls the engine, and the streams, without its lock, but for
// Engine::SetAdmission().
class SessionTable {
 public:
  // Not owned. The acceptor must have been stopped before the table is destroyed.
  SessionTable(backend::Engine* engine, EventLog* events, Acceptor* acceptor)
      : engine_(engine), events_(events), acceptor_(acceptor) {}

  struct Opened {
    uint64_t id = 0;
    bool resumed = false;  // the session that was asked for continues
  };
  // Opens the session of the caller's VM on `stream`. `resume` is the id of a session to continue,
  // or 0; `client` what the client calls itself. Errors:
  //   AlreadyExists       another process has the session
  //   Unavailable         the process that has it has just ended, its stream not yet: try again
  //   soon FailedPrecondition  the broker is stopping, or the VM is being drained
  absl::StatusOr<Opened> Open(const Caller& caller, uint64_t resume, std::string client,
                              std::shared_ptr<SessionStream> stream) ABSL_LOCKS_EXCLUDED(mutex_);
  // `stream` is over. Ignored when it isn't the VM's session any more.
  void StreamEnded(VmId vm, const SessionStream* stream) ABSL_LOCKS_EXCLUDED(mutex_);
  // The process `peer` has ended.
  void PeerGone(VmId vm, const Peer* peer) ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends the VM's session without releasing the VM: the caller does, or doesn't want it.
  void Close(VmId vm, const absl::Status& why) ABSL_LOCKS_EXCLUDED(mutex_);
  // From now on the VM takes no new session, or takes one again. False: that was so already.
  bool SetDraining(VmId vm, bool draining) ABSL_LOCKS_EXCLUDED(mutex_);

  // Tells the VM's session, if it has a stream.
  backend::Notified Notify(VmId vm, const mrq::HostTrip& trip) ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends all streams. From now on nothing is opened and nothing is released: the VMs live on, and
  // so do their votes.
  void Stop(const absl::Status& why) ABSL_LOCKS_EXCLUDED(mutex_);

  std::optional<SessionInfo> Find(VmId vm) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether the VM's session is `peer`'s and has its stream.
  bool Connected(VmId vm, const Peer* peer) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Sessions with a stream.
  size_t connected() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Session {
    uint64_t id = 0;
    std::string client;
    absl::Time since;
    uint64_t past_requests = 0;  // on streams that have ended
    uint64_t losses = 0;         // of its stream, to tell one grace time from the next
    std::shared_ptr<Endpoint> endpoint;
    std::shared_ptr<const Peer> peer;
    std::shared_ptr<SessionStream> stream;  // null while lost
  };
  // What a new session puts an end to.
  struct Displaced {
    std::shared_ptr<SessionStream> stream;
    bool resumed = false;  // the session goes on, on another stream
    bool release = false;  // the VM it was for is gone
  };
  enum class Claim { kTakeOver, kReplace, kWait, kRefuse };
  // What a new session of `peer` means to this one.
  static Claim Judge(const Session& session, const Peer& peer, uint64_t resume);

  // Who may not have a session while the VM is being drained.
  absl::Status CheckDraining(const Caller& caller, uint64_t resume) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The engine lets the VM take what its sessions and its draining say. In the same critical
  // section in which they change, so that the engine's last word is the newest.
  void SettleAdmission(VmId vm) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes room for a session of `caller`, or refuses it.
  absl::Status Displace(const Caller& caller, uint64_t resume, Displaced* displaced)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(VmId vm, std::string why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the session still misses the stream that it lost then.
  bool IsLost(VmId vm, uint64_t id, uint64_t losses) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The stream of a process that could be seen is lost: is the process?
  void TellWhyLost(VmId vm, uint64_t id, uint64_t losses) ABSL_LOCKS_EXCLUDED(mutex_);
  void GraceOver(VmId vm, uint64_t id, uint64_t losses) ABSL_LOCKS_EXCLUDED(mutex_);

  backend::Engine* const engine_;
  EventLog* const events_;
  Acceptor* const acceptor_;

  mutable Mutex mutex_;
  absl::flat_hash_map<VmId, Session> sessions_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<VmId> draining_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_SESSIONS_H_
