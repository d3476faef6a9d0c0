// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_CONVERT_H_
#define BROKER_SERVICE_CONVERT_H_

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "bpmp/v1/admin.pb.h"
#include "bpmp/v1/types.pb.h"
#include "broker/core/core.h"
#include "broker/core/resource.h"
#include "broker/mrq/types.h"
#include "broker/service/event_log.h"
#include "broker/service/event_text.h"

// The core's types as the API shows them. Pure functions. Those that take a Core are called under
// the engine's lock (Engine::Read) and look only at the one thing that they are asked about.
namespace bpmp::service {

v1::ResourceKind ToProto(core::ResourceKind kind);
v1::Access ToProto(core::Access access);
v1::GateState ToProto(core::GateState state);
v1::ResetState ToProto(core::ResetState state);
v1::RatePolicy ToProto(core::RatePolicy policy);

// kNone for RESOURCE_KIND_UNSPECIFIED and for numbers that the API doesn't define.
core::ResourceKind FromProto(v1::ResourceKind kind);
// What isn't specified is the least: kNone.
core::Access FromProto(v1::Access access);
// kOwner where not specified.
core::RatePolicy FromProto(v1::RatePolicy policy);

void ToProto(absl::Time time, google::protobuf::Timestamp* proto);
void ToProto(core::Resource resource, v1::ResourceRef* proto);
void ToProto(const core::Core& core, const core::ResourceStatus& status, v1::ResourceState* proto);
// All but socket, session, configuration and what it holds.
void ToProto(const core::VmStatus& status, v1::Vm* proto);
// `lost`: how many events before this one the reader missed.
void ToProto(const EventLog::Record& record, const RenderedEvent& rendered, uint64_t lost,
             v1::Event* proto);
// The answer as a caller with room for `rx_size` bytes gets it: cut or padded with zeroes.
void ToProto(const mrq::Response& response, uint32_t rx_size, v1::MrqResponse* proto);
// How a typed request ended, without a reason.
void ToProto(int32_t error, v1::Outcome* proto);

// InvalidArgument when the message can't be a frame, whatever its MRQ is.
absl::Status CheckFrame(const v1::MrqRequest& request);

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_CONVERT_H_
