// SPDX-License-Identifier: Apache-2.0
#include "broker/service/session_reactor.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "broker/mrq/codec.h"
#include "broker/service/status.h"

namespace bpmp::service {
namespace {

constexpr size_t kMaxClientName = 64;
// How long a new session waits for that of a process which has just ended.
constexpr absl::Duration kOpenRetry = absl::Milliseconds(5);
constexpr int kOpenAttempts = 200;
// How long a stream that ends may take over its last write before it is cut off.
constexpr absl::Duration kLastWrite = absl::Seconds(1);

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
  reactor->StartRead(&reactor->in_);
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
  if (Handle() && NextRead() == Reading::kNow) StartRead(&in_);
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
      slot->kind = v1::SessionResponse::kWelcome;
      slot->epoch = Epoch();
      Answer(slot);
      break;
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
  if (!ending_ && !finished_) StartRead(&in_);
}

uint32_t SessionReactor::Epoch() const {
  return deps_.engine->Read([vm = vm()](const core::Core& core) { return core.EpochOf(vm); });
}

// --- Answering ----------------------------------------------------------------------------------

SessionReactor::Slot* SessionReactor::Wait(uint64_t sequence) {
  {
    MutexLock lock(&mutex_);
    if (waiting_ < limits().max_outstanding) {
      ++waiting_;
      Slot* const slot = answers_.New();
      slot->sequence = sequence;
      return slot;
    }
  }
  End(absl::ResourceExhaustedError(
      absl::StrCat("more than ", limits().max_outstanding, " requests outstanding")));
  return nullptr;
}

void SessionReactor::Answer(Slot* slot) {
  // Keeps this alive to the end of the call.
  const std::shared_ptr<SessionReactor> owner = std::move(slot->owner);
  Step step;
  {
    MutexLock lock(&mutex_);
    --waiting_;
    if (ending_) {
      answers_.Free(slot);
    } else {
      answers_.Push(slot);
    }
    step = NextStep();
  }
  Do(step);
}

SessionReactor::Step SessionReactor::NextStep() {
  if (writing_ || finished_) return Step::kNothing;
  if (!ending_ && answers_.size() > 0) {
    writing_ = true;
    Slot* const slot = answers_.Pop();
    Fill(*slot);
    answers_.Free(slot);
    return Step::kWrite;
  }
  // What was asked before the client said that it will send no more is answered first.
  if (!ending_ && (!read_closed_ || waiting_ > 0)) return Step::kNothing;
  ending_ = true;
  finished_ = true;
  return Step::kFinish;
}

void SessionReactor::Do(Step step) {
  if (step == Step::kWrite) {
    StartWrite(&out_);
  } else if (step == Step::kFinish) {
    grpc::Status status;
    {
      MutexLock lock(&mutex_);
      status = status_;
    }
    Finish(std::move(status));
  }
}

void SessionReactor::OnWriteDone(bool ok) {
  Step step;
  bool read_on = false;
  {
    MutexLock lock(&mutex_);
    writing_ = false;
    // A stream on which a write failed is broken; OnCancel says so too, before or after.
    if (!ok && !ending_) {
      ending_ = true;
      status_ = grpc::Status::CANCELLED;
    }
    step = NextStep();
    if (read_paused_ && !ending_ && answers_.size() <= limits().max_outstanding / 2) {
      read_paused_ = false;
      read_on = true;
    }
  }
  Do(step);
  if (read_on) StartRead(&in_);
}

void SessionReactor::Fill(const Slot& slot) {
  out_.set_sequence(slot.sequence);
  switch (slot.kind) {
    case v1::SessionResponse::kResponse: {
      v1::MrqResponse* const response = out_.mutable_response();
      response->set_error(slot.response.error);
      if (slot.response.ok()) {
        const auto* bytes = reinterpret_cast<const char*>(slot.response.data.data());
        response->mutable_rx()->assign(bytes, slot.rx_size);
      } else {
        response->mutable_rx()->assign(slot.rx_size, '\0');
      }
      break;
    }
    case v1::SessionResponse::kWelcome: {
      v1::Welcome* const welcome = out_.mutable_welcome();
      welcome->set_vm(caller_.endpoint->name);
      welcome->set_session_id(session_id_);
      welcome->set_max_outstanding(limits().max_outstanding);
      welcome->set_epoch(slot.epoch);
      welcome->set_resumed(resumed_);
      break;
    }
    case v1::SessionResponse::kMachineResetDone:
      out_.mutable_machine_reset_done()->set_epoch(slot.epoch);
      break;
    default:
      out_.mutable_keep_alive();
      break;
  }
}

// --- Ending -------------------------------------------------------------------------------------

void SessionReactor::End(const absl::Status& why) {
  Step step;
  bool stuck = false;
  {
    MutexLock lock(&mutex_);
    if (ending_) return;
    ending_ = true;
    status_ = ToGrpc(why);
    step = NextStep();
    stuck = writing_;
  }
  Do(step);
  // A peer that doesn't read may keep the write that is under way from ending, for ever.
  if (stuck) {
    deps_.acceptor->After(kLastWrite, [self = weak_from_this()] {
      if (const auto stream = self.lock()) stream->CancelIfStuck();
    });
  }
}

void SessionReactor::CancelIfStuck() {
  MutexLock lock(&mutex_);
  if (!finished_) context_->TryCancel();
}

void SessionReactor::OnCancel() { End(absl::CancelledError("the client is gone")); }

void SessionReactor::OnDone() {
  deps_.sessions->StreamEnded(vm(), this);
  std::shared_ptr<SessionReactor> self;
  MutexLock lock(&mutex_);
  done_ = true;
  // Destroyed after the lock is released: it was declared first.
  self = std::move(self_);
}

}  // namespace bpmp::service
