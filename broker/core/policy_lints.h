// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_POLICY_LINTS_H_
#define BROKER_CORE_POLICY_LINTS_H_

#include "broker/core/findings.h"
#include "broker/core/names.h"
#include "broker/core/policy.h"

namespace bpmp::core {

// What is said of one VM's single grants, each at its own line: those that allow nothing, and those
// that allow more than is the VM's alone. `vm` is what `spec` came to.
void LintGrants(const VmSpec& spec, const VmPolicy& vm, const Inventory& inventory,
                const Names& names, Findings* findings);

}  // namespace bpmp::core

#endif  // BROKER_CORE_POLICY_LINTS_H_
