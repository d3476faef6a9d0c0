// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_POLICY_CHECKS_H_
#define BROKER_CORE_POLICY_CHECKS_H_

#include <string>
#include <vector>

#include "broker/core/policy.h"

namespace bpmp::core {

// The checks that need a whole policy: what one VM may have because of what others have. Appends to
// `problems` (the policy is refused) and `notes` (it is accepted, and this is said).
void CheckPolicy(const PolicySpec& spec, const Profile& profile, const Inventory& inventory,
                 const Policy& policy, std::vector<std::string>* problems,
                 std::vector<Note>* notes);

}  // namespace bpmp::core

#endif  // BROKER_CORE_POLICY_CHECKS_H_
