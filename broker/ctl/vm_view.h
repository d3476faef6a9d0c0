// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_VM_VIEW_H_
#define BROKER_CTL_VM_VIEW_H_

#include <string>

#include "absl/time/time.h"
#include "bpmp/v1/admin.pb.h"
#include "broker/ctl/resource_view.h"
#include "broker/ctl/style.h"
#include "broker/ctl/table.h"

// VMs and the broker itself as text for a terminal. `now` is the wall clock. Pure functions.
namespace bpmp::ctl {

// How its session stands, in a word; of a VM that is drained, how that stands.
Cell SessionCell(const v1::Vm& vm);
std::string VmTable(const v1::ListVmsResponse& vms, absl::Time now, const Style& style);
// One VM: how it stands, what it is configured with, what it holds.
std::string VmText(const v1::Vm& vm, absl::Time now, const Style& style);
// `quarantined` may be empty although the status counts some.
std::string StatusText(const v1::ServerStatus& status, const Resources& quarantined, absl::Time now,
                       const Style& style);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_VM_VIEW_H_
