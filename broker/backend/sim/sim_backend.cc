// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/sim_backend.h"

#include "absl/strings/str_cat.h"
#include "broker/base/clock.h"
#include "broker/mrq/codec.h"

namespace bpmp::backend::sim {
namespace {

absl::Status GoneError() {
  return absl::UnavailableError("the simulated BPMP is shut down; nothing was done");
}

// What arrives at the other end of the mailbox.
absl::StatusOr<mrq::Request> OverTheWire(const mrq::Request& request) {
  const mrq::EncodedRequest wire = mrq::EncodeRequest(request);
  return mrq::DecodeRequest(wire.mrq, wire.bytes());
}

}  // namespace

SimBackend::SimBackend(SimOptions options)
    : record_limit_(options.record_limit), latency_(options.latency) {
  for (Fault& fault : options.faults) {
    faults_.Add(std::move(fault));
  }
}

SimBackend::~SimBackend() {
  Shutdown();
  MutexLock lock(&mutex_);
  while (in_flight_ > 0) {
    changed_.Wait(&mutex_);
  }
}

absl::StatusOr<mrq::Response> SimBackend::Transfer(const mrq::Request& request,
                                                   absl::Time /*deadline*/) {
  const absl::StatusOr<mrq::Request> arrived = OverTheWire(request);
  if (!arrived.ok()) {
    return absl::InternalError(
        absl::StrCat("a request of ours doesn't decode: ", arrived.status().message()));
  }
  absl::StatusOr<mrq::Response> result;
  {
    MutexLock lock(&mutex_);
    if (shut_down_) {
      return GoneError();
    }
    ++in_flight_;
    result = Call(*arrived);
  }
  TellTrips();
  MutexLock lock(&mutex_);
  --in_flight_;
  if (shut_down_) {
    changed_.SignalAll();
  }
  return result;
}

void SimBackend::TellTrips() {
  std::vector<ThermalZoneId> trips;
  {
    MutexLock lock(&mutex_);
    trips = model_.thermal().TakeTrips();
  }
  for (const ThermalZoneId zone : trips) {
    const mrq::EncodedRequest said = mrq::EncodeInbound({zone});
    Say(said.mrq, said.bytes());
  }
}

absl::StatusOr<mrq::Response> SimBackend::Call(const mrq::Request& request) {
  Record(request);
  const Fault fault = faults_.Fire(request).value_or(Fault());
  Delay(latency_ + fault.delay);
  if (fault.effect == FaultEffect::kHang) {
    Hang();
  }
  if (shut_down_) {
    return GoneError();
  }
  if (fault.heat.has_value()) {
    model_.thermal().SetTemperature(fault.heat->zone, fault.heat->milli_c);
  }
  return Finish(request, fault);
}

void SimBackend::Record(const mrq::Request& request) {
  ++calls_;
  if (record_limit_ == 0) {
    return;
  }
  if (requests_.size() == record_limit_) {
    requests_.pop_front();
  }
  requests_.push_back(request);
}

void SimBackend::Delay(absl::Duration delay) {
  if (delay <= absl::ZeroDuration()) {
    return;
  }
  const absl::Time until = MonotonicClock().Now() + delay;
  for (absl::Duration left = delay; left > absl::ZeroDuration() && !shut_down_;
       left = until - MonotonicClock().Now()) {
    wake_.WaitFor(&mutex_, left);
  }
}

void SimBackend::Hang() {
  const uint64_t releases_before = releases_;
  ++hanging_;
  changed_.SignalAll();
  while (releases_ == releases_before && !shut_down_) {
    wake_.Wait(&mutex_);
  }
  --hanging_;
}

absl::StatusOr<mrq::Response> SimBackend::Finish(const mrq::Request& request, const Fault& fault) {
  switch (fault.effect) {
    case FaultEffect::kNone:
    case FaultEffect::kHang:
      return model_.Handle(request);
    case FaultEffect::kError:
      return mrq::Fail(fault.error);
    case FaultEffect::kLost:
      static_cast<void>(model_.Handle(request));
      return absl::DeadlineExceededError("no answer from the simulated BPMP");
    case FaultEffect::kDrop:
      return absl::DeadlineExceededError("no answer from the simulated BPMP");
    case FaultEffect::kUnavailable:
      return absl::UnavailableError("the simulated BPMP can't be reached; nothing was done");
    case FaultEffect::kDrift: {
      const std::optional<mrq::Request> inverse = model_.Inverse(request);
      const mrq::Response response = model_.Handle(request);
      if (inverse.has_value() && response.ok()) {
        static_cast<void>(model_.HostDoes(*inverse));
      }
      return response;
    }
  }
  return absl::InternalError("a fault has an unknown effect");
}

void SimBackend::Shutdown() {
  MutexLock lock(&mutex_);
  shut_down_ = true;
  wake_.SignalAll();
}

uint64_t SimBackend::AddFault(const Fault& fault) {
  MutexLock lock(&mutex_);
  return faults_.Add(fault);
}

bool SimBackend::RemoveFault(uint64_t id) {
  MutexLock lock(&mutex_);
  return faults_.Remove(id);
}

void SimBackend::ClearFaults() {
  MutexLock lock(&mutex_);
  faults_.Clear();
}

std::vector<FaultTable::Entry> SimBackend::faults() const {
  MutexLock lock(&mutex_);
  return faults_.entries();
}

void SimBackend::set_latency(absl::Duration latency) {
  MutexLock lock(&mutex_);
  latency_ = latency;
}

void SimBackend::ReleaseHangs() {
  MutexLock lock(&mutex_);
  ++releases_;
  wake_.SignalAll();
}

size_t SimBackend::hanging() const {
  MutexLock lock(&mutex_);
  return hanging_;
}

void SimBackend::WaitUntilHanging(size_t count) {
  MutexLock lock(&mutex_);
  while (hanging_ < count) {
    changed_.Wait(&mutex_);
  }
}

std::vector<mrq::Request> SimBackend::requests() const {
  MutexLock lock(&mutex_);
  return {requests_.begin(), requests_.end()};
}

uint64_t SimBackend::calls() const {
  MutexLock lock(&mutex_);
  return calls_;
}

void SimBackend::ForgetRequests() {
  MutexLock lock(&mutex_);
  requests_.clear();
}

}  // namespace bpmp::backend::sim
