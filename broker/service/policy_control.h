// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_POLICY_CONTROL_H_
#define BROKER_SERVICE_POLICY_CONTROL_H_

#include "bpmp/v1/admin.pb.h"

namespace bpmp::service {

// Who knows where the policy is written and how such a file is read. What is wrong with the file is
// in the answers. Thread-safe; calls block on files.
class PolicyControl {
 public:
  virtual ~PolicyControl() = default;
  // Admin.ReloadPolicy.
  virtual v1::ReloadPolicyResponse Reload(const v1::ReloadPolicyRequest& request) = 0;
  // Admin.CheckPolicy.
  virtual v1::CheckPolicyResponse Check(const v1::CheckPolicyRequest& request) = 0;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_POLICY_CONTROL_H_
