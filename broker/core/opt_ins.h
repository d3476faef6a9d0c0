// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_OPT_INS_H_
#define BROKER_CORE_OPT_INS_H_

#include <string>
#include <vector>

#include "broker/core/findings.h"
#include "broker/core/policy.h"

namespace bpmp::core {

// The permissions that a VM has only if its entry says so, from what is written to what is said of
// them. Of what has a number the firmware is not asked which there are: it has no words for that.

// Resolves one entry. Finds numbers out of range and written twice, and says what the operator
// should know.
OptIns CompileOptIns(const VmSpec& spec, Findings* findings);

// A PCIe controller is of one VM. `policy` is compiled from `spec`.
void CheckPcieOwners(const PolicySpec& spec, const Policy& policy, Findings* findings);

// What a VM gains and loses, one line each; PCIe controllers are resources, and not among it.
std::vector<std::string> CompareOptIns(const OptIns& before, const OptIns& after);

}  // namespace bpmp::core

#endif  // BROKER_CORE_OPT_INS_H_
