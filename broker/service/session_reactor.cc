// SPDX-License-Identifier: Apache-2.0
#include "broker/service/session_reactor.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "bpmp/v1/guest.grpc.pb.h"
#include "broker/mrq/codec.h"
#include "broker/service/vote_renewal.h"

namespace bpmp::service {
namespace {

constexpr size_t kMaxClientName = 64;
// How long a new session waits for that of a process which has just ended.
constexpr absl::Duration kOpenRetry = absl::Milliseconds(5);
constexpr int kOpenAttempts = 200;

// What a client calls itself, fit for a log line.
std::string Printable(std::string name) {
  name.resize(std::min(name.size(), kMaxClientName));
  for (char& c : name) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) c = '?';
  }
  return name;
}

}  // namespace

SessionReactor* SessionReactor::Start(const GuestDeps& deps, Caller caller,
                                      grpc::CallbackServerContext* context) {
  std::shared_ptr<SessionReactor> made(new SessionReactor(deps, std::move(caller), context));
  SessionReactor* const reactor = made.get();
  {
    MutexLock lock(&reactor->mutex_);
    reactor->self_ = std::move(made);
  }
  reactor->StartRead(&reactor->raw_in_);
  return reactor;
}

// --- Reading ------------------------------------------------------------------------------------

void SessionReactor::OnReadDone(bool ok) {
  if (!ok) {
    Step step;
    {
      MutexLock lock(&mutex_);
      read_closed_ = true;
      step = NextStep();
    }
    Do(step);
    return;
  }
  if (!Parse()) return End(absl::InvalidArgumentError("the message is no SessionRequest"));
  if (Handle() && NextRead() == Reading::kNow) StartRead(&raw_in_);
}

bool SessionReactor::Parse() {
  return grpc::SerializationTraits<v1::SessionRequest>::Deserialize(&raw_in_, &in_).ok();
}

bool SessionReactor::Handle() {
  const bool first = session_id_ == 0;
  if (first && !Open()) return false;
  const uint64_t sequence = in_.sequence();
  if (sequence <= last_sequence_ && !(first && in_.has_hello())) {
    End(absl::InvalidArgumentError(absl::StrCat("sequence ", sequence, " follows ", last_sequence_,
                                                ": it must increase, from 1 on")));
    return false;
  }
  last_sequence_ = sequence;
  if (in_.has_hello() && !first) {
    End(absl::InvalidArgumentError("Hello must be the first message of a stream"));
    return false;
  }
  return Dispatch();
}

bool SessionReactor::Open() {
  const v1::Hello& hello = in_.hello();
  if (const absl::Status bounded = VoteRenewal::Check(hello); !bounded.ok()) {
    End(bounded);
    return false;
  }
  const auto opened = deps_.sessions->Open(caller_, hello.resume_session_id(),
                                           Printable(hello.client()), shared_from_this());
  if (opened.ok()) {
    session_id_ = opened->id;
    resumed_ = opened->resumed;
    return true;
  }
  if (absl::IsUnavailable(opened.status()) && ++open_attempts_ < kOpenAttempts) {
    deps_.acceptor->After(kOpenRetry, [self = shared_from_this()] { self->RetryOpen(); });
  } else {
    End(opened.status());
  }
  return false;
}

void SessionReactor::RetryOpen() {
  {
    MutexLock lock(&mutex_);
    if (ending_) return;
  }
  const bool read_on = Handle();
  bool done = false;
  {
    MutexLock lock(&mutex_);
    done = done_;
  }
  // Not in a reaction, so the stream may have ended meanwhile, and told the table before it was in
  // it.
  if (done) deps_.sessions->StreamEnded(vm(), this);
  if (read_on && NextRead() == Reading::kNow) Resume();
}

bool SessionReactor::Dispatch() {
  if (in_.body_case() == v1::SessionRequest::BODY_NOT_SET) {
    End(absl::InvalidArgumentError("a message without a body"));
    return false;
  }
  Slot* const slot = Wait(in_.sequence());
  if (slot == nullptr) return false;
  switch (in_.body_case()) {
    case v1::SessionRequest::kRequest:
      HandleRequest(in_.request(), slot);
      break;
    case v1::SessionRequest::kMachineReset:
      HandleMachineReset(slot);
      break;
    case v1::SessionRequest::kHello:
      return HandleHello(in_.hello(), slot);
    default:
      slot->kind = v1::SessionResponse::kKeepAlive;
      Answer(slot);
      break;
  }
  return true;
}

void SessionReactor::HandleRequest(const v1::MrqRequest& request, Slot* slot) {
  asked_ = true;
  requests_.fetch_add(1, std::memory_order_relaxed);
  const std::string& tx = request.tx();
  slot->kind = v1::SessionResponse::kResponse;
  if (tx.size() > mrq::kPayloadSize || request.rx_size() > mrq::kPayloadSize) {
    // The guest chose these numbers: it is told, and its VMM's stream lives on.
    slot->rx_size = 0;
    slot->response = mrq::Fail(mrq::Error::kInval);
    Answer(slot);
    return;
  }
  slot->rx_size = request.rx_size();
  slot->owner = shared_from_this();
  const auto* bytes = reinterpret_cast<const uint8_t*>(tx.data());
  // The closure is one pointer, so that it needs no memory of its own.
  deps_.engine->SubmitBytes(vm(), request.mrq(), {bytes, tx.size()}, limits().request_timeout,
                            [slot](const mrq::Response& response, core::Reason) {
                              slot->response = response;
                              slot->owner->Answer(slot);
                            });
}

bool SessionReactor::HandleHello(const v1::Hello& hello, Slot* slot) {
  slot->kind = v1::SessionResponse::kWelcome;
  const bool has_votes = hello.enabled_clocks_size() > 0 || hello.powered_domains_size() > 0;
  if (resumed_ || !has_votes) {
    slot->epoch = Epoch();
    Answer(slot);
    return true;
  }
  // Nothing is read meanwhile: what comes next finds the votes.
  VoteRenewal::Start(deps_.engine, vm(), limits().request_timeout, hello,
                     [self = shared_from_this(), slot] {
                       slot->epoch = self->Epoch();
                       self->Answer(slot);
                       if (self->NextRead() == Reading::kNow) self->Resume();
                     });
  return false;
}

void SessionReactor::HandleMachineReset(Slot* slot) {
  slot->kind = v1::SessionResponse::kMachineResetDone;
  if (resumed_ && !asked_) {
    // The reset of the VMM's own start, after which it found its session again.
    slot->epoch = Epoch();
    Answer(slot);
    return;
  }
  deps_.engine->Release(vm(), [self = shared_from_this(), slot] {
    slot->epoch = self->Epoch();
    self->Answer(slot);
  });
}

SessionReactor::Reading SessionReactor::NextRead() {
  const Throttle::Verdict verdict = caller_.endpoint->throttle.Take();
  if (verdict.began) {
    deps_.events->Add(event_kind::kThrottled, vm(),
                      absl::StrCat("more than ", limits().requests_per_second,
                                   " requests/s: reading its stream more slowly"));
  }
  {
    MutexLock lock(&mutex_);
    if (ending_) return Reading::kOver;
    if (answers_.size() >= limits().max_outstanding) {
      read_paused_ = true;
      return Reading::kPaused;
    }
  }
  if (verdict.pause == absl::ZeroDuration()) return Reading::kNow;
  deps_.acceptor->After(verdict.pause, [self = shared_from_this()] { self->Resume(); });
  return Reading::kPaused;
}

void SessionReactor::Resume() {
  MutexLock lock(&mutex_);
  if (!ending_ && !finished_) StartRead(&raw_in_);
}

uint32_t SessionReactor::Epoch() const {
  return deps_.engine->Read([vm = vm()](const core::Core& core) { return core.EpochOf(vm); });
}

}  // namespace bpmp::service
