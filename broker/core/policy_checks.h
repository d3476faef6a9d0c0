// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_POLICY_CHECKS_H_
#define BROKER_CORE_POLICY_CHECKS_H_

#include "broker/core/findings.h"
#include "broker/core/policy.h"

namespace bpmp::core {

// The checks that need a whole policy: what one VM may have because of what others have. What many
// VMs share is one line.
void CheckPolicy(const PolicySpec& spec, const Profile& profile, const Inventory& inventory,
                 const Policy& policy, Findings* findings);

}  // namespace bpmp::core

#endif  // BROKER_CORE_POLICY_CHECKS_H_
