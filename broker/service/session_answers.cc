// SPDX-License-Identifier: Apache-2.0
// SessionReactor: how answers go out, and how a stream ends.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bpmp/v1/guest.grpc.pb.h"
#include "broker/mrq/codec.h"
#include "broker/service/session_reactor.h"
#include "broker/service/status.h"

namespace bpmp::service {
namespace {

// How long a stream that ends may take over its last write before it is cut off.
constexpr absl::Duration kLastWrite = absl::Seconds(1);

}  // namespace

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
  if (!ending_ && FillNext()) {
    writing_ = true;
    return Step::kWrite;
  }
  // What was asked before the client said that it will send no more is answered first.
  if (!ending_ && (!read_closed_ || waiting_ > 0)) return Step::kNothing;
  ending_ = true;
  finished_ = true;
  return Step::kFinish;
}

backend::Notified SessionReactor::Notify(const mrq::HostTrip& trip) {
  Step step;
  {
    MutexLock lock(&mutex_);
    if (ending_ || read_closed_) return backend::Notified::kNoSession;
    if (!trips_.Add(trip.zone)) return backend::Notified::kMerged;
    step = NextStep();
  }
  Do(step);
  return backend::Notified::kSent;
}

bool SessionReactor::FillNext() {
  // Who has said goodbye only waits for its answers.
  const bool trip = answered_ && !read_closed_ && !trips_.empty();
  if (answers_.size() > 0 && !(trip && trip_may_go_)) {
    Slot* const slot = answers_.Pop();
    Fill(*slot);
    answers_.Free(slot);
    answered_ = trip_may_go_ = true;
    return true;
  }
  if (!trip) return false;
  trip_may_go_ = false;
  Fill(mrq::HostTrip{trips_.Take()});
  return true;
}

void SessionReactor::Do(Step step) {
  if (step == Step::kWrite) {
    bool owned = false;  // by this object in any case
    // Can't fail: an answer has a bounded size.
    grpc::SerializationTraits<v1::SessionResponse>::Serialize(out_, &raw_out_, &owned)
        .IgnoreError();
    StartWrite(&raw_out_);
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
  raw_out_.Clear();  // most sessions are idle for most of the time
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
  if (read_on) StartRead(&raw_in_);
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

void SessionReactor::Fill(const mrq::HostTrip& trip) {
  const mrq::EncodedRequest said = mrq::EncodeInbound(trip);
  out_.set_sequence(0);
  v1::Notification* const notification = out_.mutable_notification();
  notification->set_mrq(said.mrq);
  notification->set_data(said.data.data(), said.size);
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
