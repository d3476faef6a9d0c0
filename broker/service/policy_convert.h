// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_POLICY_CONVERT_H_
#define BROKER_SERVICE_POLICY_CONVERT_H_

#include "bpmp/v1/admin.pb.h"
#include "broker/core/core.h"

// What the core says about policies, as the API shows it. Called under the engine's lock.
namespace bpmp::service {

void ToProto(const core::Core& core, const core::PolicyDifference& difference,
             v1::PolicyDifference* proto);
// `entry` is the VM's as it is: its grants are replaced, what is said of a device that stays too is
// kept.
void ToProto(const core::Suggestion& suggestion, const v1::VmConfig& entry,
             v1::SuggestPolicyResponse* proto);

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_POLICY_CONVERT_H_
