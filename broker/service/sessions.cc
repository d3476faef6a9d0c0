// SPDX-License-Identifier: Apache-2.0
#include "broker/service/sessions.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/base/status_macros.h"

namespace bpmp::service {
namespace {

// How long a process whose stream ended may take to end itself before it counts as alive.
constexpr absl::Duration kLastBreath = absl::Milliseconds(100);

std::string Named(uint64_t id, const std::string& what) {
  return absl::StrCat("session ", id, ": ", what);
}

}  // namespace

SessionTable::Claim SessionTable::Judge(const Session& session, const Peer& peer, uint64_t resume) {
  const bool connected = session.stream != nullptr;
  if (!session.peer->visible()) {
    if (!peer.visible() && resume == session.id) return Claim::kTakeOver;
    return connected ? Claim::kRefuse : Claim::kReplace;
  }
  if (session.peer->SameProcessAs(peer)) return Claim::kTakeOver;
  if (!session.peer->Gone()) return Claim::kRefuse;
  return connected ? Claim::kWait : Claim::kReplace;
}

absl::StatusOr<SessionTable::Opened> SessionTable::Open(const Caller& caller, uint64_t resume,
                                                        std::string client,
                                                        std::shared_ptr<SessionStream> stream) {
  const VmId vm = caller.endpoint->vm;
  Displaced displaced;
  uint64_t id = 0;
  {
    MutexLock lock(&mutex_);
    if (stopped_) return absl::FailedPreconditionError("the broker is stopping");
    BPMP_RETURN_IF_ERROR(CheckDraining(caller, resume));
    BPMP_RETURN_IF_ERROR(Displace(caller, resume, &displaced));
    Session& session = sessions_[vm];
    if (!displaced.resumed) session.id = next_id_++;
    id = session.id;
    session.client = client.empty() ? "unnamed client" : std::move(client);
    session.since = absl::Now();
    session.endpoint = caller.endpoint;
    session.peer = caller.peer;
    session.stream = std::move(stream);
    events_->Add(event_kind::kSessionOpened, vm,
                 Named(id, absl::StrCat(displaced.resumed ? "continued by " : "opened by ",
                                        session.peer->ToString(), ", ", session.client)));
  }
  if (displaced.stream != nullptr) {
    displaced.stream->End(absl::AbortedError(
        absl::StrCat("session taken over by session ", id, " of the same process")));
  }
  if (displaced.release) engine_->Release(vm, [] {});
  return Opened{id, displaced.resumed};
}

absl::Status SessionTable::CheckDraining(const Caller& caller, uint64_t resume) const {
  const VmId vm = caller.endpoint->vm;
  if (!draining_.contains(vm)) return absl::OkStatus();
  const auto it = sessions_.find(vm);
  if (it != sessions_.end() && resume == it->second.id &&
      Judge(it->second, *caller.peer, resume) == Claim::kTakeOver) {
    return absl::OkStatus();
  }
  events_->Add(event_kind::kSessionRefused, vm,
               absl::StrCat("refused ", caller.peer->ToString(), ": the VM is being drained"));
  const std::string& name = caller.endpoint->name;
  return absl::FailedPreconditionError(
      absl::StrCat("VM ", name,
                   " is being drained and takes no new session; an administrator can "
                   "let it: bpmpctl vm undrain ",
                   name));
}

void SessionTable::SettleAdmission(VmId vm) {
  core::Admission admission = core::Admission::kOpen;
  if (draining_.contains(vm)) {
    admission = sessions_.contains(vm) ? core::Admission::kLeaving : core::Admission::kClosed;
  }
  engine_->SetAdmission(vm, admission);
}

bool SessionTable::SetDraining(VmId vm, bool draining) {
  MutexLock lock(&mutex_);
  const bool changed = draining ? draining_.insert(vm).second : draining_.erase(vm) > 0;
  if (changed) SettleAdmission(vm);
  return changed;
}

absl::Status SessionTable::Displace(const Caller& caller, uint64_t resume, Displaced* displaced) {
  const VmId vm = caller.endpoint->vm;
  const auto it = sessions_.find(vm);
  if (it == sessions_.end()) return absl::OkStatus();
  Session& old = it->second;
  switch (Judge(old, *caller.peer, resume)) {
    case Claim::kTakeOver:
      displaced->resumed = resume == old.id;
      if (old.stream != nullptr) old.past_requests += old.stream->requests();
      displaced->stream = std::move(old.stream);
      if (!displaced->resumed) Forget(vm, "taken over by a new one of the same process");
      return absl::OkStatus();
    case Claim::kReplace:
      displaced->release = true;
      Forget(vm, absl::StrCat(old.peer->ToString(), " is gone; releasing the VM"));
      return absl::OkStatus();
    case Claim::kWait:
      return absl::UnavailableError("the VM's last session is ending");
    case Claim::kRefuse:
      break;
  }
  const std::string who = absl::StrCat(old.peer->ToString(), " has session ", old.id);
  events_->Add(event_kind::kSessionRefused, vm,
               absl::StrCat("refused ", caller.peer->ToString(), ": ", who));
  return absl::AlreadyExistsError(
      absl::StrCat("VM ", caller.endpoint->name, " has a session already: ", who));
}

void SessionTable::StreamEnded(VmId vm, const SessionStream* stream) {
  bool release = false;
  {
    MutexLock lock(&mutex_);
    const auto it = sessions_.find(vm);
    if (it == sessions_.end() || it->second.stream.get() != stream || stopped_) return;
    Session& session = it->second;
    session.past_requests += stream->requests();
    session.stream = nullptr;
    ++session.losses;
    const std::string who = session.peer->ToString();
    if (session.peer->Gone()) {
      release = true;
      Forget(vm, absl::StrCat(who, " has ended; releasing the VM"));
    } else if (session.peer->visible()) {
      // A process that is killed closes its connections a moment before it has ended.
      acceptor_->After(kLastBreath, [this, vm, id = session.id, losses = session.losses] {
        TellWhyLost(vm, id, losses);
      });
    } else {
      const absl::Duration grace = session.endpoint->grace;
      events_->Add(
          event_kind::kSessionLost, vm,
          Named(session.id, absl::StrCat("stream of ", who, " lost; the VM is released in ",
                                         absl::FormatDuration(grace), " unless it comes back")));
      acceptor_->After(grace, [this, vm, id = session.id, losses = session.losses] {
        GraceOver(vm, id, losses);
      });
    }
  }
  if (release) engine_->Release(vm, [] {});
}

void SessionTable::PeerGone(VmId vm, const Peer* peer) {
  {
    MutexLock lock(&mutex_);
    const auto it = sessions_.find(vm);
    if (it == sessions_.end() || it->second.peer.get() != peer || stopped_) return;
    if (it->second.stream != nullptr) return;  // StreamEnded does the rest
    Forget(vm, absl::StrCat(peer->ToString(), " has ended; releasing the VM"));
  }
  engine_->Release(vm, [] {});
}

void SessionTable::TellWhyLost(VmId vm, uint64_t id, uint64_t losses) {
  {
    MutexLock lock(&mutex_);
    if (!IsLost(vm, id, losses)) return;
    const Peer& peer = *sessions_.at(vm).peer;
    if (!peer.Gone()) {
      events_->Add(event_kind::kSessionLost, vm,
                   Named(id, absl::StrCat("stream lost; ", peer.ToString(),
                                          " lives on, so nothing is released")));
      return;
    }
    Forget(vm, absl::StrCat(peer.ToString(), " has ended; releasing the VM"));
  }
  engine_->Release(vm, [] {});
}

bool SessionTable::IsLost(VmId vm, uint64_t id, uint64_t losses) const {
  const auto it = sessions_.find(vm);
  if (it == sessions_.end() || stopped_) return false;
  const Session& session = it->second;
  return session.id == id && session.losses == losses && session.stream == nullptr;
}

void SessionTable::GraceOver(VmId vm, uint64_t id, uint64_t losses) {
  {
    MutexLock lock(&mutex_);
    if (!IsLost(vm, id, losses)) return;
    Forget(vm, "did not come back within its grace time; releasing the VM");
  }
  engine_->Release(vm, [] {});
}

void SessionTable::Forget(VmId vm, std::string why) {
  const auto it = sessions_.find(vm);
  events_->Add(event_kind::kSessionClosed, vm, Named(it->second.id, why));
  sessions_.erase(it);
  if (draining_.contains(vm)) SettleAdmission(vm);
}

void SessionTable::Close(VmId vm, const absl::Status& why) {
  std::shared_ptr<SessionStream> stream;
  {
    MutexLock lock(&mutex_);
    const auto it = sessions_.find(vm);
    if (it == sessions_.end()) return;
    stream = std::move(it->second.stream);
    Forget(vm, std::string(why.message()));
  }
  if (stream != nullptr) stream->End(why);
}

backend::Notified SessionTable::Notify(VmId vm, const mrq::HostTrip& trip) {
  std::shared_ptr<SessionStream> stream;
  {
    MutexLock lock(&mutex_);
    const auto it = sessions_.find(vm);
    if (it != sessions_.end()) stream = it->second.stream;
  }
  return stream == nullptr ? backend::Notified::kNoSession : stream->Notify(trip);
}

void SessionTable::Stop(const absl::Status& why) {
  std::vector<std::shared_ptr<SessionStream>> streams;
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    for (auto& [vm, session] : sessions_) {
      if (session.stream != nullptr) streams.push_back(std::move(session.stream));
    }
    sessions_.clear();
  }
  for (const auto& stream : streams) stream->End(why);
}

std::optional<SessionInfo> SessionTable::Find(VmId vm) const {
  MutexLock lock(&mutex_);
  const auto it = sessions_.find(vm);
  if (it == sessions_.end()) return std::nullopt;
  const Session& session = it->second;
  SessionInfo info;
  info.id = session.id;
  info.connected = session.stream != nullptr;
  info.client = session.client;
  info.pid = session.peer->pid();
  info.uid = session.peer->uid();
  info.since = session.since;
  info.requests =
      session.past_requests + (session.stream != nullptr ? session.stream->requests() : 0);
  info.throttled = session.endpoint->throttle.throttled();
  return info;
}

bool SessionTable::Connected(VmId vm, const Peer* peer) const {
  MutexLock lock(&mutex_);
  const auto it = sessions_.find(vm);
  return it != sessions_.end() && it->second.peer.get() == peer && it->second.stream != nullptr;
}

size_t SessionTable::connected() const {
  MutexLock lock(&mutex_);
  size_t count = 0;
  for (const auto& [vm, session] : sessions_) count += session.stream != nullptr ? 1 : 0;
  return count;
}

}  // namespace bpmp::service
