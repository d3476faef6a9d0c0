// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_POLICY_VIEW_H_
#define BROKER_CTL_POLICY_VIEW_H_

#include <string>

#include "bpmp/v1/admin.pb.h"

namespace bpmp::ctl {

// What a new policy changes, VM by VM, and what is said of it. Of a reload, or of what one would
// do; `drop`: votes that it doesn't allow are dropped.
std::string ReloadText(const v1::ReloadPolicyResponse& reload, bool dry_run, bool drop);

// The difference alone. `drop` and `dry_run` as above.
std::string DifferenceText(const v1::PolicyDifference& difference, bool dry_run, bool drop);

// What is wrong with a file, one line each, or that nothing is. `file` as the user calls it.
std::string CheckText(const v1::CheckPolicyResponse& check, const std::string& file);

// The VM's entry for the configuration file, as YAML with comments.
std::string SuggestionText(const v1::SuggestPolicyResponse& suggestion);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_POLICY_VIEW_H_
