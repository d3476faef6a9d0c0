// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_ACTING_VM_H_
#define BROKER_CTL_ACTING_VM_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "broker/ctl/resolver.h"
#include "broker/mrq/types.h"

namespace bpmp::ctl {

// Sends requests as a VM, by the admin API. Votes that they add end with our connection.
class ActingVm {
 public:
  // `admin` must outlive it. Not owned.
  ActingVm(AdminClient* admin, std::string vm) : admin_(admin), vm_(std::move(vm)) {}

  struct Answer {
    mrq::Response response;
    std::string refusal;  // in words: "EACCES: not permitted"; empty for success
  };
  // A refusal of the firmware or the broker is an answer.
  absl::StatusOr<Answer> Ask(const mrq::Request& request);
  // Where only success will do: FailedPrecondition for a refusal.
  absl::StatusOr<mrq::Response> Do(const mrq::Request& request);

 private:
  AdminClient* const admin_;
  const std::string vm_;
};

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_ACTING_VM_H_
