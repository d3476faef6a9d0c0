// SPDX-License-Identifier: Apache-2.0
#include "broker/core/testing/fake_backend.h"

#include <variant>

#include "absl/status/status.h"
#include "broker/mrq/codec.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {

Resource ResourceOf(const mrq::Request& request) {
  if (const auto* clk = std::get_if<mrq::ClkRequest>(&request)) return Resource::Of(clk->clock);
  if (const auto* reset = std::get_if<mrq::ResetRequest>(&request)) {
    return Resource::Of(reset->reset);
  }
  if (const auto* pg = std::get_if<mrq::PgRequest>(&request)) return Resource::Of(pg->domain);
  if (const auto* uphy = std::get_if<mrq::UphyRequest>(&request)) {
    const auto pcie = mrq::PcieSwitchOf(*uphy);
    if (pcie) return Resource::Of(pcie->controller);
  }
  return {};
}

bool Mutates(const mrq::Request& request) {
  if (const auto* clk = std::get_if<mrq::ClkRequest>(&request)) {
    return clk->cmd == mrq::ClkCmd::kEnable || clk->cmd == mrq::ClkCmd::kDisable ||
           clk->cmd == mrq::ClkCmd::kSetRate || clk->cmd == mrq::ClkCmd::kSetParent;
  }
  if (const auto* pg = std::get_if<mrq::PgRequest>(&request)) {
    return pg->cmd == mrq::PgCmd::kSetState;
  }
  return std::holds_alternative<mrq::ResetRequest>(request) ||
         std::holds_alternative<mrq::UphyRequest>(request);
}

void FakeBackend::Start(const Transfer& transfer) {
  if (transfer.id.value() <= last_id_) {
    ADD_FAILURE() << "transfer id " << transfer.id.value() << " used again";
  }
  last_id_ = transfer.id.value();
  const Resource resource = ResourceOf(transfer.request);
  for (const Transfer& other : in_flight_) {
    if (resource.kind != ResourceKind::kNone && ResourceOf(other.request) == resource) {
      ADD_FAILURE() << "two transfers in flight for one resource: " << mrq::Describe(other.request)
                    << " and " << mrq::Describe(transfer.request);
    }
  }
  in_flight_.push_back(transfer);
  if (keep_log_) log_.push_back(transfer);
}

Transfer FakeBackend::Take() {
  Transfer taken = in_flight_.front();
  in_flight_.erase(in_flight_.begin());
  return taken;
}

Outcome FakeBackend::End(size_t index, Fate fate, mrq::Error error) {
  const mrq::Request request = in_flight_[index].request;
  in_flight_.erase(in_flight_.begin() + static_cast<std::ptrdiff_t>(index));
  Outcome outcome;
  switch (fate) {
    case Fate::kPerformed:
      outcome.response = firmware_->Perform(request);
      break;
    case Fate::kRefused:
      outcome.response = mrq::Fail(error);
      break;
    case Fate::kFailed:
      outcome.kind = Outcome::Kind::kFailed;
      break;
    case Fate::kNoRoom:
      outcome = OutcomeOf(absl::ResourceExhaustedError("no room"));
      break;
    case Fate::kLostDone:
      firmware_->Perform(request);
      outcome.kind = Outcome::Kind::kLost;
      break;
    case Fate::kLostUndone:
      outcome.kind = Outcome::Kind::kLost;
      break;
  }
  return outcome;
}

}  // namespace bpmp::core::testing
