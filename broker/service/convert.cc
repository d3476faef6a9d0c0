// SPDX-License-Identifier: Apache-2.0
#include "broker/service/convert.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "broker/mrq/codec.h"

namespace bpmp::service {
namespace {

// The API's enumerations are the core's in the same order, after UNSPECIFIED; of resource kinds,
// the core has its own "none" there.
template <typename Proto, typename Core>
constexpr Proto AfterUnspecified(Core value) {
  return static_cast<Proto>(static_cast<int>(value) + 1);
}
static_assert(AfterUnspecified<v1::Access>(core::Access::kNone) == v1::ACCESS_NONE);
static_assert(AfterUnspecified<v1::Access>(core::Access::kExclusive) == v1::ACCESS_EXCLUSIVE);
static_assert(AfterUnspecified<v1::GateState>(core::GateState::kOff) == v1::GATE_STATE_OFF);
static_assert(AfterUnspecified<v1::GateState>(core::GateState::kUnknown) == v1::GATE_STATE_UNKNOWN);
static_assert(AfterUnspecified<v1::ResetState>(core::ResetState::kUnknown) ==
              v1::RESET_STATE_UNKNOWN);
static_assert(AfterUnspecified<v1::ResetState>(core::ResetState::kDeasserted) ==
              v1::RESET_STATE_DEASSERTED);
static_assert(AfterUnspecified<v1::RatePolicy>(core::RatePolicy::kOwner) == v1::RATE_POLICY_OWNER);
static_assert(AfterUnspecified<v1::RatePolicy>(core::RatePolicy::kRange) == v1::RATE_POLICY_RANGE);
static_assert(static_cast<int>(core::ResourceKind::kClock) == v1::RESOURCE_KIND_CLOCK);
static_assert(static_cast<int>(core::ResourceKind::kDomain) == v1::RESOURCE_KIND_POWER_DOMAIN);
static_assert(static_cast<int>(core::ResourceKind::kReset) == v1::RESOURCE_KIND_RESET);
static_assert(static_cast<int>(core::ResourceKind::kPcieController) ==
              v1::RESOURCE_KIND_PCIE_CONTROLLER);

// Numbers outside the enumeration (proto3 lets them through) are `otherwise`.
template <typename Core>
Core FromNumber(int number, Core last, Core otherwise) {
  return number >= 0 && number <= static_cast<int>(last) ? static_cast<Core>(number) : otherwise;
}

void AddNames(const core::Core& core, const std::vector<VmId>& vms,
              google::protobuf::RepeatedPtrField<std::string>* names) {
  for (const VmId vm : vms) names->Add(core.NameOf(vm));
}

void AddClock(const core::Core& core, const core::ResourceStatus& status,
              v1::ResourceState* proto) {
  proto->set_rate_hz(status.rate_hz);
  if (status.parent.has_value()) {
    proto->set_parent(status.parent->value());
    proto->set_parent_name(core.NameOf(core::Resource::Of(*status.parent)));
  }
  proto->set_flags(status.flags);
  proto->set_rate_policy(ToProto(status.rate_policy));
  for (const core::RateVote& vote : status.rate_votes) {
    v1::RateVote* rate_vote = proto->add_rate_votes();
    rate_vote->set_vm(core.NameOf(vote.vm));
    rate_vote->set_rate_hz(vote.hz);
    rate_vote->set_min_rate_hz(vote.min_hz);
    rate_vote->set_max_rate_hz(vote.max_hz);
  }
  proto->set_pinned_rate_hz(status.pinned_rate_hz.value_or(0));
}

}  // namespace

v1::ResourceKind ToProto(core::ResourceKind kind) {
  return static_cast<v1::ResourceKind>(static_cast<int>(kind));
}
v1::Access ToProto(core::Access access) { return AfterUnspecified<v1::Access>(access); }
v1::GateState ToProto(core::GateState state) { return AfterUnspecified<v1::GateState>(state); }
v1::ResetState ToProto(core::ResetState state) { return AfterUnspecified<v1::ResetState>(state); }
v1::RatePolicy ToProto(core::RatePolicy policy) { return AfterUnspecified<v1::RatePolicy>(policy); }

core::ResourceKind FromProto(v1::ResourceKind kind) {
  return FromNumber(kind, core::ResourceKind::kPcieController, core::ResourceKind::kNone);
}
core::Access FromProto(v1::Access access) {
  return FromNumber(access - 1, core::Access::kExclusive, core::Access::kNone);
}
core::RatePolicy FromProto(v1::RatePolicy policy) {
  return FromNumber(policy - 1, core::RatePolicy::kRange, core::RatePolicy::kOwner);
}

void ToProto(absl::Time time, google::protobuf::Timestamp* proto) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  proto->set_seconds(seconds);
  proto->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

void ToProto(core::Resource resource, v1::ResourceRef* proto) {
  proto->set_kind(ToProto(resource.kind));
  proto->set_id(resource.id);
}

void ToProto(const core::Core& core, const core::ResourceStatus& status, v1::ResourceState* proto) {
  const bool is_reset = status.resource.kind == core::ResourceKind::kReset;
  proto->set_kind(ToProto(status.resource.kind));
  proto->set_id(status.resource.id);
  proto->set_name(status.name);
  if (is_reset) {
    proto->set_reset(ToProto(status.reset));
  } else {
    proto->set_gate(ToProto(status.gate));
  }
  AddNames(core, status.holders, proto->mutable_holders());
  AddNames(core, status.implied, proto->mutable_implied());
  AddNames(core, status.exclusive, proto->mutable_exclusive());
  proto->set_pinned(status.pinned);
  proto->set_found_on(status.found_on);
  proto->set_residue(status.residue);
  proto->set_busy(status.busy);
  if (status.quarantined_for.has_value()) {
    proto->set_quarantined_for(core.NameOf(*status.quarantined_for));
  }
  if (status.resource.kind == core::ResourceKind::kClock) AddClock(core, status, proto);
  proto->set_shared(status.shared);
}

void ToProto(const core::VmStatus& status, v1::Vm* proto) {
  proto->set_name(status.name);
  proto->set_epoch(status.epoch);
  proto->set_releasing(status.releasing);
  proto->set_waiting(status.waiting);
  proto->set_clock_votes(status.clock_votes);
  proto->set_power_domain_votes(status.domain_votes);
  proto->set_audit_only(status.audit_only);
  proto->set_draining(status.admission != core::Admission::kOpen);
}

void ToProto(const EventLog::Record& record, const RenderedEvent& rendered, uint64_t lost,
             v1::Event* proto) {
  proto->set_number(record.number);
  ToProto(record.time, proto->mutable_time());
  proto->set_kind(std::string(record.kind));
  proto->set_vm(rendered.names.vm);
  proto->set_other(rendered.names.other);
  if (record.event.resource.kind != core::ResourceKind::kNone) {
    ToProto(record.event.resource, proto->mutable_resource());
    proto->set_resource_name(rendered.names.resource);
  }
  proto->set_error(record.event.error);
  if (record.event.reason != core::Reason::kNone) {
    proto->set_reason(std::string(core::ReasonName(record.event.reason)));
  }
  proto->set_value(record.event.value);
  proto->set_text(rendered.text);
  proto->set_lost(lost);
}

void ToProto(const mrq::Response& response, uint32_t rx_size, v1::MrqResponse* proto) {
  proto->set_error(response.error);
  std::string* rx = proto->mutable_rx();
  const size_t kept = std::min<size_t>(response.size, rx_size);
  if (response.ok()) rx->assign(response.data.begin(), response.data.begin() + kept);
  rx->resize(rx_size);
}

void ToProto(int32_t error, v1::Outcome* proto) {
  if (error == 0) return;
  proto->set_error(error);
  proto->set_error_name(std::string(mrq::ErrorName(error)));
}

absl::Status CheckFrame(const v1::MrqRequest& request) {
  if (request.tx().size() <= mrq::kPayloadSize && request.rx_size() <= mrq::kPayloadSize) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrFormat(
      "a frame has at most %d bytes each way; this has %d in tx and room for %d in rx",
      mrq::kPayloadSize, request.tx().size(), request.rx_size()));
}

}  // namespace bpmp::service
