// SPDX-License-Identifier: Apache-2.0
// The public face of the core: each call collects its effects and lets the rest settle.
#include "broker/core/core.h"

#include <memory>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "broker/core/core_impl.h"

namespace bpmp::core {

Outcome OutcomeOf(const absl::StatusOr<mrq::Response>& result) {
  Outcome outcome;
  if (result.ok()) {
    outcome.response = *result;
  } else if (absl::IsDeadlineExceeded(result.status())) {
    outcome.kind = Outcome::Kind::kLost;
  } else {
    outcome.kind = Outcome::Kind::kFailed;
    if (absl::IsResourceExhausted(result.status())) outcome.failure = mrq::Error::kAgain;
  }
  return outcome;
}

Core::Core(Inventory inventory, Profile profile, Policy policy, Observer* observer, Options options)
    : impl_(std::make_unique<Impl>(std::move(inventory), std::move(profile), std::move(policy),
                                   observer, options)) {}
Core::~Core() = default;

void Core::Start(Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  impl_->Start();
}

Decision Core::Decide(const Call& call, Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  const Decision decision = impl_->Decide(call);
  if (decision.kind != Decision::Kind::kReply || impl_->machine.scheduler.HasWork()) {
    impl_->Settle();
  }
  return decision;
}

void Core::Complete(TransferId transfer, const Outcome& outcome, Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  impl_->machine.scheduler.Complete(transfer, outcome);
  impl_->Settle();
}

void Core::Overdue(TransferId transfer, Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  impl_->machine.scheduler.Overdue(transfer);
  impl_->Settle();
}

void Core::Expire(Ticket ticket, Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  impl_->Expire(ticket);
  impl_->Settle();
}

uint32_t Core::Release(VmId vm, Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  const uint32_t epoch = impl_->Release(vm);
  impl_->Settle();
  return epoch;
}

bool Core::IsReleasing(VmId vm) const { return impl_->Releasing(vm); }
uint32_t Core::EpochOf(VmId vm) const {
  return impl_->Known(vm) ? impl_->machine.ledger.EpochOf(vm) : 0;
}

void Core::Maintain(Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  impl_->Maintain();
  impl_->Settle();
}
bool Core::NeedsMaintenance() const {
  return !impl_->machine.doubtful.empty() || !impl_->machine.unsettled.empty() ||
         absl::c_any_of(impl_->pending_pins,
                        [this](const auto& pending) { return !impl_->GaveUp(pending); });
}

absl::Status Core::Install(Policy policy, Effects* effects, Unallowed unallowed) {
  impl_->machine.scheduler.Collect(effects);
  absl::Status status = impl_->Install(std::move(policy), unallowed);
  impl_->Settle();
  return status;
}

PolicyDifference Core::Compare(const Policy& next) const { return impl_->Compare(next); }

absl::Status Core::ClearQuarantine(Resource resource, Effects* effects) {
  impl_->machine.scheduler.Collect(effects);
  absl::Status status = impl_->ClearQuarantine(resource);
  impl_->Maintain();
  impl_->Settle();
  return status;
}

}  // namespace bpmp::core
