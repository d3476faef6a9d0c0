// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_SPEC_H_
#define BROKER_SERVICE_SPEC_H_

#include <google/protobuf/message.h>

#include <functional>
#include <string_view>

#include "absl/status/statusor.h"
#include "bpmp/v1/config.pb.h"
#include "broker/core/policy.h"

// The part of the configuration that is policy, as the core takes it. Pure functions.
namespace bpmp::service {

// Says where a message of the configuration was written, or, with a `field`, the element `index` of
// that repeated field of it. Null, or an empty Where: made at run time.
using WhereFn =
    std::function<core::Where(const google::protobuf::Message*, std::string_view field, int index)>;

// One VM's entry. Never fails: what the core would refuse, ToPolicySpec or core::Compile refuses.
core::VmSpec ToVmSpec(const v1::VmConfig& vm, const WhereFn& where = nullptr);
// The same with one place for all of it.
core::VmSpec ToVmSpec(const v1::VmConfig& vm, const core::Where& where);

// The whole. InvalidArgument, with one line per problem ("broker.yaml:12: vm net-vm: ..."), for
// what a PolicySpec can't express: an entry without a name or access, a value that the schema
// doesn't have, a pin of nothing or of two things. Names and permissions are checked by
// core::Compile.
absl::StatusOr<core::PolicySpec> ToPolicySpec(const v1::Config& config,
                                              const WhereFn& where = nullptr);

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_SPEC_H_
